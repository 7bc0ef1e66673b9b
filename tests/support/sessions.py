"""Session bundles written by hand, for tests that need few and plain ones."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def bundle(number: int, tenant: str = "acme", **changes: Any) -> dict[str, Any]:
    """One complete session, on one of eight days; ``changes`` replaces parts."""
    day = f"2026-11-{1 + number % 8:02}"
    return {
        "format": "rolecall.session/1",
        "engine": "generic",
        "engine_session_id": f"s-{number}",
        "launch": {
            "tenant": tenant,
            "learner_id": f"e{number % 12}",
            "scenario_id": "negotiation",
            "scenario_version": "1",
            "attempt": 1,
            "assigned": True,
            "region": "EMEA",
            "jurisdiction": "DE",
            "language": "en",
        },
        "started_at": f"{day}T09:00:04Z",
        "ended_at": f"{day}T09:12:30Z",
        "end_reason": "completed",
        "turns": [
            {"speaker": "learner", "text": "Shall we begin?", "start_s": 1.0, "duration_s": 2.0},
            {"speaker": "counterpart", "text": "Please do.", "start_s": 3.5, "duration_s": 1.5},
        ],
        "assessments": [
            {
                "rubric_id": "plain",
                "rubric_version": "1",
                "scorer": {"kind": "engine_llm", "id": "submit_rubric", "version": "1"},
                "scored_at": f"{day}T09:15:02Z",
                "criteria": [{"criterion_id": "clarity", "score": 3, "min": 0, "max": 5}],
            }
        ],
        **changes,
    }


def write(path: Path, records: Iterable[dict[str, Any] | str]) -> Path:
    """Records as JSON lines; a text is written as it stands, to be refused."""
    path.write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in records), "utf-8")
    return path
