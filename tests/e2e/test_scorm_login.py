"""The company's login inside the LMS: a learner logs in once, in a window of the gateway, and sees their own result."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Page, expect
from support import lms
from support.lms import Installation
from support.scorm_page import clean, inner, nothing_of, sco, written
from support.served import free_port

from governance.access.log import AccessLog
from governance.identities import DirectoryEntry, Identities
from governance.state import State
from pipelines import packages

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

SCENARIO = "suitability-fund"
ACCOUNTS = (
    {"sub": "a-1", "email": "ada@example.com", "email_verified": True},
    {"sub": "c-1", "email": "cleo@example.com", "email_verified": True},
    {"sub": "x-1", "email": "stranger@example.com", "email_verified": True},
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    if not lms.AGAIN.is_file():
        pytest.skip("npm's scorm-again is not installed; `make test` installs it")
    port = free_port()
    users = [word for claims in ACCOUNTS for word in ("--user-claims", json.dumps(claims))]
    provider = subprocess.Popen(
        [str(Path(sys.executable).with_name("oidc-provider-mock")), "--port", str(port), "--require-nonce", "true",
         *users], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    metadata = f"http://localhost:{port}/.well-known/openid-configuration"
    oidc = {"METADATA_URL": metadata, "CLIENT_ID": "app", "CLIENT_SECRET": "secret"}
    try:
        lms.until_answers(metadata)
        given = {f"ROLECALL_OIDC_{name}": value for name, value in oidc.items()}
        with lms.installation(tmp_path_factory.mktemp("sso"), **given) as found:
            _know(found)
            yield found
    finally:
        provider.terminate()
        provider.wait(timeout=20)


def _know(place: Installation) -> None:
    state = State.open(place.settings.database_url)
    Identities(state, lms.SECRET.encode()).record(
        DirectoryEntry(tenant=lms.TENANT, learner_id=name, email=f"{name}@example.com") for name in ("ada", "cleo")
    )
    state.close()


def log_in(page: Page, subject: str) -> Page:
    """Press the button and log in; the window as it is afterwards."""
    with page.expect_popup() as opened:
        sco(page).get_by_role("button", name="Log in").click()
    window = opened.value
    window.locator("input[name=sub]").fill(subject)
    window.locator("button[type=submit], input[type=submit]").first.click()
    return window


def test_a_login_binds_the_lms_id_and_shows_the_own_result(page: Page, place: Installation) -> None:
    path = place.build(SCENARIO, "2004", "sso")
    place.play(page, path, "2004", learner="u-ada")
    expect(sco(page).get_by_role("button", name="Log in")).to_be_visible()
    assert clean(inner(page)) == []
    nothing_of(page)
    window = log_in(page, "a-1")
    expect(sco(page).locator("#status")).to_contain_text("passed on to the learning platform")
    if not window.is_closed():
        window.wait_for_event("close")
    figures = place.figures(SCENARIO)
    assert float(written(page)["cmi.score.scaled"]) == pytest.approx(figures["overall"], abs=1e-6)
    expect(sco(page).get_by_text("Well listened.").first).to_be_visible()
    page.evaluate("keep()")
    page.reload()
    expect(sco(page).locator("#status")).to_contain_text("has this result already")


def test_who_is_not_in_the_directory_gets_no_result_and_a_plain_message(page: Page, place: Installation) -> None:
    place.play(page, place.build(SCENARIO, "1.2", "sso"), "1.2", learner="u-stranger")
    window = log_in(page, "x-1")
    expect(window.get_by_text("you are not known here yet")).to_be_visible()
    nothing_of(page)


def test_a_lured_login_shows_its_code_to_whoever_logged_in_and_to_nobody_else(page: Page, place: Installation) -> None:
    """The address of mallory's login, opened by cleo in a browser of her own: mallory's page learns nothing."""
    place.play(page, place.build(SCENARIO, "2004", "sso"), "2004", learner="u-mallory")
    addresses: list[str] = []
    page.on("response", lambda got: addresses.append(got.json()["address"]) if got.url.endswith("/login") else None)
    with page.expect_popup():
        sco(page).get_by_role("button", name="Log in").click()
    page.wait_for_timeout(1_000)
    browser = page.context.browser
    assert browser is not None
    victim = browser.new_context().new_page()
    victim.goto(addresses[0])
    victim.locator("input[name=sub]").fill("c-1")
    victim.locator("button[type=submit], input[type=submit]").first.click()
    expect(victim.locator("#code")).to_be_visible()
    victim.context.close()
    expect(sco(page).get_by_label("Personal code")).to_be_visible()
    nothing_of(page)


def test_a_frame_that_may_open_no_window_says_so_and_takes_a_code(page: Page, place: Installation) -> None:
    ((_, code),) = packages.add_codes(place.settings, "sso", ["cleo"], 30)
    path = place.build(SCENARIO, "2004", "sso")
    place.play(page, path, "2004", learner="u-cleo", sandbox="allow-scripts allow-same-origin allow-forms")
    sco(page).get_by_role("button", name="Log in").click()
    expect(sco(page).get_by_role("alert")).to_contain_text("blocked the login window")
    sco(page).get_by_label("Personal code").fill(code)
    sco(page).get_by_role("button", name="Confirm").click()
    expect(sco(page).locator("#status")).to_contain_text("passed on to the learning platform")


def test_logins_given_and_refused_are_in_the_access_log(place: Installation) -> None:
    state = State.open(place.settings.database_url)
    log = AccessLog(state).frame().filter(pl.col("who") == "service:results")
    state.close()
    seen = set(log.select("action", "allowed", "why", "learner_key").iter_rows())
    assert {("lms_login", True, "ok", None), ("lms_sso", True, "ok", place.key("ada")),
            ("lms_sso", False, "no_learner", None), ("lms_claim", True, "ok", place.key("ada"))} <= seen  # fmt: skip
    assert not any("example.com" in str(row) or "u-ada" in str(row) for row in log.iter_rows())
