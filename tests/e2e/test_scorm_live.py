"""The role-play inside the LMS, from launch to grade."""

import polars as pl
import pytest
from playwright.sync_api import Page, expect
from support import lms
from support.lms import Installation
from support.scorm_page import ask, clean, compare, inner, nothing_of, nothing_scored, said, sco, written

from governance.access.log import AccessLog
from governance.state import State

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def test_a_role_play_is_held_in_the_lms_and_graded(page: Page, place: Installation) -> None:
    """Launch, conversation, deliveries, `rolecall run`, grade: nothing in between is replaced."""
    path = place.build("suitability-fund", "2004", "live")
    with lms.simulated_engine(place):
        place.play(page, path, "2004", learner="u-ada")
        inside = sco(page)
        inside.get_by_label("Language of the conversation").select_option("de")
        inside.get_by_label("pick up what I found difficult").check()
        inside.get_by_role("button", name="Start the role-play").click()
        film = inside.frame_locator("iframe").locator("video")
        expect(film).to_be_visible()
        film.evaluate("node => new Promise(done => node.ontimeupdate = () => node.currentTime > 0.5 && done())")
        assert film.evaluate("node => !node.paused && node.videoWidth > 0")
        nothing_of(page)
        inside.frame_locator("iframe").get_by_role("button", name="Leave").click()
        expect(inside.frame_locator("iframe").get_by_text("You have left")).to_be_visible()
        inside.get_by_role("button", name="I have finished").click()
        said(page, "is being scored")
        page.evaluate("keep()")
        place.rolecall("run")
        said(page, "passed on")
    figures = place.figures("suitability-fund")
    assert figures["session_id"].startswith("cvi:")
    compare(written(page), figures, "2004")
    (launch,) = place.query(
        "select learner_key, scenario_id, attempt, language, notice_ref from sessions where session_id = ?",
        [figures["session_id"]],
    )
    assert launch == {
        "learner_key": place.key("ada"), "scenario_id": "suitability-fund", "attempt": 2, "language": "de",
        "notice_ref": "n-1",
    }  # fmt: skip
    borrowed = ask(place, "result", path, learner="u-ben", conversation=figures["session_id"].removeprefix("cvi:"))
    assert borrowed == {"state": "none"}


def test_without_an_engine_the_lobby_says_so(page: Page, place: Installation) -> None:
    place.play(page, place.build("feedback-missed-release", "1.2", "live"), "1.2", learner="u-ben")
    expect(sco(page).get_by_text("It is recorded.")).to_be_visible()
    assert sco(page).get_by_label("pick up what").count() == 0
    inside = inner(page)
    assert clean(inside) == []
    sco(page).get_by_role("button", name="Start the role-play").click()
    said(page, "could not be started")
    nothing_scored(page, "1.2")


def test_every_start_is_in_the_access_log(place: Installation) -> None:
    """The launches above, the one that the engine took and the one that it could not."""
    state = State.open(place.settings.database_url)
    log = AccessLog(state).frame().filter(pl.col("action") == "lms_launch")
    state.close()
    assert {(True, "with_notes"), (False, "engine")} <= set(log.select("allowed", "why").iter_rows())
