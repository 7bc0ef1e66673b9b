"""raw/deliveries: accepted engine deliveries, drained from the durable inbox."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any

import duckdb
import polars as pl

from assets.contracts.raw import DELIVERIES
from assets.duck import connect, file_list
from assets.lake import Lake
from assets.partitions import FIRST_DAY
from assets.raw.landing import Landing
from assets.raw.merge import PARQUET, merge, settle
from governance.batches import Batches, Reject
from governance.inbox import Inbox, InboxRow
from governance.privacy.erasure import REASON, RULE, Erasures
from governance.session_days import SessionDays
from governance.state import State
from integrations.engine.assemble import started_at

PAGE = 20_000  # deliveries moved at a time; bounds memory, whatever the backlog
JOURNAL = "raw/.drain.json"
AHEAD = timedelta(days=1)  # an engine's clock may run a little ahead of ours
SCHEMA: dict[str, Any] = {
    "tenant": pl.String,
    "session_id": pl.String,
    "day": pl.Date,
    "event_key": pl.String,
    "channel": pl.String,
    "event_type": pl.String,
    "known": pl.Boolean,
    "engine_at": pl.Datetime("us", "UTC"),
    "received_at": pl.Datetime("us", "UTC"),
    "body": pl.String,
    "withheld": pl.Int32,
    "policy_version": pl.String,
    "batch_id": pl.String,
}
Session = tuple[str, str]  # tenant, session_id


def drain(lake: Lake, state: State) -> Landing:
    """Move everything that waits in the inbox into the day files; rows of a session whose day moved follow it.

    Rows reach the lake first, then the registry of days, and leave the inbox last. After a crash at any point the same
    rows are drained again and found to be there already: nothing is lost, nothing doubled.

    Raises:
        LakeBusyError: another process writes the lake.
    """
    inbox = Inbox(state)
    if not inbox.waiting(1):
        return Landing("", 0, 0, 0, 0)
    batches = Batches(state)
    batch_id = batches.open("drain", "inbox", None, None, datetime.now(UTC))
    read = accepted = withheld = 0
    days: set[date] = set()
    refused: list[Reject] = []
    with lake.writing("draining the inbox"):
        while waiting := inbox.waiting(PAGE):
            rows, erased = _living(waiting, state)
            fresh, touched = _move(lake, state, rows, batch_id) if rows else (0, set())
            inbox.mark_drained([row.id for row in rows], datetime.now(UTC))
            inbox.discard([row.id for row in erased], datetime.now(UTC))
            refused += [Reject(row.id, RULE, REASON) for row in erased]
            read, accepted = read + len(waiting), accepted + fresh
            withheld += sum(sum(row.dropped.values()) for row in rows)
            days |= touched
    repeated = read - accepted - len(refused)
    landing = Landing(
        batch_id, read, accepted, repeated, len(refused),
        withheld=withheld, days=tuple(sorted(days)), refusals=tuple(refused),
    )  # fmt: skip
    batches.settle(batch_id, landing)
    return landing


def _living(rows: Sequence[InboxRow], state: State) -> tuple[list[InboxRow], list[InboxRow]]:
    """Rows to be landed, and rows of sessions that were erased."""
    gone = Erasures(state).blocked({(row.tenant, row.session_id) for row in rows})
    living = [row for row in rows if (row.tenant, row.session_id) not in gone]
    return living, [row for row in rows if (row.tenant, row.session_id) in gone]


def _move(lake: Lake, state: State, rows: Sequence[InboxRow], batch_id: str) -> tuple[int, set[date]]:
    """One page into the lake: rows new to it, and the days whose file changed."""
    sessions = sorted({(row.tenant, row.session_id) for row in rows})
    before = _candidates(lake, state, sessions)
    with lake.staging() as folder:
        con = connect(folder)
        try:
            stored = _stored(con, lake, before)
            placed = _place(rows, stored)
            _write_journal(lake, placed)
            moves = _moved(con, stored, placed)
            frame = pl.DataFrame([_row(row, placed, batch_id) for row in rows], schema=SCHEMA, orient="row")
            con.register("arriving", frame)
            staged = folder / "staged"
            staged.mkdir()
            con.execute(f"copy (from arriving order by day, tenant, session_id, event_key) to '{staged}' ({PARQUET})")
            settle(con, staged, DELIVERIES.key)
            merged = merge(con, lake, DELIVERIES, staged, moves)
        finally:
            con.close()
    registry = SessionDays(state)
    for tenant, group in groupby(sorted(placed), key=lambda session: session[0]):
        registry.place(tenant, {session[1]: placed[session] for session in group})
    (lake.root / JOURNAL).unlink(missing_ok=True)
    return merged.accepted, set(merged.days)


def _candidates(lake: Lake, state: State, sessions: Sequence[Session]) -> dict[Session, set[date]]:
    """Days where rows of these sessions may lie: the registry's, and those of a drain that was cut off."""
    found: dict[Session, set[date]] = {}
    registry = SessionDays(state)
    for tenant, group in groupby(sessions, key=lambda session: session[0]):
        for session_id, day in registry.days(tenant, [session[1] for session in group]).items():
            found.setdefault((tenant, session_id), set()).add(day)
    for tenant, session_id, day in _read_journal(lake):
        found.setdefault((tenant, session_id), set()).add(date.fromisoformat(day))
    return found


def _stored(
    con: duckdb.DuckDBPyConnection, lake: Lake, candidates: Mapping[Session, set[date]]
) -> dict[Session, list[dict[str, Any]]]:
    """Rows of these sessions that are in the lake already."""
    files = lake.files(DELIVERIES.path, {day for days in candidates.values() for day in days})
    if not files:
        return {}
    schema = {"tenant": pl.String, "session_id": pl.String}
    con.register("wanted", pl.DataFrame(list(candidates), schema=schema, orient="row"))
    names = ("tenant", "session_id", "day", "event_key", "event_type", "engine_at", "received_at", "body", "channel")
    query = f"""
        select {", ".join(names)} from read_parquet({file_list(files)}) semi join wanted using (tenant, session_id)
    """
    found: dict[Session, list[dict[str, Any]]] = {}
    for values in con.sql(query).fetchall():
        row: dict[str, Any] = dict(zip(names, values, strict=True))
        found.setdefault((row["tenant"], row["session_id"]), []).append(row)
    return found


def _place(rows: Sequence[InboxRow], stored: Mapping[Session, list[dict[str, Any]]]) -> dict[Session, date]:
    """The day of each session, from all of its deliveries."""
    together: dict[Session, list[dict[str, Any]]] = {session: list(known) for session, known in stored.items()}
    for row in rows:
        together.setdefault((row.tenant, row.session_id), []).append(row._asdict())
    return {session: day_of(known) for session, known in together.items()}


def day_of(rows: Sequence[Mapping[str, Any]]) -> date:
    """UTC day of a session's start; a start that cannot be true gives way to the first receipt."""
    first = min(row["received_at"] for row in rows)
    latest = max(row["received_at"] for row in rows) + AHEAD
    start = started_at(rows).astimezone(UTC).date()
    return start if FIRST_DAY <= start <= latest.date() else first.astimezone(UTC).date()


def _moved(
    con: duckdb.DuckDBPyConnection, stored: Mapping[Session, list[dict[str, Any]]], placed: Mapping[Session, date]
) -> dict[date, set[date]]:
    """Days that gain rows of other days, and the table ``moved`` that says which sessions go where."""
    gained: dict[date, set[date]] = {}
    moved = []
    for session, rows in stored.items():
        losing = {row["day"] for row in rows} - {placed[session]}
        if losing:
            gained.setdefault(placed[session], set()).update(losing)
            moved.append((*session, placed[session]))
    schema = {"tenant": pl.String, "session_id": pl.String, "day": pl.Date}
    con.register("moved", pl.DataFrame(moved, schema=schema, orient="row"))
    return gained


def _row(row: InboxRow, placed: Mapping[Session, date], batch_id: str) -> tuple[Any, ...]:
    return (
        row.tenant,
        row.session_id,
        placed[row.tenant, row.session_id],
        row.event_key,
        row.channel,
        row.event_type,
        row.known,
        row.engine_at,
        row.received_at,
        row.body,
        sum(row.dropped.values()),
        row.policy_version,
        batch_id,
    )


def _write_journal(lake: Lake, placed: Mapping[Session, date]) -> None:
    """Say where rows are about to go, in addition to what an earlier drain said that was cut off."""
    path = lake.root / JOURNAL
    path.parent.mkdir(parents=True, exist_ok=True)
    entries = {tuple(entry) for entry in _read_journal(lake)}
    entries |= {(*session, day.isoformat()) for session, day in placed.items()}
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(sorted(entries)), "utf-8")
    draft.replace(path)


def _read_journal(lake: Lake) -> list[list[str]]:
    try:
        return json.loads((lake.root / JOURNAL).read_text("utf-8"))
    except FileNotFoundError:
        return []
