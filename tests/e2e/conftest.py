"""A running server over a drawn home, and a real Chromium in front of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from support import lms
from support.dashboard_home import Home, build_home
from support.lms import Installation
from support.login import Site, serving_site
from support.served import CHROMIUM, FLAGS, served


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return build_home(tmp_path_factory.mktemp("dashboards") / "home")


@pytest.fixture(scope="session")
def server(home: Home) -> Iterator[str]:
    with served(home.path) as address:
        yield address


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving_site(tmp_path_factory.mktemp("login")) as running:
        yield running


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A home with its gateway and an LMS, for every test of packages."""
    if not lms.AGAIN.is_file():
        pytest.skip("npm's scorm-again is not installed; `make test` installs it")
    with lms.installation(tmp_path_factory.mktemp("lms")) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser a module: while it lives, Playwright's event loop runs, and no other test may start one."""
    if not Path(CHROMIUM).exists():
        pytest.skip("Debian's chromium is not installed; `make test` installs it")
    with sync_playwright() as play:
        expect.set_options(timeout=30_000)  # two busy cores are slow, and that is no failure
        running = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1280, "height": 900}, locale="en-GB")
    yield opened
    opened.close()


@pytest.fixture
def guest(browser: Browser) -> Iterator[Page]:
    """A page of somebody who has no cookie yet."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    yield context.new_page()
    context.close()
