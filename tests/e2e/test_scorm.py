"""Packages in a real Chromium, played by three LMSs: what reaches the LMS is what the marts say."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from playwright.sync_api import Page, Route, expect
from support import peers
from support.lms import SCENARIOS, Installation
from support.scorm_page import calls, check_calls, clean, compare, inner, said, sco, written

from integrations.scorm.inspection import inspect
from pipelines import packages

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

EDITIONS = ("1.2", "2004")


@pytest.fixture(scope="module")
def block() -> Iterator[peers.Block]:
    if not peers.PYTHON.exists():
        pytest.skip("the Open edX peer is not installed; `make test` installs it")
    with peers.open_edx() as running:
        yield running


@pytest.fixture(scope="module")
def weak(place: Installation) -> Iterator[httpx.Client]:
    if not peers.PYTHON.exists():
        pytest.skip("scormhost is not installed; `make test` installs it")
    with peers.weak_lms(place.folder / "weak", place.weak_port) as client:
        yield client


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_three_lms_get_what_the_mart_says(
    page: Page, place: Installation, block: peers.Block, weak: httpx.Client, scenario: str, edition: str
) -> None:
    """scorm-again refuses nothing, the Open edX block publishes the grade, scormhost keeps every element."""
    path, figures = place.build(scenario, edition), place.figures(scenario)
    assert inspect(path).problems == []
    place.play(page, path, edition)
    said(page, "passed on to the learning platform")
    page.evaluate("leave()")
    refused = [each for each in calls(page) if each["name"] in ("SetValue", "Commit") and each["answer"] != "true"]
    assert refused == []
    check_calls(page, edition)
    compare(written(page), figures, edition)
    assert page.evaluate("lengths()") == [len(figures["criteria"])] * 2
    published = block.grade(path, [each["given"] for each in calls(page, "SetValue")])
    assert published["version"] == {"1.2": "SCORM_12", "2004": "SCORM_2004"}[edition]
    assert published["page"] == "index.html"
    assert published["grades"][-1] == pytest.approx(figures["overall"] if figures["passed"] else 0.0, abs=1e-6)
    compare(through_scormhost(page, place, weak, path), figures, edition)


def through_scormhost(page: Page, place: Installation, weak: httpx.Client, path: Path) -> dict[str, str]:
    """The elements that the weak LMS kept for its first user."""
    uploaded = weak.post("/api/packages", files={"file": (path.name, path.read_bytes(), "application/zip")})
    assert uploaded.is_success, uploaded.text
    name, token = uploaded.json()["id"], weak.headers["Authorization"].removeprefix("Bearer ")
    host = {"name": "scormhost_access_token", "value": token, "url": str(weak.base_url)}
    page.context.add_cookies([host])  # type: ignore[list-item]
    page.goto(f"{weak.base_url}/launch/{name}")
    inside = page.frame_locator("iframe")
    expect(inside.locator("#status")).to_contain_text("passed on")
    inside.get_by_role("button", name="Finish").click()
    expect(inside.locator("#status")).to_contain_text("close this window")
    page.wait_for_load_state("networkidle")
    kept = weak.get(f"/api/scorm/{name}/cmi", params={"launch": "index.html"}).json()["elements"]
    return {element: str(value) for element, value in kept.items()}


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
    expect(sco(page).get_by_text("Required minimum not reached").first).to_be_visible()
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


def test_a_popup_finds_its_lms_through_the_opener(page: Page, place: Installation) -> None:
    with page.expect_popup() as opened:
        place.play(page, place.build("knockout", "2004"), "2004", popup="1")
    expect(opened.value.locator("#status")).to_contain_text("passed on")
    opened.value.close()
    page.wait_for_function("calls.some(each => each.name === 'Terminate')")


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "ja"])
def test_every_language_is_clean_for_everybody(page: Page, place: Installation, language: str) -> None:
    place.play(page, place.build("suitability-fund", "2004"), "2004")
    said(page, "passed on")
    sco(page).locator("#language").select_option(language)
    inside = inner(page)
    assert inside.evaluate("document.documentElement.lang") == language
    assert clean(inside) == []
    page.set_viewport_size({"width": 400, "height": 800})
    assert inside.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_cmi5_launch_tells_the_lrs(page: Page, place: Installation) -> None:
    told: list[dict[str, Any]] = []
    kept: list[str] = []

    def lrs(route: Route) -> None:
        asked, query = route.request, parse_qs(urlsplit(route.request.url).query)
        if asked.url.endswith("/fetch"):
            return route.fulfill(json={"auth-token": "c2VjcmV0"})
        assert asked.headers["authorization"] == "Basic c2VjcmV0"
        if asked.method == "POST":
            told.extend(json.loads(asked.post_data or "[]"))
            return route.fulfill(json=["id"])
        if asked.method == "PUT":
            kept.append(asked.post_data or "")
            return route.fulfill(status=204)
        known = {
            "LMS.LaunchData": {
                "launchMode": "Normal",
                "moveOn": "CompletedOrPassed",
                "contextTemplate": {"extensions": {"https://w3id.org/xapi/cmi5/context/extensions/sessionid": "s-1"}},
            }
        }
        found = known.get(query.get("stateId", [""])[0])
        return route.fulfill(json=found) if found else route.fulfill(status=404)

    page.route("**/lrs/**", lrs)
    target = place.folder / "zips" / "course.zip"
    list(packages.build(place.settings, "mapped", "knockout", ["cmi5"], target, datetime.now(UTC)))
    actor = {"account": {"homePage": place.lms, "name": "u-ada"}}
    launch = {
        "fetch": f"{place.lms}/lrs/fetch", "endpoint": f"{place.lms}/lrs/", "actor": json.dumps(actor),
        "registration": "0f4f9d4e-3a0b-4c7a-9f53-2b0a4f3b7c11", "activityId": "https://lms.example/au/1",
    }  # fmt: skip
    page.goto(f"{place.lms}/content/{place.unpack(target)}/index.html?{urlencode(launch)}")
    expect(page.locator("#status")).to_contain_text("passed on")
    page.get_by_role("button", name="Finish").click()
    expect(page.locator("#status")).to_contain_text("close this window")
    verbs = [each["verb"]["id"].rpartition("/")[2] for each in told]
    assert verbs == ["initialized", "failed", "completed", "terminated"]
    assert told[1]["result"]["score"]["scaled"] == pytest.approx(0.825)
    assert told[1]["result"]["success"] is False
    assert {each["context"]["registration"] for each in told} == {launch["registration"]}
    assert len(told[1]["context"]["contextActivities"]["category"]) == 2
    assert "extensions" in told[0]["context"]
    assert json.loads(kept[-1])["r"].startswith("r")
