"""Golden cases of marts: a few sessions written as JSON, and the rows that must come out."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

SESSION: dict[str, Any] = {
    "tenant": "t", "engine": "cvi", "attributed": True, "scenario_id": "x", "scenario_version": "1", "catalogued": True,
    "assigned": True, "region": "A", "jurisdiction": "DE", "language": "en", "duration_s": 600.0,
    "end_reason": "completed", "completeness": "complete", "missing_parts": [], "is_test": False,
    "policy_version": "p1", "withheld_signals": 0, "turn_count": 10, "learner_turns": 5, "learner_words": 50,
    "counterpart_words": 60, "talk_share": 0.5, "response_gap_p50_s": 1.0, "interruptions_by_learner": 1,
    "interruptions_by_counterpart": 0, "longest_monologue_s": 20.0, "raw_ref": "raw/bundles:1",
}  # fmt: skip
SCORE: dict[str, Any] = {
    "rubric_id": "r", "rubric_version": "1", "scorer_kind": "engine_llm", "scorer_id": "tool", "scorer_version": "1",
    "revision": 1, "is_latest": True, "uncatalogued": False, "review_state": "not_required",
}  # fmt: skip
OWN = ("day", "learners", "prefix", "scores", "signals", "passed", "scorer", "times", "learner", "media")


def read(path: Path) -> dict[str, Any]:
    """A case file."""
    return json.loads(path.read_text("utf-8"))


def frames(case: dict[str, Any]) -> dict[str, pl.DataFrame]:
    """The session-grain frames of a case.

    A session entry stands for ``learners`` people (l0, l1, … or another ``prefix``; or one named ``learner``) with
    ``times`` sessions each, an hour apart; ``scores`` maps a criterion to its scaled score, or to one a learner.
    """
    rows: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("sessions", "criterion_scores", "session_scores", "signals", "media")
    }
    for number, entry in enumerate(case["sessions"]):
        prefix = entry.get("prefix", "l")
        people = [entry["learner"]] if "learner" in entry else [f"{prefix}{n}" for n in range(entry.get("learners", 1))]
        for index, person in enumerate(people):
            for time in range(entry.get("times", 1)):
                _add(rows, entry, f"s{number}-{index}-{time}", person, index, time)
    rows["launches"] = [
        {"tenant": "t", "launched_at": _start(each["day"], 0), **{k: v for k, v in each.items() if k != "day"}}
        for each in case.get("launches", [])
    ]
    rows["learners"] = [{"tenant": "t", "in_directory": True, **each} for each in case.get("learners", [])]
    rows["quarantine"] = [
        {"tenant": "t", "row_number": n, "broken_rules": ["r"], "reason": "r", "raw_ref": f"raw:{n}",
         "first_seen_at": _start(each["day"], 0), **each, "day": date.fromisoformat(each["day"])}
        for n, each in enumerate(case.get("quarantine", []))
    ]  # fmt: skip
    rows["outcomes"] = [
        {"tenant": "t", "outcome_id": f"o{n}", "raw_ref": f"raw:{n}", **each, "day": date.fromisoformat(each["day"]),
         "occurred_at": _start(each["day"], 8)}
        for n, each in enumerate(case.get("outcomes", []))
    ]  # fmt: skip
    rows["lms_issued"] = [
        {"tenant": "t", "issued_at": _start("2026-08-09", 8), **each} for each in case.get("lms_issued", [])
    ]
    rows["lms_unmatched"] = [{"tenant": "t", **each} for each in case.get("lms_unmatched", [])]
    for each in rows["learners"]:
        each |= {name: date.fromisoformat(each[name]) for name in ("hire_date", "left_on") if name in each}
    return {name: pl.DataFrame(each, infer_schema_length=None) for name, each in rows.items() if each}


def _start(day: str, hour: int) -> datetime:
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC) + timedelta(hours=8 + hour)


def _add(
    rows: dict[str, list[dict[str, Any]]], entry: dict[str, Any], name: str, person: str | None, index: int, time: int
) -> None:
    started = _start(entry["day"], time)
    base = {"tenant": "t", "session_id": f"cvi:{name}", "day": date.fromisoformat(entry["day"])}
    session = SESSION | base | {"engine_session_id": name, "learner_key": person, "started_at": started}
    session |= {"first_received_at": started, "last_received_at": started}
    session |= {key: value for key, value in entry.items() if key not in OWN}
    rows["sessions"].append(session)
    scores = {key: value[index] if isinstance(value, list) else value for key, value in entry.get("scores", {}).items()}
    if scores:
        score = SCORE | base | {"learner_key": person, "scored_at": started, "raw_ref": "raw/bundles:1"}
        score |= entry.get("scorer", {})
        for criterion, scaled in scores.items():
            rows["criterion_scores"].append(
                score | {"criterion_id": criterion, "competency": criterion, "score": scaled * 4 + 1, "score_min": 1.0,
                         "score_max": 5.0, "scaled": float(scaled), "weight": 1.0, "met": scaled >= 0.5,
                         "blocker": criterion.startswith("must_")}
            )  # fmt: skip
        rows["session_scores"].append(
            score | {"overall": sum(scores.values()) / len(scores), "passed": entry.get("passed"), "blockers_hit": [],
                     "criteria_scored": len(scores), "criteria_expected": len(scores)}
        )  # fmt: skip
    rows["signals"] += [
        base | {"ordinal": n, "raw_ref": "raw/bundles:1"} | each for n, each in enumerate(entry.get("signals", []))
    ]
    rows["media"] += [base | {"kind": "video", "raw_ref": "raw/bundles:1"} | each for each in entry.get("media", [])]
