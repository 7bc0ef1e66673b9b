"""The report as PDF, CSV and JSON."""

import csv
import io
import json
from pathlib import Path
from typing import Any

from governance.audit.report.gather import file_digest

TEMPLATE = Path(__file__).parent / "report.typ"
STANDARDS: Any = ["a-3a", "ua-1"]  # the stub of typst knows a list of them by no name
MOST = 400  # rows of exceptions and changes that are printed; all of them are attached
COLUMNS = (
    "session_id", "learner_key", "learner_name", "role", "region", "scenario_id", "scenario_version", "attempt",
    "started_at", "ended_at", "end_reason", "completeness", "overall", "passed", "pass_rule", "blockers_hit",
    "review_state", "reviewed_by", "reviewed_at", "review_verdict", "review_reason", "rubric_id", "rubric_version",
    "scorer_kind", "scorer_id", "scorer_version", "revision", "scored_at", "policy_version", "notice_ref",
    "retention_class", "retention", "retention_until", "legal_holds", "restriction", "transcript_sha256",
    "transcript_location", "recordings", "criteria", "reviews", "exceptions",
)  # fmt: skip
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run such a text as a formula


def as_json(report: dict[str, Any]) -> str:
    """The report's data, one text for the same data."""
    return json.dumps(report, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def as_csv(report: dict[str, Any]) -> str:
    """One row per session, with the newest review in columns of its own; lists are JSON texts."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in report["sessions"]:
        newest = {f"review_{name}": value for name, value in (row["reviews"] or [{}])[-1].items()}
        flat = row | newest | {"reviewed_by": newest.get("review_by"), "reviewed_at": newest.get("review_at")}
        writer.writerow([_cell(flat.get(name)) for name in COLUMNS])
    return out.getvalue()


def as_pdf(report: dict[str, Any], *, meaning: str, certificate: str) -> bytes:
    """The report as a tagged PDF that declares PDF/A-3a and UA-1, with its data attached; not signed yet."""
    import typst

    data = as_json(report)
    inputs = {
        "report": data,
        "sessions": as_csv(report),
        "cells": json.dumps([_cells(row) for row in report["sessions"]], ensure_ascii=False),
        "summary": summary(report),
        "sentence": f"{report['scope']['tenant']}, generated {report['generated_at']}",
        "most": str(MOST),
        "meaning": meaning,
        "certificate": certificate,
        "digest": file_digest(data.encode()),
    }
    return typst.compile(str(TEMPLATE), format="pdf", pdf_standards=STANDARDS, sys_inputs=inputs)


def summary(report: dict[str, Any]) -> str:
    """The answer in two sentences."""
    rows, scope = report["sessions"], report["scope"]
    people = len({row["learner_key"] for row in rows if row["learner_key"]})
    passed = sum(row["passed"] is True for row in rows)
    failed = sum(row["passed"] is False for row in rows)
    reviewed = sum(row["passed"] is False and row["review_state"] in ("accepted", "adjusted") for row in rows)
    about = f"the scenario {scope['scenario']}" if scope["scenario"] else "any scenario"
    where = f" in {scope['region']}" if scope["region"] else ""
    return (
        f"From {scope['first']} to {scope['last']}, {people:,} learners rehearsed {about}{where} in {len(rows):,}"
        f" sessions. {passed:,} sessions passed and {failed:,} failed; {reviewed:,} of the failures are confirmed by a"
        f" person. {len(report['exceptions']):,} sessions have an exception."
    )


def _cell(value: Any) -> Any:
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False) if value else ""
    return f"'{value}" if isinstance(value, str) and value.startswith(DANGEROUS) else value


def _cells(row: dict[str, Any]) -> list[str]:
    """A session as the printed table shows it; lines of a cell end in a line feed."""
    recorded = next((each["sha256"] for each in row["recordings"] if each["sha256"]), None)
    attempt = "" if row["attempt"] is None else f", attempt {row['attempt']}"
    outcome = {True: "passed", False: "failed", None: "–"}[row["passed"]]
    who = row["learner_name"] or (row["learner_key"] or "unattributed").removeprefix("l_")[:12]
    score = "" if row["overall"] is None else f" {row['overall'] * 100:.0f} of 100"
    return [
        row["session_id"], _lines(who + attempt, row["role"], row["region"]),
        f"{row['scenario_id'] or '–'} {row['scenario_version'] or ''}",
        _lines(row["started_at"], row["ended_at"]),
        _lines(outcome + score, f"{row['rubric_id']} {row['rubric_version']}" if row["rubric_id"] else None),
        "; ".join(_criterion(each) for each in row["criteria"]) or "–",
        _lines((row["review_state"] or "–").replace("_", " "), *(_review(each) for each in row["reviews"])),
        f"{(row['transcript_sha256'] or '–')[:12]} {(recorded or '–')[:12]}",
        _lines(row["notice_ref"] or "no notice", _kept(row)),
    ]  # fmt: skip


def _lines(*parts: str | None) -> str:
    return "\n".join(part for part in parts if part) or "–"


def _review(each: dict[str, Any]) -> str:
    return f"{each['verdict']} by {each['by']}, {each['at']}: {each['reason']}"


def _kept(row: dict[str, Any]) -> str:
    """Such as: sec, retained until 2032-11-01; a restriction's basis and the reasons of holds below it."""
    until = "" if row["retention_until"] is None else f" until {row['retention_until']}"
    frozen = None if row["restriction"] is None else f"restricted: {row['restriction']}"
    held = (each["reason"] for each in row["legal_holds"])
    return _lines(f"{row['retention_class']}, {row['retention']}{until}", frozen, *held)


def _criterion(each: dict[str, Any]) -> str:
    spans = ", ".join(f"{span[0]:.0f}" for span in each["evidence_spans_s"] or [] if span[0] is not None)
    missed = " !" if each["blocker"] and not each["met"] else ""
    return f"{each['criterion']} {each['score']:g}/{each['scale'][1]:g}{missed}" + (f" at {spans} s" if spans else "")
