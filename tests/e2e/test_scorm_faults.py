"""Packages where something is wrong: a plain message, no score, nothing of anybody else, and the reason in the log."""

import base64
import json
from datetime import UTC, datetime

import httpx
import polars as pl
import pytest
from playwright.sync_api import Page, Route, expect
from support.lms import Installation
from support.scorm_page import ask, calls, compare, cors, nothing_of, nothing_scored, said, sco, written

from governance.access.log import AccessLog
from governance.state import State
from pipelines import packages
from pipelines.packages import people

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

EDITIONS = ("1.2", "2004")


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


def test_a_commit_that_fails_is_tried_again(page: Page, place: Installation) -> None:
    place.play(page, place.build("knockout", "2004"), "2004", api="busy")
    said(page, "passed on")
    assert [each["answer"] for each in calls(page, "Commit")] == ["false", "true"]


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


def test_a_revoked_package_reports_nothing(page: Page, place: Installation) -> None:
    path = place.build("conflict-shared-budget", "2004", "claiming")
    place.rolecall("scorm", "revoke", "--destination", "claiming", "--scenario", "conflict-shared-budget")
    place.play(page, path, "2004")
    said(page, "no longer valid")
    nothing_scored(page, "2004")
    revoked = path.read_bytes()
    assert place.build("conflict-shared-budget", "2004", "claiming").read_bytes() != revoked


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


def test_a_frozen_learner_has_no_result_until_unfrozen(place: Installation) -> None:
    path = place.build("forty", "2004", "mapped")
    assert ask(place, "result", path, learner="u-ada")["state"] == "result"
    place.rolecall("privacy", "freeze", "ada", "--basis", "GDPR 18(1)(a)")
    assert ask(place, "result", path, learner="u-ada") == {"state": "none"}
    place.rolecall("privacy", "unfreeze", "ada", "--basis", "verified")
    assert ask(place, "result", path, learner="u-ada")["state"] == "result"


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
            ("lms_claim", False, "too_many"), ("lms_result", False, "session_of_another"),
            ("lms_result", False, "revoked_package")} <= seen  # fmt: skip
    assert "u-ada" not in str(log.to_dicts())
