"""Every page in a real Chromium: no exception, no accessibility violation that matters, no sideways scrolling."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from support.dashboard_home import Home
from support.pages import PAGES, settle, visit

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

AXE = Path(__file__).with_name("node_modules") / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PROBES = ("/_stcore/health", "/_stcore/host-config")  # the frontend's own probes below a deep link answer 404


def violations(page: Page) -> list[str]:
    """Serious and critical violations, with the elements concerned."""
    page.evaluate(AXE.read_text("utf-8"))
    report = page.evaluate("async (tags) => await axe.run(document, {runOnly: tags})", RULES)
    return [
        f"{found['id']} ({found['impact']}): {node['html'][:160]}"
        for found in report["violations"]
        if found["impact"] in ("serious", "critical")
        for node in found["nodes"][:3]
    ]


@pytest.mark.parametrize("path", PAGES)
def test_page_opens_without_error_and_calls_nobody_else(page: Page, server: str, path: str) -> None:
    errors: list[str] = []
    foreign: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console",
        lambda message: (
            errors.append(message.text)
            if message.type == "error" and not message.location.get("url", "").endswith(PROBES)
            else None
        ),
    )
    page.on(
        "request",
        lambda request: (
            foreign.append(request.url)
            if not request.url.startswith((server, "data:", "blob:", server.replace("http", "ws")))
            else None
        ),
    )
    visit(page, server, path)
    expect(page.locator("h1")).to_have_text(PAGES[path])
    assert page.locator('[data-testid="stException"]').count() == 0
    assert errors == []
    assert foreign == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_page_passes_axe(browser: Browser, server: str, path: str, scheme: str) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: run `npm ci` in tests/e2e")
    page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    visit(page, server, path)
    assert violations(page) == []
    page.close()


@pytest.mark.parametrize("path", PAGES)
def test_page_fits_400_pixels(browser: Browser, server: str, path: str) -> None:
    page = browser.new_page(viewport={"width": 400, "height": 900})
    visit(page, server, path)
    wide = page.evaluate(
        """() => {
            const main = document.querySelector('[data-testid="stMain"]');
            return [document.documentElement.scrollWidth, main.scrollWidth, main.clientWidth];
        }"""
    )
    assert wide[0] <= 400
    assert wide[1] <= wide[2]
    page.close()


def test_keyboard_walk_from_filter_to_trend_to_replay(page: Page, server: str) -> None:
    """Without a mouse: narrow the overview to a region, follow it to the trends, go on to a session."""
    visit(page, server, "")
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
