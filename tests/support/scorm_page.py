"""A package's page in the player of ``support.lms``: what it says, what it wrote, and what it must not have written."""

import json
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Frame, FrameLocator, Page, expect
from support.lms import Installation
from support.pages import AXE


def inner(page: Page) -> Frame:
    """The package's own frame."""
    found = page.frame(url="**/content/**")
    assert found is not None
    return found


def sco(page: Page) -> FrameLocator:
    return page.frame_locator("iframe")


def said(page: Page, text: str) -> None:
    expect(sco(page).locator("#status")).to_contain_text(text)


def calls(page: Page, name: str | None = None) -> list[dict[str, Any]]:
    return [each for each in page.evaluate("calls") if name in (None, each["name"])]


def written(page: Page) -> dict[str, str]:
    return {each["given"][0]: each["given"][1] for each in calls(page, "SetValue")}


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


def nothing_scored(page: Page, edition: str) -> None:
    names = [each["given"][0] for each in calls(page, "SetValue")]
    assert [name for name in names if "score" in name or "success" in name] == []
    status = {"1.2": "cmi.core.lesson_status", "2004": "cmi.completion_status"}[edition]
    assert written(page)[status] == "incomplete"
    assert written(page)["cmi.core.exit" if edition == "1.2" else "cmi.exit"] == "suspend"
    page.evaluate("leave()")
    assert len(calls(page, "Finish" if edition == "1.2" else "Terminate")) == 1


def cors(place: Installation) -> dict[str, str]:
    return {"Access-Control-Allow-Origin": place.lms}


def nothing_of(page: Page) -> None:
    assert [each for each in calls(page, "SetValue") if "score" in each["given"][0]] == []


def clean(frame: Frame) -> list[str]:
    frame.evaluate(AXE.read_text("utf-8"))
    found = frame.evaluate("axe.run(document, { iframes: false })")
    return [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in found["violations"]]


def ask(place: Installation, action: str, path: Path, **asked: str) -> dict[str, Any]:
    """A request as the package makes it, without a browser."""
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.js").removeprefix(b"window.ROLECALL = ").strip().rstrip(b";"))
    body = {"package": config["token"]} | asked
    return httpx.post(f"{config['service']}/v1/scorm/{action}", json=body, headers={"Origin": place.lms}).json()
