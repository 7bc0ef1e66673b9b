"""How the end-to-end tests open a page and what they know of each."""

from pathlib import Path

from playwright.sync_api import Page

from dashboards import registry

QUIET = '[data-testid="stApp"][data-test-script-state="notRunning"]'
AXE = Path(__file__).resolve().parents[1] / "e2e" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
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


def violations(page: Page) -> list[str]:
    """Serious and critical violations that stay, with the elements concerned.

    A busy machine may still draw what the script has sent: what is gone within ten seconds was never a user's page.
    """
    page.evaluate(AXE.read_text("utf-8"))
    found = _violations_now(page)
    for _ in range(10):
        if not found:
            break
        page.wait_for_timeout(1000)
        found = _violations_now(page)
    return found


def _violations_now(page: Page) -> list[str]:
    report = page.evaluate("async (tags) => await axe.run(document, {runOnly: tags})", RULES)
    return [
        f"{found['id']} ({found['impact']}): {node['html'][:160]} at {node['target']}"
        for found in report["violations"]
        if found["impact"] in ("serious", "critical")
        for node in found["nodes"][:3]
    ]
