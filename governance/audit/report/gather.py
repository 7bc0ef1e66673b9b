"""What an audit report says, gathered from one published version, the lake's turns and the audit chain.

Never perception: the published tables hold none. Never dialogue: a transcript is named by its digest; a bundle adds
the words for a reader who may have them.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import duckdb

from governance.audit.chain import TABLE, rows
from governance.audit.links import canonical, sha256
from governance.settings import PROJECT, Settings
from governance.state import State

FORMAT = "rolecall.audit-report/1"
SQL = Path(__file__).parent / "rows.sql"
CHANGES = ("revision", "review", "contest", "case", "erasure", "hold", "configuration_change", "delivery", "publish")
LONGEST_HISTORY = 2_000


class NothingToReportError(Exception):
    """There is nothing that a report could be about; the message says what to do."""


@dataclass(frozen=True)
class ReportScope:
    """Which sessions a report is about; ``None`` does not narrow. Days are UTC, both included."""

    tenant: str
    scenario: str | None
    first: date
    last: date
    region: str | None = None


def gather(
    settings: Settings, state: State, scope: ReportScope, *, who: str, reason: str | None, now: datetime,
    names: dict[str, str] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The whole report as JSON-ready data, without names.

    Raises:
        NothingToReportError: The tenant has nothing published.
    """
    link = settings.marts / scope.tenant / "current"
    if not link.exists():
        raise NothingToReportError(f"nothing is published for {scope.tenant}; run `rolecall run`")
    file = link.resolve()
    manifest = json.loads(file.with_suffix(".json").read_text("utf-8"))
    with duckdb.connect(str(file), read_only=True, config={"threads": 2}) as con:
        con.execute("set timezone = 'UTC'")
        _attach_turns(con, settings.lake, scope)
        found = _sessions(con, scope)
        counts = _counts(con, scope, found)
    for row in found:
        row["learner_name"] = None
        row["exceptions"] = _exceptions(row)
    keys = {row["session_id"] for row in found}
    with state.reading() as session:
        history = _history(session, scope, keys)
        looks = _looks(session, scope, keys)
    snapshot = {name: manifest[name] for name in ("id", "sha256", "created_at", "content")}
    body = {
        "format": FORMAT,
        "scope": {name: str(value) if isinstance(value, date) else value for name, value in asdict(scope).items()},
        "time_zone": "UTC",
        "generated_at": now.astimezone(UTC).isoformat(timespec="seconds"),
        "generated_by": who,
        "reason": reason,
        "snapshot": snapshot,
        "pipeline": {"version": _version(), "commit": commit(PROJECT)},
        "versions": _versions(found),
        "counts": counts,
        "sessions": found,
        "exceptions": [
            {"session_id": row["session_id"], "what": row["exceptions"]} for row in found if row["exceptions"]
        ],
        "changes": history,
        "access": looks,
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


def _version() -> str:
    try:
        return version("rolecall")
    except PackageNotFoundError:
        return "unknown"


def _attach_turns(con: duckdb.DuckDBPyConnection, lake: Path, scope: ReportScope) -> None:
    """The turns of the days in scope as ``turns``; an empty table where the lake holds none of them."""
    days = [scope.first + timedelta(days=n) for n in range((scope.last - scope.first).days + 1)]
    paths = [lake / "core" / "turns" / f"day={day.isoformat()}" / "data.parquet" for day in days]
    files = [str(path) for path in paths if path.is_file()]
    columns = "tenant, session_id, ordinal, speaker, text, start_s, duration_s"
    if files:
        listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
        con.execute(
            f"create temp view turns as select {columns} from read_parquet([{listed}], hive_partitioning = false)"  # noqa: S608
            f" where tenant = '{scope.tenant}'"  # a tenant's name has no quotes in it
        )
        return
    con.execute(
        "create temp table turns (tenant varchar, session_id varchar, ordinal integer, speaker varchar, text varchar,"
        " start_s double, duration_s double)"
    )


def _parameters(scope: ReportScope) -> dict[str, Any]:
    return {
        "tenant": scope.tenant, "scenario": scope.scenario, "first": scope.first, "last": scope.last,
        "region": scope.region,
    }  # fmt: skip


def _sessions(con: duckdb.DuckDBPyConnection, scope: ReportScope) -> list[dict[str, Any]]:
    result = con.sql(SQL.read_text("utf-8"), params=_parameters(scope))
    names = result.columns
    return [{name: _plain(value) for name, value in zip(names, row, strict=True)} for row in result.fetchall()]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _counts(con: duckdb.DuckDBPyConnection, scope: ReportScope, found: list[dict[str, Any]]) -> dict[str, Any]:
    """Sessions of the period by what became of them: the parts add up to ``in_period``."""
    where = "where tenant = $tenant and day between $first and $last"
    narrowed = "($scenario is null or scenario_id = $scenario) and ($region is null or region = $region)"
    counted = con.sql(
        f"""
        select
            count(*),
            count(*) filter (where is_test),
            count(*) filter (where not is_test and ({narrowed}) is not true)
        from sessions {where}
        """,  # noqa: S608 - own texts
        params=_parameters(scope),
    ).fetchall()[0]
    bad = con.sql(
        f"select broken_rules[1], count(distinct coalesce(session_id, raw_ref)) from quarantine {where}"  # noqa: S608
        " and table_name = 'sessions' group by 1 order by 1",
        params={name: value for name, value in _parameters(scope).items() if name in ("tenant", "first", "last")},
    ).fetchall()
    return {
        "in_period": counted[0], "test": counted[1], "outside_scope": counted[2], "included": len(found),
        "unscored": sum(row["overall"] is None for row in found),
        "quarantined": {str(rule): count for rule, count in bad},
    }  # fmt: skip


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


def _history(session: Any, scope: ReportScope, sessions: set[str]) -> list[dict[str, Any]]:
    """Changes since the last report of the same scope, newest last; those of single sessions only where in scope."""
    mark = sha256(canonical([scope.tenant, scope.scenario, scope.region]))
    last = rows(session, TABLE.action == "export", TABLE.object == f"report:{mark[:16]}", newest_first=True, limit=1)
    since = last[0]["seq"] if last else 0
    found = rows(session, TABLE.action.in_(CHANGES), TABLE.seq > since, newest_first=True, limit=LONGEST_HISTORY)
    return [
        {"seq": row["seq"], "at": _plain(row["at"]), "action": row["action"], "actor": row["actor"],
         "object": row["object"], "facts": row["body"]}
        for row in reversed(found)
        if row["tenant"] in (None, scope.tenant) and (":" not in (row["object"] or "") or row["object"] in sessions)
    ]  # fmt: skip


def _looks(session: Any, scope: ReportScope, sessions: set[str]) -> list[dict[str, Any]]:
    """Who looked at these sessions, and who was refused: counts by person and action."""
    counted: dict[tuple[Any, ...], int] = {}
    for row in rows(session, TABLE.action == "access", TABLE.tenant == scope.tenant):
        if row["object"] in sessions:
            key = (row["actor"], row["body"].get("did"), row["body"].get("allowed"))
            counted[key] = counted.get(key, 0) + 1
    return [
        {"who": key[0], "did": key[1], "allowed": key[2], "times": n} for key, n in sorted(counted.items(), key=str)
    ]


def scope_mark(scope: ReportScope) -> str:
    """The object under which a report of this scope stands in the audit chain."""
    return f"report:{sha256(canonical([scope.tenant, scope.scenario, scope.region]))[:16]}"


def file_digest(data: bytes) -> str:
    """SHA-256 of bytes."""
    return hashlib.sha256(data).hexdigest()
