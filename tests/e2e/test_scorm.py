"""Packages in a real Chromium, played by scorm-again: what reaches the LMS, and what must never reach it."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest
from playwright.sync_api import Frame, FrameLocator, Page, Route, expect
from support import lms
from support.lms import SCENARIOS, Installation

from governance.access.log import AccessLog
from governance.settings import PROJECT
from governance.state import State
from pipelines import packages

AXE = PROJECT / "tests" / "e2e" / "node_modules" / "axe-core" / "axe.min.js"
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

EDITIONS = ("1.2", "2004")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    if not lms.AGAIN.is_file():
        pytest.skip("npm's scorm-again is not installed; `make test` installs it")
    with lms.installation(tmp_path_factory.mktemp("lms")) as found:
        yield found


def sco(page: Page) -> FrameLocator:
    return page.frame_locator("iframe")


def said(page: Page, text: str) -> None:
    expect(sco(page).locator("#status")).to_contain_text(text)


def calls(page: Page, name: str | None = None) -> list[dict[str, Any]]:
    return [each for each in page.evaluate("calls") if name in (None, each["name"])]


def written(page: Page) -> dict[str, str]:
    return {each["given"][0]: each["given"][1] for each in calls(page, "SetValue")}


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_lms_gets_what_the_mart_says(page: Page, place: Installation, scenario: str, edition: str) -> None:
    place.play(page, place.build(scenario, edition), edition)
    said(page, "passed on to the learning platform")
    page.evaluate("leave()")
    refused = [each for each in calls(page) if each["name"] in ("SetValue", "Commit") and each["answer"] != "true"]
    assert refused == []
    check_calls(page, edition)
    compare(written(page), place.figures(scenario), edition)
    assert page.evaluate("lengths()") == [len(place.figures(scenario)["criteria"])] * 2


def check_calls(page: Page, edition: str) -> None:
    ends = "Finish" if edition == "1.2" else "Terminate"
    assert [each["answer"] for each in calls(page, "Initialize")] == ["true"]
    assert [each["answer"] for each in calls(page, ends)] == ["true"]
    assert calls(page, "Commit")
    names = [each["given"][0] for each in calls(page, "SetValue")]
    status = "cmi.core.lesson_status" if edition == "1.2" else "cmi.success_status"
    assert names[-2:] == [status, "cmi.core.exit" if edition == "1.2" else "cmi.exit"]


def compare(values: dict[str, str], figures: dict[str, Any], edition: str) -> None:
    one = edition == "1.2"
    base = "cmi.core.score" if one else "cmi.score"
    verdict = {True: "passed", False: "failed"}[figures["passed"]]
    assert float(values[f"{base}.raw"]) == pytest.approx(figures["overall"] * 100, abs=1e-4)
    assert values["cmi.core.lesson_status" if one else "cmi.success_status"] == verdict
    if not one:
        assert float(values["cmi.score.scaled"]) == pytest.approx(figures["overall"], abs=1e-6)
    for at, criterion in enumerate(figures["criteria"]):
        objective, interaction = f"cmi.objectives.{at}", f"cmi.interactions.{at}"
        assert values[f"{objective}.id"] == values[f"{interaction}.id"] == criterion["criterion_id"]
        assert float(values[f"{objective}.score.raw"]) == pytest.approx(criterion["scaled"] * 100, abs=1e-4)
        met = "passed" if criterion["met"] else "failed"
        assert values[f"{objective}.status" if one else f"{objective}.success_status"] == met
        assert (
            values[f"{interaction}.student_response" if one else f"{interaction}.learner_response"].split("/")[0]
            == f"{criterion['score']:g}"
        )


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_knock_out_stays_failed_with_a_high_score(page: Page, place: Installation, edition: str) -> None:
    place.play(page, place.build("knockout", edition, "gentle"), edition)
    said(page, "passed on")
    values = written(page)
    assert values["cmi.core.score.raw" if edition == "1.2" else "cmi.score.raw"] == "82.5"
    assert values["cmi.core.lesson_status" if edition == "1.2" else "cmi.completion_status"] == "incomplete"
    place.play(page, place.build("knockout", edition), edition)
    said(page, "passed on")
    assert written(page)["cmi.core.lesson_status" if edition == "1.2" else "cmi.success_status"] == "failed"
    expect(sco(page).get_by_text("Required minimum not reached")).to_be_visible()
    kept = page.evaluate("kept()")
    assert (kept["core"]["lesson_status"] if edition == "1.2" else kept["success_status"]) == "failed"


@pytest.mark.parametrize("edition", EDITIONS)
def test_forty_criteria_a_hundred_hours_and_every_letter(page: Page, place: Installation, edition: str) -> None:
    place.play(page, place.build("forty", edition), edition)
    said(page, "passed on")
    assert page.evaluate("lengths()") == [40, 40]
    assert [each for each in calls(page, "SetValue") if each["answer"] != "true"] == []
    values = written(page)
    times = {"1.2": ("cmi.core.session_time", "100:00:00"), "2004": ("cmi.session_time", "PT100H0M0S")}
    name, most = times[edition]
    assert values[name] == most
    expect(sco(page).get_by_role("heading", name='criterion_07 "quoted" & <b>bold</b> 🎭')).to_be_visible()
    assert len(values["cmi.suspend_data"]) < 4096


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_score_of_nothing_is_a_score(page: Page, place: Installation, edition: str) -> None:
    place.play(page, place.build("forty", edition), edition, learner="u-zoe")
    said(page, "passed on")
    values = written(page)
    assert values["cmi.core.score.raw" if edition == "1.2" else "cmi.score.raw"] == "0"
    assert values["cmi.core.lesson_status" if edition == "1.2" else "cmi.success_status"] == "failed"


def nothing_scored(page: Page, edition: str) -> None:
    names = [each["given"][0] for each in calls(page, "SetValue")]
    assert [name for name in names if "score" in name or "success" in name] == []
    status = {"1.2": "cmi.core.lesson_status", "2004": "cmi.completion_status"}[edition]
    assert written(page)[status] == "incomplete"
    assert written(page)["cmi.core.exit" if edition == "1.2" else "cmi.exit"] == "suspend"
    page.evaluate("leave()")
    assert len(calls(page, "Finish" if edition == "1.2" else "Terminate")) == 1


@pytest.mark.parametrize("edition", EDITIONS)
def test_no_result_yet(page: Page, place: Installation, edition: str) -> None:
    place.play(page, place.build("forty", edition), edition, learner="u-ben")
    said(page, "no result for you yet")
    nothing_scored(page, edition)


@pytest.mark.parametrize(
    ("destination", "learner", "message"),
    [
        ("dead", "u-ada", "cannot be fetched"),
        ("elsewhere", "u-ada", "cannot be fetched"),
        ("mapped", "u-nobody", "not known here"),
        ("mapped", "", "did not say who you are"),
    ],
)
def test_what_goes_wrong_scores_nothing(
    page: Page, place: Installation, destination: str, learner: str, message: str
) -> None:
    place.play(page, place.build("forty", "2004", destination), "2004", learner=learner)
    said(page, message)
    nothing_scored(page, "2004")


def test_a_slow_answer_is_waited_for(page: Page, place: Installation) -> None:
    def slowly(route: Route) -> None:
        page.wait_for_timeout(2_500)
        route.continue_()

    page.route("**/v1/scorm/result", slowly)
    place.play(page, place.build("knockout", "1.2"), "1.2")
    said(page, "Looking for your result")
    said(page, "passed on")


def test_leaving_before_the_answer_ends_the_session(page: Page, place: Installation) -> None:
    page.route("**/v1/scorm/result", lambda route: None)
    place.play(page, place.build("knockout", "2004"), "2004")
    said(page, "Looking for your result")
    page.evaluate("leave()")
    assert len(calls(page, "Terminate")) == 1
    assert [each["given"][0] for each in calls(page, "SetValue")] == []


def test_without_an_lms_there_is_a_plain_message(page: Page, place: Installation) -> None:
    place.play(page, place.build("knockout", "2004"), "2004", api="none")
    said(page, "not connected to a learning platform")


@pytest.mark.parametrize("edition", EDITIONS)
def test_an_lms_that_answers_nothing_gets_every_criterion(page: Page, place: Installation, edition: str) -> None:
    place.play(page, place.build("suitability-fund", edition), edition, api="empty")
    said(page, "passed on")
    compare(written(page), place.figures("suitability-fund"), edition)
    assert [each for each in calls(page, "SetValue") if each["answer"] != "true"] == []


@pytest.mark.parametrize("mode", ["review", "browse"])
@pytest.mark.parametrize("edition", EDITIONS)
def test_review_and_browse_write_nothing(page: Page, place: Installation, edition: str, mode: str) -> None:
    place.play(page, place.build("knockout", edition), edition, mode=mode)
    said(page, "looking back")
    expect(sco(page).get_by_text("82.5")).to_be_visible()
    page.evaluate("leave()")
    assert calls(page, "SetValue") == []


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_second_launch_reports_nothing_twice(page: Page, place: Installation, edition: str) -> None:
    place.play(page, place.build("knockout", edition), edition)
    said(page, "passed on")
    page.evaluate("keep()")
    page.reload()
    said(page, "has this result already")
    assert calls(page, "SetValue") == []


@pytest.mark.parametrize("change", ["score", "learner"])
def test_a_tampered_answer_scores_nothing(page: Page, place: Installation, change: str) -> None:
    def tampered(route: Route) -> None:
        answer = route.fetch().json()
        head, body, signature = answer["jws"].split(".")
        claims = json.loads(base64.urlsafe_b64decode(body + "=="))
        claims |= {"score": {"raw": "100", "status": "passed"}, "learner": {"sub": "u-ben"}}[change]
        body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
        route.fulfill(json=answer | {"jws": f"{head}.{body}.{signature}"}, headers=cors(place))

    page.route("**/v1/scorm/result", tampered)
    place.play(page, place.build("knockout", "2004"), "2004")
    said(page, "could not be verified")
    nothing_scored(page, "2004")


def test_the_answer_of_another_learner_scores_nothing(page: Page, place: Installation) -> None:
    """A genuine, well signed result of somebody else, played into ben's launch."""

    def borrowed(route: Route) -> None:
        asked = json.loads(route.request.post_data or "{}") | {"learner": "u-ada"}
        answer = route.fetch(post_data=json.dumps(asked)).json()
        route.fulfill(json=answer, headers=cors(place))

    page.route("**/v1/scorm/result", borrowed)
    place.play(page, place.build("knockout", "2004"), "2004", learner="u-ben")
    said(page, "could not be verified")
    nothing_scored(page, "2004")


def cors(place: Installation) -> dict[str, str]:
    return {"Access-Control-Allow-Origin": place.lms}


def test_a_popup_finds_its_lms_through_the_opener(page: Page, place: Installation) -> None:
    with page.expect_popup() as opened:
        place.play(page, place.build("knockout", "2004"), "2004", popup="1")
    expect(opened.value.locator("#status")).to_contain_text("passed on")
    opened.value.close()
    page.wait_for_function("calls.some(each => each.name === 'Terminate')")


def test_a_personal_code_opens_the_own_result_alone(page: Page, place: Installation) -> None:
    ((_, code),) = packages.add_codes(place.settings, "claiming", ["ada"], 30)
    path = place.build("forty", "2004", "claiming")
    place.play(page, path, "2004")
    expect(sco(page).get_by_label("Personal code")).to_be_visible()
    nothing_of(page)
    sco(page).get_by_label("Personal code").fill("0000-0000-0000")
    sco(page).get_by_role("button", name="Confirm").click()
    expect(sco(page).get_by_role("alert")).to_contain_text("not valid here")
    sco(page).get_by_label("Personal code").fill(code.lower().replace("-", " "))
    sco(page).get_by_label("Personal code").press("Enter")
    said(page, "passed on")
    expect(sco(page).get_by_text("ünïcode, 🎭👩🏽‍💻 (criterion_07)")).to_be_visible()
    compare(written(page), place.figures("forty"), "2004")
    place.play(page, path, "2004", learner="u-ben")
    sco(page).get_by_label("Personal code").fill(code)
    sco(page).get_by_role("button", name="Confirm").click()
    expect(sco(page).get_by_role("alert")).to_contain_text("not valid here")
    place.play(page, path, "2004", learner="u-cleo")
    expect(sco(page).get_by_label("Personal code")).to_be_visible()


def nothing_of(page: Page) -> None:
    assert [each for each in calls(page, "SetValue") if "score" in each["given"][0]] == []


def test_a_revoked_package_reports_nothing(page: Page, place: Installation) -> None:
    path = place.build("conflict-shared-budget", "2004", "claiming")
    place.rolecall("scorm", "revoke", "--destination", "claiming", "--scenario", "conflict-shared-budget")
    place.play(page, path, "2004")
    said(page, "no longer valid")
    nothing_scored(page, "2004")
    revoked = path.read_bytes()
    assert place.build("conflict-shared-budget", "2004", "claiming").read_bytes() != revoked


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "ja"])
def test_every_language_is_clean_for_everybody(page: Page, place: Installation, language: str) -> None:
    place.play(page, place.build("suitability-fund", "2004"), "2004")
    said(page, "passed on")
    sco(page).locator("#language").select_option(language)
    inside = page.frame(url="**/content/**")
    assert inside is not None
    assert inside.evaluate("document.documentElement.lang") == language
    assert clean(inside) == []
    page.set_viewport_size({"width": 400, "height": 800})
    assert inside.evaluate("document.documentElement.scrollWidth <= innerWidth")


def clean(frame: Frame) -> list[str]:
    frame.evaluate(AXE.read_text("utf-8"))
    found = frame.evaluate("axe.run(document, { iframes: false })")
    return [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in found["violations"]]


def test_every_answer_is_in_the_access_log(place: Installation) -> None:
    """The module's launches above, given and refused; the ids of the LMS are pseudonyms there."""
    state = State.open(place.settings.database_url)
    log = AccessLog(state).frame().filter(pl.col("who") == "service:results")
    state.close()
    seen = set(log.select("action", "allowed", "why").iter_rows())
    assert {("lms_result", True, "ok"), ("lms_result", False, "origin"), ("lms_result", False, "unknown_id"),
            ("lms_claim", True, "ok"), ("lms_claim", False, "unknown_code"), ("lms_claim", False, "code_of_another"),
            ("lms_result", False, "revoked_package")} <= seen  # fmt: skip
    assert "u-ada" not in str(log.to_dicts())
