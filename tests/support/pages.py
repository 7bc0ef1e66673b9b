"""How the end-to-end tests open a page and what they know of each."""

from playwright.sync_api import Page

from dashboards import registry

QUIET = '[data-testid="stApp"][data-test-script-state="notRunning"]'
PAGES = {entry.path: entry.title for entry in registry.PAGES}


def settle(page: Page) -> None:
    """Wait until the page's script has run to its end and its charts are drawn."""
    page.wait_for_selector('[data-testid="stHeading"]', timeout=30_000)
    page.wait_for_timeout(300)
    page.wait_for_selector(QUIET, timeout=30_000)
    page.wait_for_timeout(500)


def visit(page: Page, server: str, path: str) -> None:
    """Open a page and wait until it is done."""
    page.goto(f"{server}/{path}")
    settle(page)
