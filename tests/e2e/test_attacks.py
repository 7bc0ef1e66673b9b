"""Attacks on the dashboards as they are served, by Chromium and by bare requests: each refused, each in the access log.

Every attacker comes from an address of its own, as a proxy tells it, by which its entries in the log are found.
"""

import json
import time
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from support.forger import FORGERIES
from support.http_stub import Said, serving
from support.login import Site, log_in, status
from support.pages import settle

from dashboards import media, session_queries
from dashboards.access import COOKIE
from dashboards.reader import current_edition
from governance import tickets
from governance.access.claims import local_user
from governance.secrets import derive, secret_key
from governance.settings import Settings

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
NUMBERS = count(1)


class Attacker:
    """Somebody at an address of their own."""

    def __init__(self, browser: Browser, site: Site) -> None:
        self.site, self.address = site, f"203.0.113.{next(NUMBERS)}"
        self.context = browser.new_context(extra_http_headers={"X-Forwarded-For": self.address}, locale="en-GB")
        self.page: Page = self.context.new_page()

    def logged(self) -> set[tuple[str, str, bool, str]]:
        """Who, what, allowed and why of the entries about this address."""
        frame = self.site.entries()
        mine = frame.filter(frame["source"].str.ends_with(f"for {self.address}"))
        return set(mine.select("who", "action", "allowed", "why").iter_rows())

    def ask(self, path: str, cookie: str | None = None) -> int:
        """The status of a bare request, with the cookies of the browser or with another."""
        known = "; ".join(f"{each['name']}={each['value']}" for each in self.context.cookies())  # pyright: ignore[reportTypedDictNotRequiredAccess]
        return status(self.site.address + path, Cookie=cookie or known, X_Forwarded_For=self.address)


@pytest.fixture
def attacker(browser: Browser, site: Site) -> Iterator[Attacker]:
    somebody = Attacker(browser, site)
    yield somebody
    somebody.context.close()


@pytest.fixture
def settings(site: Site) -> Settings:
    return Settings(_env_file=None, home=site.home.path)  # type: ignore[call-arg]


def recording(site: Site, settings: Settings, who: str, *, tenant: str = "acme", at: datetime | None = None) -> str:
    """The link to the recorded session that the dashboards would give to a login, made with the installation's key."""
    edition = current_edition(settings.marts, "acme")
    assert edition is not None
    uri = session_queries.media(edition, site.home.recorded)["uri"][0]
    if tenant == "acme" and at is None:
        return media.link("recordings", settings, local_user(f"oidc:{who}"), edition, site.home.recorded, uri)
    name = media.reference(site.home.recorded, uri)
    wanted = json.dumps(["recordings", tenant, site.home.recorded, name])
    mark = tickets.ticket(media.ticket_key(settings), f"oidc:{who}", wanted, at or datetime.now(UTC))
    return f"/recordings/{name}?tenant={tenant}&session={site.home.recorded}&{mark}"


def cookie(settings: Settings, site: Site, claims: Mapping[str, Any], *, key: str | None = None) -> str:
    """A login's cookie as Streamlit writes it; without a ``key`` it is signed with the installation's."""
    from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

    secret = key or derive(secret_key(settings), "login-cookie").hex()
    told = {"origin": site.address, "is_logged_in": True, "provider": "default", **claims}
    return f"{COOKIE}={create_signed_value(secret, COOKIE, json.dumps(told)).decode()}"


@pytest.mark.parametrize("forgery", [each for each in FORGERIES if each != "honest"])
def test_a_token_that_the_provider_did_not_mean_logs_nobody_in(site: Site, attacker: Attacker, forgery: str) -> None:
    with site.provider.forging(forgery):
        log_in(attacker.page, site, "officer")
        expect(attacker.page.get_by_role("button", name="Log in")).to_be_visible()
    assert not [each for each in attacker.context.cookies() if each["name"] == COOKIE]  # pyright: ignore[reportTypedDictNotRequiredAccess]
    assert attacker.logged() == {("nobody", "log_in", False, "login")}


def test_the_same_way_with_an_honest_token_logs_in(site: Site, attacker: Attacker) -> None:
    log_in(attacker.page, site, "officer")
    settle(attacker.page)
    expect(attacker.page.get_by_text("Logged in as Olga Officer, compliance")).to_be_visible()
    assert not [each for each in attacker.logged() if each[1] == "log_in"]


def test_an_answer_of_the_provider_cannot_be_sent_twice(site: Site, attacker: Attacker) -> None:
    for query in ("", "?code=guessed&state=guessed", "?error=access_denied"):
        assert attacker.ask(f"/oauth2callback{query}", cookie="none=1") == 200  # after the redirect to the start page
    assert attacker.logged() == {("nobody", "log_in", False, "login")}


def test_a_link_opens_for_its_own_reader_in_their_scope_alone(
    site: Site, attacker: Attacker, settings: Settings
) -> None:
    log_in(attacker.page, site, "everywhere")
    settle(attacker.page)
    assert attacker.ask(recording(site, settings, "everywhere")) == 200
    for link, why in (
        (recording(site, settings, "officer"), "ticket"),
        (recording(site, settings, "everywhere", at=datetime.now(UTC) - timedelta(hours=1)), "ticket"),
        (recording(site, settings, "everywhere").replace("mark=", "mark=0"), "ticket"),
    ):
        assert attacker.ask(link) == 403
        assert ("oidc:everywhere", "play_recording", False, why) in attacker.logged()
    assert attacker.ask(recording(site, settings, "everywhere", tenant="globex")) == 404  # nothing of theirs is here
    assert attacker.ask(recording(site, settings, "everywhere"), cookie="none=1") == 403
    assert ("nobody", "play_recording", False, "nobody") in attacker.logged()


@pytest.mark.parametrize(("who", "why"), [("abroad", "region"), ("elsewhere", "tenant"), ("admin", "role")])
def test_a_true_link_opens_nothing_beyond_region_tenant_and_role(
    site: Site, attacker: Attacker, settings: Settings, who: str, why: str
) -> None:
    log_in(attacker.page, site, who)
    attacker.page.wait_for_timeout(2_000)
    assert attacker.ask(recording(site, settings, who)) == 403
    assert (f"oidc:{who}", "play_recording", False, why) in attacker.logged()


def test_another_regions_session_is_not_shown_by_its_address(site: Site, attacker: Attacker) -> None:
    log_in(attacker.page, site, "abroad")
    settle(attacker.page)
    attacker.page.goto(f"{site.address}/session-replay?session={site.home.recorded}")
    settle(attacker.page)
    expect(attacker.page.get_by_text(f"There is no session {site.home.recorded}.")).to_be_visible()
    assert any(each[:3] == ("oidc:abroad", "open_session", False) for each in attacker.logged())


def test_a_page_that_no_role_opens_is_refused_by_its_address_too(site: Site, attacker: Attacker) -> None:
    log_in(attacker.page, site, "admin")
    settle(attacker.page)
    attacker.page.goto(f"{site.address}/access-log")
    settle(attacker.page)
    expect(attacker.page.get_by_role("heading", name="Access log")).to_have_count(0)
    assert ("oidc:admin", "read_access_log", False, "role") in attacker.logged()
    assert attacker.ask("/reports/acme/2026-11.pdf") == 403
    assert ("oidc:admin", "export_report", False, "role") in attacker.logged()


@pytest.mark.parametrize("who", ["forged", "elsewhere"])
def test_whoever_has_no_customer_in_scope_is_logged(site: Site, attacker: Attacker, who: str) -> None:
    log_in(attacker.page, site, who)
    expect(attacker.page.get_by_text("No customer is in your scope")).to_be_visible()
    assert (f"oidc:{who}", "connect", False, "tenant") in attacker.logged()


def test_a_stale_cookie_opens_neither_page_nor_route(site: Site, attacker: Attacker, settings: Settings) -> None:
    claims = {"sub": "everywhere", "roles": ["compliance"], "tenants": ["acme"], "regions": ["EMEA", "AMER", "APAC"]}
    link = recording(site, settings, "everywhere")
    good = cookie(settings, site, {**claims, "exp": time.time() + 600})
    assert attacker.ask(link, cookie=good) == 200
    stale = cookie(settings, site, {**claims, "exp": time.time() - 600})
    assert attacker.ask(link, cookie=stale) == 403
    assert ("nobody", "play_recording", False, "nobody") in attacker.logged()
    attacker.context.add_cookies([{"name": COOKIE, "value": stale.partition("=")[2], "url": site.address}])
    attacker.page.goto(site.address)
    expect(attacker.page.get_by_text("Your login has ended")).to_be_visible()
    assert ("nobody", "log_in", False, "ended") in attacker.logged()


@pytest.mark.parametrize("endless", [True, False])
def test_a_forged_cookie_opens_neither_page_nor_route(
    site: Site, attacker: Attacker, settings: Settings, endless: bool
) -> None:
    claims = {"sub": "everywhere", "roles": ["compliance"], "tenants": ["acme"], "regions": ["EMEA"]}
    ends = {} if endless else {"exp": time.time() + 600}
    forged = cookie(settings, site, claims | ends, key=None if endless else "0" * 64)
    assert attacker.ask(recording(site, settings, "everywhere"), cookie=forged) == 403
    attacker.context.add_cookies([{"name": COOKIE, "value": forged.partition("=")[2], "url": site.address}])
    attacker.page.goto(site.address)
    said = "Your login has ended" if endless else "Log in"
    expect(attacker.page.get_by_text(said).first).to_be_visible()
    assert ("nobody", "log_in", False, "ended" if endless else "cookie") in attacker.logged()


def test_a_websocket_from_another_page_is_refused(site: Site, attacker: Attacker) -> None:
    """A page elsewhere that opens our socket sends the reader's cookie; its origin gives it away."""
    log_in(attacker.page, site, "officer")
    settle(attacker.page)
    with serving(lambda _: Said(body=b"elsewhere", headers={"content-type": "text/html"})) as address:
        elsewhere = address.replace("127.0.0.1", "localhost")  # a port of the same site, which the cookie is sent from
        attacker.page.goto(elsewhere)
        opened = attacker.page.evaluate(
            """(address) => new Promise((done) => {
                const socket = new WebSocket(address.replace("http", "ws") + "/_stcore/stream");
                socket.onopen = () => done(true);
                socket.onerror = () => done(false);
            })""",
            site.address,
        )
    assert opened is False
    refused = site.entries().filter(action="connect", why="origin")  # sockets lack what the browser adds to requests
    assert refused.select("who", "allowed", "what").rows() == [("nobody", False, elsewhere)]


def test_nothing_of_the_login_stands_in_the_log(site: Site) -> None:
    """Neither a cookie nor a token nor a ticket's mark is written where officers read."""
    text = json.dumps(site.entries().select("what", "reason", "object", "source").to_dicts())
    for part in ("mark=", "eyJ", COOKIE):
        assert part not in text
    assert urllib.request.urlopen(f"{site.address}/_stcore/health", timeout=30).status == 200
