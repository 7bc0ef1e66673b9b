"""Packages in a real Chromium, played by scorm-again: what reaches the LMS, and what must never reach it."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Page, expect
from support import lms
from support.lms import SCENARIOS, Installation

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
    compare(written(page), page.evaluate("kept()"), place.figures(scenario), edition)


def check_calls(page: Page, edition: str) -> None:
    ends = "Finish" if edition == "1.2" else "Terminate"
    assert [each["answer"] for each in calls(page, "Initialize")] == ["true"]
    assert [each["answer"] for each in calls(page, ends)] == ["true"]
    assert calls(page, "Commit")
    names = [each["given"][0] for each in calls(page, "SetValue")]
    status = "cmi.core.lesson_status" if edition == "1.2" else "cmi.success_status"
    assert names[-2:] == [status, "cmi.core.exit" if edition == "1.2" else "cmi.exit"]


def compare(values: dict[str, str], kept: dict[str, Any], figures: dict[str, Any], edition: str) -> None:
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
    assert len(kept["objectives"]["childArray"]) == len(figures["criteria"])
    assert len(kept["interactions"]["childArray"]) == len(figures["criteria"])
