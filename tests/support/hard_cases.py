"""Scenarios that are hard to tell an LMS: a knock-out, forty criteria; and scored sessions of any scenario."""

from pathlib import Path
from typing import Any

import yaml

TENANT = "acme"
UGLY = "She said: \"That's <b>great</b> & 'done'\"\nNext line: 漢字, ünïcode, 🎭👩🏽‍💻"
HUNDRED_HOURS = 360_000


def add_to(config: Path) -> None:
    """Write the scenarios ``knockout`` and ``forty`` with their rubrics below ``config``."""
    odd = {"knockout": rubric("knockout", ("bar", "flow"), low=70), "forty": rubric("forty", names(40))}
    for name, content in odd.items():
        (config / "rubrics" / f"{name}.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
        (config / "scenarios" / f"{name}.yaml").write_text(yaml.safe_dump(scenario(name)), "utf-8")


def names(count: int) -> tuple[str, ...]:
    return tuple(f"criterion_{number:02}" for number in range(count))


def rubric(name: str, criteria: tuple[str, ...], low: int | None = None) -> dict[str, Any]:
    """Criteria from 0 to 100 (of two) or 0 to 4; with ``low`` the first one can fail the session alone."""
    top = 100 if len(criteria) == 2 else 4
    levels = {step: f"Level {step} as the rubric's author describes it." for step in range(top + 1)}
    items = [
        {
            "id": each, "name": f'{each} "quoted" & <b>bold</b> 🎭', "competency": "listening", "weight": 1, "min": 0,
            "max": top, "looks_for": "Whatever this criterion is about.", "levels": levels,
        }
        for each in criteria
    ]  # fmt: skip
    if low is not None:
        items[0] |= {"minimum": low, "blocker": True}
    return {
        "id": name, "version": "1", "title": name, "purpose": "Judges what the tests want to have judged.",
        "criteria": items, "pass_rule": {"overall_minimum": 0.7},
    }  # fmt: skip


def scenario(name: str) -> dict[str, Any]:
    sentence = "A sentence that is long enough to be one."
    return {
        "id": name, "version": "1", "kind": "sales", "title": f"Odd case: {name}",
        "rubric": {"id": name, "version": "1"},
        "difficulty": 3, "duration_min": 10, "languages": ["en"], "audience": "Testers",
        "learning_objectives": [sentence], "brief": sentence,
        "counterpart": {"name": "Kim", "role": "Buyer", "background": sentence, "opening": "Hi.", "hidden": sentence},
    }  # fmt: skip


def session(
    number: int, learner: str, scenario: str, version: str, rubric: tuple[str, str], scores: dict[str, float],
    seconds: int = 600, comment: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """One scored session as a bundle."""
    day = f"2026-11-{number:02}"
    criteria = [
        {"criterion_id": name, "score": score, "comment": comment and f"{comment} ({name})"}
        for name, score in scores.items()
    ]
    end = f"{day}T09:10:00Z" if seconds == 600 else "2026-11-28T13:00:00Z"  # 100 hours after the 24th, 9:00
    return {
        "format": "rolecall.session/1", "engine": "generic", "engine_session_id": f"s-{number}-{learner}-{scenario}",
        "launch": {"tenant": TENANT, "learner_id": learner, "scenario_id": scenario, "scenario_version": version,
                   "attempt": 1, "region": "EMEA", "jurisdiction": "DE", "language": "en"},
        "started_at": f"{day}T09:00:00Z", "ended_at": end, "end_reason": "completed",
        "turns": [{"speaker": "learner", "text": "Hello.", "start_s": 1.0, "duration_s": 2.0}],
        "assessments": [{"rubric_id": rubric[0], "rubric_version": rubric[1],
                         "scorer": {"kind": "engine_llm", "id": "submit_rubric", "version": "1"},
                         "scored_at": f"{day}T09:15:02Z", "criteria": criteria}],
    }  # fmt: skip
