"""Packages in a real Chromium, played by scorm-again: what reaches the LMS, and what must never reach it."""

import base64
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import polars as pl
import pytest
from playwright.sync_api import Frame, FrameLocator, Page, Route, expect
from support import lms, peers
from support.lms import SCENARIOS, Installation

from governance.access.log import AccessLog
from governance.settings import PROJECT
from governance.state import State
from integrations.scorm.inspection import inspect
from pipelines import packages
from pipelines.packages import people

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


def check_calls(page: Page, edition: str) -> None:
    ends = "Finish" if edition == "1.2" else "Terminate"
    assert [each["answer"] for each in calls(page, "Initialize")] == ["true"]
    first = {"1.2": "cmi.core.lesson_mode", "2004": "cmi.mode"}[edition]
    assert [calls(page)[0]["name"], calls(page, "GetValue")[0]["given"]] == ["Initialize", [first]]
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


def test_a_commit_that_fails_is_tried_again(page: Page, place: Installation) -> None:
    place.play(page, place.build("knockout", "2004"), "2004", api="busy")
    said(page, "passed on")
    assert [each["answer"] for each in calls(page, "Commit")] == ["false", "true"]


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


def ask(place: Installation, action: str, path: Path, **asked: str) -> dict[str, Any]:
    """A request as the package makes it, without a browser."""
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.js").removeprefix(b"window.ROLECALL = ").strip().rstrip(b";"))
    body = {"package": config["token"]} | asked
    return httpx.post(f"{config['service']}/v1/scorm/{action}", json=body, headers={"Origin": place.lms}).json()


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


def test_no_route_shows_another_learner_s_result(place: Installation) -> None:
    codes = dict(packages.add_codes(place.settings, "claiming", ["ben", "cleo"], 30))
    path, other = place.build("sales-renewal-risk", "2004", "claiming"), place.build("knockout", "2004", "mapped")
    ben = ask(place, "claim", path, learner="u-ben", code=codes["ben"])["token"]
    cleo = ask(place, "claim", path, learner="u-cleo", code=codes["cleo"])["token"]
    assert ask(place, "result", path, learner="u-cleo", token=cleo)["state"] == "result"
    assert ask(place, "result", path, learner="u-ben", token=ben) == {"state": "none"}
    session = place.figures("sales-renewal-risk", "cleo")["session_id"].partition(":")[2]
    tried = [
        ask(place, "result", path, learner="u-cleo"),
        ask(place, "result", path, learner="u-cleo", token=ben),
        ask(place, "result", path, learner="u-cleo", token=cleo[:-2]),
        ask(place, "result", path, learner="u-cleo", token=""),
        ask(place, "result", other, learner="u-cleo", token=ben),
        ask(place, "result", path, learner="u-ben", token=cleo),
        ask(place, "result", path, learner="u-ben", token=ben, conversation=session),
        ask(place, "claim", path, learner="u-ben", code=codes["cleo"]),
        ask(place, "claim", path, learner="u-cleo", code=codes["ben"]),
        ask(place, "launch", path, learner="u-cleo", token=ben),
        ask(place, "end", path, learner="u-ben", token=ben, conversation=session),
        ask(place, "result", path, learner="u-cleo", token=cleo, package="p.x.y"),
    ]
    assert [each["state"] for each in tried] == [
        "unbound", "unbound", "unbound", "unbound", "unmapped", "unbound", "none", "wrongCode", "wrongCode", "unbound",
        "none", "refused",
    ]  # fmt: skip
    assert not any("jws" in each or "comments" in each or "token" in each for each in tried)
    gateway = f"http://127.0.0.1:{place.gateway.port}"
    assert httpx.get(f"{gateway}/v1/scorm/result", params={"learner": "u-cleo"}).status_code == 405
    with people(place.settings) as register:
        assert register.release("claiming", "username", "u-cleo", datetime.now(UTC))
    assert ask(place, "result", path, learner="u-cleo", token=cleo) == {"state": "unbound"}


def test_browsers_of_other_origins_get_nothing(place: Installation) -> None:
    address = f"http://127.0.0.1:{place.gateway.port}/v1/scorm/result"
    ours = httpx.options(address, headers={"Origin": place.lms, "Access-Control-Request-Method": "POST"})
    assert (ours.status_code, ours.headers["access-control-allow-origin"]) == (204, place.lms)
    for origin in ("https://evil.example", "null", ""):
        answer = httpx.options(address, headers={"Origin": origin})
        assert (answer.status_code, answer.headers.get("access-control-allow-origin")) == (403, None)
    for body in (b"", b"{}", b"[1]", b"{" * 9000, b'{"package": 1, "learner": "x"}'):
        assert httpx.post(address, content=body, headers={"Origin": place.lms}).status_code == 400


def test_a_guesser_of_codes_is_slowed_down(place: Installation) -> None:
    path = place.build("feedback-missed-release", "2004", "claiming")
    states = [ask(place, "claim", path, learner="u-guess", code="ABCD")["state"] for _ in range(8)]
    assert states[0] == "wrongCode"
    assert states[-1] == "limited"


def test_without_an_engine_the_lobby_says_so(page: Page, place: Installation) -> None:
    place.play(page, place.build("feedback-missed-release", "1.2", "live"), "1.2", learner="u-ben")
    expect(sco(page).get_by_text("It is recorded.")).to_be_visible()
    assert sco(page).get_by_label("pick up what").count() == 0
    inside = page.frame(url="**/content/**")
    assert inside is not None
    assert clean(inside) == []
    sco(page).get_by_role("button", name="Start the role-play").click()
    said(page, "could not be started")
    nothing_scored(page, "1.2")


def test_every_answer_is_in_the_access_log(place: Installation) -> None:
    """The module's launches above, given and refused; the ids of the LMS are pseudonyms there."""
    state = State.open(place.settings.database_url)
    log = AccessLog(state).frame().filter(pl.col("who") == "service:results")
    state.close()
    seen = set(log.select("action", "allowed", "why").iter_rows())
    assert {("lms_result", True, "ok"), ("lms_result", False, "origin"), ("lms_result", False, "unknown_id"),
            ("lms_claim", True, "ok"), ("lms_claim", False, "unknown_code"), ("lms_claim", False, "code_of_another"),
            ("lms_result", False, "token_of_another"), ("lms_result", False, "forged_or_ended_token"),
            ("lms_result", False, "binding_ended"), ("lms_result", False, "forged_package"),
            ("lms_claim", False, "too_many"), ("lms_launch", True, "with_notes"), ("lms_launch", False, "engine"),
            ("lms_result", False, "session_of_another"), ("lms_result", False, "revoked_package")} <= seen  # fmt: skip
    assert "u-ada" not in str(log.to_dicts())
