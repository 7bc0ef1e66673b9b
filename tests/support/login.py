"""The dashboards behind a login, with a provider's stand-in that can be told to lie."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from playwright.sync_api import Page
from support.dashboard_home import Home, build_home
from support.forger import METADATA, Forger
from support.served import PROJECT, free_port

from governance.access.log import AccessLog
from governance.state import State

CLAIMS = (
    {"sub": "officer", "name": "Olga Officer", "roles": ["compliance"], "tenants": ["acme"], "regions": ["EMEA"]},
    {"sub": "everywhere", "roles": ["compliance"], "tenants": ["acme"], "regions": ["EMEA", "AMER", "APAC"]},
    {"sub": "abroad", "roles": ["compliance"], "tenants": ["acme"], "regions": ["NOWHERE"]},
    {"sub": "admin", "roles": ["admin"], "tenants": ["acme"], "regions": ["EMEA"]},
    {"sub": "elsewhere", "roles": ["compliance"], "tenants": ["globex"], "regions": ["EMEA"]},
    {"sub": "forged", "roles": ["root", "*"], "tenants": ["*"], "regions": ["*"]},
)


@dataclass(frozen=True)
class Site:
    """A running dashboard behind a login."""

    address: str
    home: Home
    provider: Forger

    def entries(self) -> pl.DataFrame:
        """The access log, newest first."""
        state = State.open(f"sqlite:///{self.home.path / 'state.db'}")
        try:
            return AccessLog(state).frame()
        finally:
            state.close()

    def log(self) -> list[tuple[str, str, bool, str]]:
        """Who, what, allowed and why, newest first."""
        return list(self.entries().select("who", "action", "allowed", "why").iter_rows())


@contextmanager
def serving_site(folder: Path) -> Iterator[Site]:
    """The site over a home of its own, while the context lasts."""
    home = build_home(folder / "home")
    provider_port, port = free_port(), free_port()
    users = [word for claims in CLAIMS for word in ("--user-claims", json.dumps(claims))]
    stand_in = subprocess.Popen(
        [str(Path(sys.executable).with_name("oidc-provider-mock")), "--port", str(provider_port), *users],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    behind, address = f"http://localhost:{provider_port}", f"http://localhost:{port}"
    with Forger(behind).running() as provider:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ROLECALL_")}
        environment = kept | {
            "ROLECALL_HOME": str(home.path), "PYTHONPATH": str(PROJECT), "ROLECALL_PUBLIC_URL": address,
            "ROLECALL_OIDC_CLIENT_ID": "app", "ROLECALL_OIDC_CLIENT_SECRET": "secret",
            "ROLECALL_OIDC_METADATA_URL": f"{provider.address}{METADATA}",
        }  # fmt: skip
        command = [sys.executable, "-m", "pipelines.cli", "serve", "dashboard", "--port", str(port)]
        server = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL)
        try:
            _answers(f"{address}/_stcore/health")
            _answers(f"{behind}{METADATA}")
            yield Site(address, home, provider)
        finally:
            for process in (server, stand_in):
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


def log_in(page: Page, site: Site, who: str, path: str = "") -> None:
    """Log in as one of ``CLAIMS``, through the provider's form."""
    page.goto(f"{site.address}/{path}")
    page.get_by_role("button", name="Log in").click()
    page.locator("input[name=sub]").fill(who)
    page.locator("button[type=submit], input[type=submit]").first.click()
    page.wait_for_url(re.compile(re.escape(site.address)))


def status(address: str, **headers: str) -> int:
    """The status of the answer to a GET."""
    request = urllib.request.Request(address, headers={name.replace("_", "-"): text for name, text in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
