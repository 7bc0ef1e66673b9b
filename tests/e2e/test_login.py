"""Login by OpenID Connect against a provider's stand-in, and attacks on everything behind it."""

import pytest
from playwright.sync_api import Page, expect
from support.login import Site, log_in, status
from support.pages import settle


def test_an_officer_logs_in_sees_their_region_and_is_logged(site: Site, guest: Page) -> None:
    log_in(guest, site, "officer")
    settle(guest)
    expect(guest.get_by_text("Logged in as Olga Officer, compliance")).to_be_visible()
    guest.goto(f"{site.address}/access-log")
    settle(guest)
    expect(guest.get_by_role("heading", name="Access log")).to_be_visible()
    assert ("oidc:officer", "read_access_log", True, "ok") in site.log()


def test_a_guessed_session_is_refused_and_logged_without_saying_whether_it_exists(site: Site, guest: Page) -> None:
    log_in(guest, site, "officer")
    settle(guest)
    guest.goto(f"{site.address}/session-replay?session=cvi:guessed")
    settle(guest)
    expect(guest.get_by_text("There is no session cvi:guessed.")).to_be_visible()
    assert ("oidc:officer", "open_session", False, "no_such_session") in site.log()


@pytest.mark.parametrize("who", ["forged", "elsewhere"])
def test_forged_claims_and_another_tenant_open_nothing(site: Site, guest: Page, who: str) -> None:
    log_in(guest, site, who)
    expect(guest.get_by_text("No customer is in your scope")).to_be_visible()
    expect(guest.get_by_text("acme", exact=True)).to_have_count(0)


def test_an_administrator_sees_no_content(site: Site, guest: Page) -> None:
    log_in(guest, site, "admin")
    settle(guest)
    guest.goto(f"{site.address}/session-replay?session={site.home.recorded}")
    guest.wait_for_timeout(1500)
    expect(guest.get_by_role("heading", name="Session replay")).to_have_count(0)


def test_without_a_login_routes_and_files_are_closed_whatever_the_cookie_says(site: Site) -> None:
    address = f"{site.address}/recordings/abc?tenant=acme&session={site.home.recorded}&user=oidc:officer"
    ended = f"{address}&expires=1700000000&mark={'0' * 64}"
    assert status(address) == 403
    assert status(ended, cookie="_streamlit_user=forged") == 403
    assert status(ended, cookie='_streamlit_user="2|1:0|10:1700000000|15:_streamlit_user|4:e30=|aa"') == 403
    assert status(f"{site.address}/media/abc.mp4") == 403
    assert status(f"{site.address}/_stcore/metrics") == 404
    assert status(f"{site.address}/", host="rebound.example") == 403
    assert any(who == "nobody" and action == "play_recording" and not ok for who, action, ok, _ in site.log())
