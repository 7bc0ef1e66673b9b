"""Every page in a real Chromium: no exception, no accessibility violation that matters, no sideways scrolling."""

import re

import pytest
from playwright.sync_api import ConsoleMessage, Page, Request, expect
from support.dashboard_home import Home
from support.pages import AXE, PAGES, settle, violations, visit

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

PROBES = ("/_stcore/health", "/_stcore/host-config")  # the frontend's own probes below a deep link answer 404


@pytest.mark.parametrize("path", PAGES)
def test_page_is_sound_in_light_dark_and_narrow(page: Page, server: str, path: str) -> None:
    """One visit a page: no error, no foreign address, no serious violation in either scheme, no sideways scrolling."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: run `npm ci` in tests/e2e")
    errors, foreign = watch(page, server)
    visit(page, server, path)
    expect(page.locator("h1")).to_have_text(PAGES[path])
    assert page.locator('[data-testid="stException"]').count() == 0
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    settle(page)
    assert violations(page) == []
    page.set_viewport_size({"width": 400, "height": 900})
    settle(page)
    document, main, room = page.evaluate(
        """() => {
            const main = document.querySelector('[data-testid="stMain"]');
            return [document.documentElement.scrollWidth, main.scrollWidth, main.clientWidth];
        }"""
    )
    assert document <= 400
    assert main <= room
    assert errors == []
    assert foreign == []


def watch(page: Page, server: str) -> tuple[list[str], list[str]]:
    """Errors of the page and addresses elsewhere that it asks, gathered from now on."""
    errors: list[str] = []
    foreign: list[str] = []

    def noted(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.location.get("url", "").endswith(PROBES):
            errors.append(message.text)

    def asked(request: Request) -> None:
        if not request.url.startswith((server, "data:", "blob:", server.replace("http", "ws"))):
            foreign.append(request.url)

    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", noted)
    page.on("request", asked)
    return errors, foreign


def test_keyboard_walk_from_filter_to_trend_to_replay(page: Page, server: str) -> None:
    """Without a mouse: narrow the overview to a region, follow it to the trends, go on to a session."""
    visit(page, server, "overview?period=8+weeks")
    expect(page).to_have_url(f"{server}/?period=8+weeks")
    page.get_by_role("combobox", name="Region").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.type("EMEA")
    page.keyboard.press("Enter")
    page.wait_for_url("**region=EMEA**")
    settle(page)
    link = page.get_by_role("link", name="Which competency grows, week by week")
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/competency-trends**")
    settle(page)
    expect(page).to_have_url(re.compile("region=EMEA"))
    expect(page.locator("h1")).to_have_text("Competency trends")
    expect(page.locator('[data-testid="stMain"]')).to_contain_text("EMEA")
    page.get_by_role("button", name="Sessions", exact=True).focus()
    page.keyboard.press("Enter")
    page.get_by_role("menuitem", name="Session replay").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/session-replay**")
    settle(page)
    expect(page.locator("h1")).to_have_text("Session replay")
    expect(page).to_have_url(re.compile("session="))


def test_filters_and_session_live_in_the_address(page: Page, server: str, home: Home) -> None:
    visit(page, server, f"session-replay?session={home.silent}")
    expect(page.locator('[data-testid="stMain"]')).to_contain_text(home.silent)
    visit(page, server, "competency-trends?region=AMER&scenario=Difficult+feedback")
    expect(page.get_by_role("combobox", name="Scenario")).to_have_value("Difficult feedback")
    expect(page.get_by_role("combobox", name="Region")).to_have_value("AMER")
    expect(page).to_have_url(re.compile("scenario=Difficult"))
