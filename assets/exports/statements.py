"""Issues the statements of any set of days and keeps them frozen: one Parquet file a day that only ever grows."""

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import orjson
import polars as pl

from assets.contracts import XAPI_STATEMENTS
from assets.duck import connect
from assets.exports import gather
from assets.lake import Lake, fingerprint
from governance.catalog import Catalog
from integrations.xapi.facts import Session
from integrations.xapi.issuing import Issued, first, next_of
from integrations.xapi.statements import Cast

PATH = XAPI_STATEMENTS.path
CODE_VERSION = "1"  # raise it when sessions imply other statements: every day is then looked at once
BUILT = "exports/.built/xapi_statements"
SOURCES = tuple(f"core/{name}" for name in gather.DAY_TABLES)
LEVEL_DIGITS = 1.5e-4  # a level is stated with four decimals
SCHEMA = pl.Schema(
    {
        "tenant": pl.String,
        "statement_id": pl.String,
        "session_id": pl.String,
        "day": pl.Date,
        "kind": pl.String,
        "template": pl.String,
        "subject": pl.String,
        "revision": pl.Int32,
        "voids": pl.String,
        "stated_at": pl.Datetime("us", "UTC"),
        "issued_at": pl.Datetime("us", "UTC"),
        "statement": pl.String,
        "context_2_0": pl.String,
    }
)


@dataclass(frozen=True)
class Issue:
    """What one call did: days looked at, statements new and voided, and how many there are now on those days."""

    days: tuple[date, ...]
    new: int
    voided: int
    rows: int


def stale_days(lake: Lake, catalog: Catalog) -> list[date]:
    """Days whose statements were made from other core files, catalog or code."""
    wanted, built = _inputs(lake, catalog), _built(lake)
    return sorted(day for day in wanted.keys() | built.keys() if wanted.get(day) != built.get(day))


def issue_days(
    lake: Lake, days: Iterable[date], *, catalog: Catalog, pseudonym: gather.Pseudonym, now: datetime
) -> Issue:
    """Issue what the sessions of ``days`` imply and is not in force yet; void what they no longer imply.

    Days on which a mastery came or went because of sessions on other days are added. A second call with the same core
    issues nothing.
    """
    inputs = _inputs(lake, catalog)
    with lake.writing("issuing statements"), lake.staging() as folder:
        con = connect(folder)
        try:
            gather.define_mastery(con, lake, catalog)
            wanted = sorted(set(days) | _moved_mastery(con, lake))
            writer = _Writer(lake, folder, Cast(gather.names_of(catalog)), now)
            found = gather.sessions(con, lake, wanted, pseudonym)
            for day, sessions in _by_day(found, wanted):
                writer.day(day, sessions)
        finally:
            con.close()
        _remember(lake, {day: inputs.get(day) for day in wanted})
    return Issue(tuple(wanted), writer.new, writer.voided, writer.rows)


def _by_day(found: Iterable[Session], days: Sequence[date]) -> Iterator[tuple[date, list[Session]]]:
    """Each of the days with its sessions, which come in the same order; one day at a time is held."""
    groups = itertools.groupby(found, key=lambda session: session.day)
    group = next(groups, None)
    for day in days:
        if group is not None and group[0] == day:
            yield day, list(group[1])
            group = next(groups, None)
        else:
            yield day, []


class _Writer:
    """Adds to the files of days, one after the other, and counts."""

    def __init__(self, lake: Lake, folder: Path, cast: Cast, now: datetime) -> None:
        self.lake, self.folder, self.cast, self.now = lake, folder, cast, now
        self.new = self.voided = self.rows = 0

    def day(self, day: date, sessions: Sequence[Session]) -> None:
        """Issue one day's statements; the file is replaced only where something is new."""
        path = self.lake.path(PATH, day)
        frozen = pl.read_parquet(path, hive_partitioning=False) if path.is_file() else None
        rows: list[tuple[Any, ...]] = []
        standing = _standing(frozen)
        for session in sessions:
            before = standing.pop((session.tenant, session.session_id), None)
            fresh = (
                first(session, self.cast)
                if before is None
                else next_of(session.tenant, before, session, self.cast, self.now)
            )
            self._add(rows, session.tenant, session.session_id, day, fresh)
        for (tenant, session_id), before in standing.items():
            self._add(rows, tenant, session_id, day, next_of(tenant, before, None, self.cast, self.now))
        self.rows += 0 if frozen is None else frozen.height
        if rows:
            self._write(day, frozen, rows)

    def _add(
        self, rows: list[tuple[Any, ...]], tenant: str, session_id: str, day: date, fresh: Iterable[Issued]
    ) -> None:
        for row in fresh:
            rows.append((
                tenant, row.id, session_id, day, row.kind, row.template, row.subject, row.revision, row.voids,
                datetime.fromisoformat(row.timestamp), self.now, row.body.decode(),
                None if row.added is None else row.added.decode(),
            ))  # fmt: skip
            self.voided += row.voids is not None

    def _write(self, day: date, frozen: pl.DataFrame | None, rows: list[tuple[Any, ...]]) -> None:
        columns = dict(zip(SCHEMA, zip(*rows, strict=True), strict=True))
        fresh = pl.DataFrame(columns, schema=SCHEMA)
        self.rows += fresh.height
        self.new += fresh.height
        frame = fresh if frozen is None else pl.concat([frozen.cast(SCHEMA), fresh])
        draft = self.folder / f"{day.isoformat()}.parquet"
        frame.sort("tenant", "session_id", "issued_at", maintain_order=True).write_parquet(draft)
        self.lake.put(PATH, draft, day)


def _standing(frozen: pl.DataFrame | None) -> dict[tuple[str, str], list[Issued]]:
    """Issued statements by session, in the order in which they were issued."""
    found: dict[tuple[str, str], list[Issued]] = {}
    if frozen is None:
        return found
    wanted = ("tenant", "session_id", "statement_id", "kind", "template", "subject", "revision", "voids")
    for tenant, session_id, *rest in frozen.select(wanted).iter_rows():
        found.setdefault((tenant, session_id), []).append(Issued(*rest, timestamp="", body=b"", added=None))
    return found


def _moved_mastery(con: duckdb.DuckDBPyConnection, lake: Lake) -> set[date]:
    """Days that have statements and whose mastery statements are not those of today."""
    exported = set(lake.days(PATH))
    stood = gather.standing_mastery(con, lake.files(PATH))
    con.register("stood", stood)
    rows = con.sql(f"""
        select coalesce(mastered.day, stood.day)
        from mastered
        full join stood using (tenant, session_id, day, competency)
        where mastered.level is null or stood.level is null or abs(mastered.level - stood.level) > {LEVEL_DIGITS}
    """).fetchall()  # fmt: skip
    return {day for (day,) in rows} & exported


def _inputs(lake: Lake, catalog: Catalog) -> dict[date, str]:
    files = {table: lake.file_ids(table) for table in SOURCES}
    rules = {"mastery": orjson.dumps({k: c.mastery for k, c in catalog.competencies.items()}).decode()}
    days = {day for ids in files.values() for day in ids}
    return {
        day: fingerprint({table: ids.get(day) for table, ids in files.items()} | rules | {"code": CODE_VERSION})
        for day in days
    }


def _built(lake: Lake) -> dict[date, str]:
    folder = lake.folder(BUILT)
    if not folder.is_dir():
        return {}
    return {date.fromisoformat(path.stem): json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")}


def _remember(lake: Lake, records: dict[date, str | None]) -> None:
    """After the files are in place: a crash before it makes the days stale, and issuing again issues nothing."""
    folder = lake.folder(BUILT)
    folder.mkdir(parents=True, exist_ok=True)
    for day, inputs in records.items():
        path = folder / f"{day.isoformat()}.json"
        if inputs is None:
            path.unlink(missing_ok=True)
            continue
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(inputs), "utf-8")
        draft.replace(path)


def utc_now() -> datetime:
    """The moment of issue, to the millisecond that a statement can hold."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
