"""Login by OpenID Connect against a provider's stand-in, and attacks on everything behind it."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from support.dashboard_home import Home, build_home
from support.pages import settle
from support.served import PROJECT, free_port

from governance.access.log import AccessLog
from governance.state import State

CLAIMS = (
    {"sub": "officer", "name": "Olga Officer", "roles": ["compliance"], "tenants": ["acme"], "regions": ["EMEA"]},
    {"sub": "admin", "roles": ["admin"], "tenants": ["acme"], "regions": ["EMEA"]},
    {"sub": "elsewhere", "roles": ["compliance"], "tenants": ["globex"], "regions": ["EMEA"]},
    {"sub": "forged", "roles": ["root", "*"], "tenants": ["*"], "regions": ["*"]},
)


@dataclass(frozen=True)
class Site:
    """A running dashboard behind a login."""

    address: str
    home: Home

    def log(self) -> list[tuple[str, str, bool, str]]:
        """Who, what, allowed and why, newest first."""
        state = State.open(f"sqlite:///{self.home.path / 'state.db'}")
        try:
            frame = AccessLog(state).frame()
        finally:
            state.close()
        return list(frame.select("who", "action", "allowed", "why").iter_rows())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = build_home(tmp_path_factory.mktemp("login") / "home")
    provider_port, port = free_port(), free_port()
    users = [word for claims in CLAIMS for word in ("--user-claims", json.dumps(claims))]
    provider = subprocess.Popen(
        [str(Path(sys.executable).with_name("oidc-provider-mock")), "--port", str(provider_port), *users],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROLECALL_")}
    environment = kept | {
        "ROLECALL_HOME": str(home.path), "PYTHONPATH": str(PROJECT),
        "ROLECALL_PUBLIC_URL": f"http://localhost:{port}", "ROLECALL_OIDC_CLIENT_ID": "app",
        "ROLECALL_OIDC_CLIENT_SECRET": "secret",
        "ROLECALL_OIDC_METADATA_URL": f"http://localhost:{provider_port}/.well-known/openid-configuration",
    }  # fmt: skip
    command = [sys.executable, "-m", "pipelines.cli", "serve", "dashboard", "--port", str(port)]
    server = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL)
    try:
        address = f"http://localhost:{port}"
        _answers(f"{address}/_stcore/health")
        _answers(f"http://localhost:{provider_port}/.well-known/openid-configuration")
        yield Site(address, home)
    finally:
        for process in (server, provider):
            process.terminate()
            process.wait(timeout=20)


def _answers(address: str) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"{address} did not answer")


@pytest.fixture
def guest(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    yield context.new_page()
    context.close()


def log_in(page: Page, site: Site, who: str, path: str = "") -> None:
    page.goto(f"{site.address}/{path}")
    page.get_by_role("button", name="Log in").click()
    page.locator("input[name=sub]").fill(who)
    page.locator("button[type=submit], input[type=submit]").first.click()
    page.wait_for_url(re.compile(re.escape(site.address)))


def status(address: str, **headers: str) -> int:
    request = urllib.request.Request(address, headers={name.replace("_", "-"): text for name, text in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


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
