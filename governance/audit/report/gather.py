"""What an audit report says, gathered from one published version, the lake's turns and the audit chain.

Never perception: the published tables hold none. Never dialogue: a transcript is named by its digest and place; a
bundle adds the words for a reader who may have them.
"""

import hashlib
import json
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from governance.audit.links import canonical, sha256
from governance.audit.report.history import changes, looks, reviewed, reviews
from governance.audit.report.rules import Rules
from governance.audit.report.scope import ReportScope
from governance.audit.report.snapshot import Snapshot
from governance.settings import PROJECT, Settings
from governance.state import State

FORMAT = "rolecall.audit-report/1"


class NothingToReportError(Exception):
    """There is nothing that a report could be about; the message says what to do."""


def gather(
    settings: Settings, state: State, scope: ReportScope, *, who: str, reason: str | None, now: datetime
) -> dict[str, Any]:
    """The whole report as JSON-ready data, without names.

    Raises:
        NothingToReportError: The tenant has nothing published.
        CatalogError, RetentionError: The rules that sessions stand under cannot be read.
    """
    link = settings.marts / scope.tenant / "current"
    if not link.exists():
        raise NothingToReportError(f"nothing is published for {scope.tenant}; run `rolecall run`")
    file = link.resolve()
    manifest = json.loads(file.with_suffix(".json").read_text("utf-8"))
    rules = Rules.load(settings, state, scope.tenant, now)
    with Snapshot(file, settings.lake, scope) as snapshot:
        found = snapshot.sessions()
        counts = snapshot.counts(found)
        keys = {row["session_id"] for row in found}
        with state.reading() as session:
            history, seen = changes(session, scope, keys), looks(session, scope, keys)
            said = reviews(session, scope, keys)
        scores = snapshot.scores(said)
    _complete(found, rules, said, scores)
    body = {
        "format": FORMAT,
        "scope": scope.plain(),
        "time_zone": "UTC",
        "generated_at": now.astimezone(UTC).isoformat(timespec="seconds"),
        "generated_by": who,
        "reason": reason,
        "snapshot": {name: manifest[name] for name in ("id", "sha256", "created_at", "content")},
        "pipeline": {"version": _version(), "commit": commit(PROJECT)},
        "versions": _versions(found) | {"retention": [rules.retention.version]},
        "pass_rules": _applied(found),
        "counts": counts,
        "sessions": found,
        "exceptions": [
            {"session_id": row["session_id"], "what": row["exceptions"]} for row in found if row["exceptions"]
        ],
        "changes": history["events"],
        "changes_since": history["since"],
        "access": seen,
    }
    return {"id": f"r-{sha256(canonical([body['scope'], body['snapshot'], body['generated_at']]))[:16]}", **body}


def commit(project: Path) -> str | None:
    """The git commit of a working copy, read from its files; ``None`` for an installed package."""
    try:
        place = project / ".git"
        if place.is_file():  # a worktree
            place = Path(place.read_text("utf-8").partition(":")[2].strip())
        head = (place / "HEAD").read_text("utf-8").strip()
        if not head.startswith("ref: "):
            return head
        common = place / "commondir"
        root = (place / common.read_text("utf-8").strip()).resolve() if common.is_file() else place
        reference = root / head.removeprefix("ref: ")
        if reference.is_file():
            return reference.read_text("utf-8").strip()
        packed = (root / "packed-refs").read_text("utf-8").splitlines()
        return next((line.split()[0] for line in packed if line.endswith(head.removeprefix("ref: "))), None)
    except OSError:
        return None


def file_digest(data: bytes) -> str:
    """SHA-256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def _version() -> str:
    try:
        return version("rolecall")
    except PackageNotFoundError:
        return "unknown"


def _complete(
    found: list[dict[str, Any]], rules: Rules, said: dict[str, list[dict[str, Any]]], scores: list[dict[str, Any]]
) -> None:
    """Put beside each session what rules and people say of it."""
    scored: dict[str, list[dict[str, Any]]] = {}
    for score in scores:
        scored.setdefault(score["session_id"], []).append(score)
    for row in found:
        session_id = row["session_id"]
        row["learner_name"] = None
        row.update(rules.of(row))
        row["reviews"] = reviewed(said.get(session_id, ()), scored.get(session_id, ()))
        row["exceptions"] = _exceptions(row)


def _exceptions(row: dict[str, Any]) -> list[str]:
    """What is not as it should be with a session, as codes."""
    found = []
    if not any(each["status"] in ("available", "truncated") for each in row["recordings"]):
        found.append("missing_recording")
    if row["transcript_sha256"] is None:
        found.append("missing_transcript")
    if row["overall"] is None:
        found.append("unscored")
    if row["learner_key"] is None:
        found.append("unattributed")
    if row["missing_parts"]:
        found.append("incomplete")
    if row["received_late"]:
        found.append("late")
    if row["notice_ref"] is None:
        found.append("no_notice")
    if row["passed"] is False and row["review_state"] in ("pending", "not_required"):
        found.append("fail_without_review")
    return found


def _versions(found: list[dict[str, Any]]) -> dict[str, list[str]]:
    return {
        "policy": sorted({row["policy_version"] for row in found}),
        "rubric": sorted({f"{row['rubric_id']} {row['rubric_version']}" for row in found if row["rubric_id"]}),
        "scorer": sorted({f"{row['scorer_id']} {row['scorer_version']}" for row in found if row["scorer_id"]}),
        "scenario": sorted({f"{row['scenario_id']} {row['scenario_version']}" for row in found if row["scenario_id"]}),
    }


def _applied(found: list[dict[str, Any]]) -> dict[str, str | None]:
    """The pass rule of each rubric version that scored a session."""
    return {f"{row['rubric_id']} {row['rubric_version']}": row["pass_rule"] for row in found if row["rubric_id"]}
