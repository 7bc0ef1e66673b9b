"""What an officer does: a report by filters and one button, whose signed file verifies, and a review of one session."""

from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from support.command import Command
from support.dashboard_home import Home
from support.pages import settle, visit

from governance.reviews import Reviews
from governance.state import State

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def test_a_report_is_made_beside_open_pages_and_its_file_verifies(page: Page, server: str, tmp_path: Path) -> None:
    """The other pages hold the published version open in the same process; the report reads it, and the lake, too."""
    visit(page, server, "session-replay")
    visit(page, server, "audit-reports")
    begins = page.get_by_role("textbox", name="From (YYYY-MM-DD)")
    begins.fill("2027-01-01")
    page.get_by_role("textbox", name="To, included (YYYY-MM-DD)").fill("2026-12-31")
    page.get_by_role("button", name="Make the report").click()
    expect(page.get_by_text("before it begins on 2027-01-01. Exchange the days.")).to_be_visible()
    begins.fill("2026-01-01")
    page.get_by_role("button", name="Make the report").click()
    expect(page.get_by_role("heading", name="Sessions in the report")).to_be_visible(timeout=60_000)
    settle(page)
    assert page.locator('[data-testid="stException"]').count() == 0
    with page.expect_download(timeout=60_000) as found:
        page.get_by_role("button", name="Download signed PDF").click()
    file = tmp_path / "report.pdf"
    found.value.save_as(file)
    assert "intact" in Command(tmp_path / "elsewhere")("audit", "verify", str(file))
    visit(page, server, "session-replay")
    assert page.locator('[data-testid="stException"]').count() == 0, "and the pages read on"


def test_a_double_click_decides_about_one_session(page: Page, server: str, home: Home) -> None:
    """The second click came with the next session in the form's place, and judged it for the first one's reason."""
    visit(page, server, "review-queue")
    session = page.get_by_role("combobox", name="Session").input_value()
    page.get_by_role("textbox", name="Reason").fill("Heard the recording")
    page.get_by_role("button", name="Decide").dblclick()
    expect(page.get_by_text(f"{session}: the score is accepted.")).to_be_visible()
    settle(page)
    expect(page.get_by_role("textbox", name="Reason")).to_have_value("")
    with closing(State.open(f"sqlite:///{home.path / 'state.db'}")) as state:
        assert Reviews(state).frame("acme")["session_id"].to_list() == [session]
