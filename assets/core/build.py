"""Core's session-grain tables for any set of days, in as few passes of DuckDB over their raw files as fit the disk."""

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl

from assets.contracts import core as contracts
from assets.contracts.table import Table
from assets.core import built, plan, scales, words
from assets.core.built import Built
from assets.core.judge import Judged, keeps_rules, part
from assets.core.languages import hear
from assets.core.parts import gather
from assets.duck import MEMORY_MB, THREADS, connect, literal
from assets.lake import Lake
from assets.raw import reviews
from assets.raw.bundle_sql import utc
from governance.catalog import Catalog
from governance.rubrics_used import RubricsUsed
from integrations.engine.vocabulary import end_reason

SQL = Path(__file__).parent / "sql"
GRACE_S = 3_600.0  # a call that was never closed may still be running: the engine's own limit is an hour
SPAN_BYTES = 16_000_000  # of raw: its turns take some 150 MB of memory while they are written
PASS_BYTES = 128_000_000  # of raw: some 140,000 sessions; a history of a million in one pass spills 60 GB to disk
DAYS_TO_SHARE = 8  # below that, one query over all days is as fast
TABLES: tuple[Table, ...] = (
    contracts.SESSIONS,
    contracts.TURNS,
    contracts.SIGNALS,
    contracts.CRITERION_SCORES,
    contracts.SESSION_SCORES,
)


@dataclass(frozen=True)
class Build:
    """Counts of one build, by table path, quarantine tables included; and its days."""

    days: tuple[date, ...]
    rows: Mapping[str, int]


@dataclass(frozen=True)
class _Given:
    """What a build goes by, beside the lake."""

    catalog: Catalog
    launches: pl.DataFrame
    change: int
    rubrics_used: RubricsUsed
    now: datetime
    reconcile_after_s: float


def build_days(
    lake: Lake,
    days: Sequence[date],
    *,
    catalog: Catalog,
    launches: pl.DataFrame,
    change: int,
    rubrics_used: RubricsUsed,
    now: datetime,
    reconcile_after_s: float = 900,
) -> Build:
    """Rebuild sessions, turns, signals, criterion_scores, session_scores and their quarantine for ``days``.

    ``launches`` is the registry's frame, ``change`` its ``last_change()`` from before the frame was read. Running it
    again over the same inputs writes the same rows.

    A long history is built in several passes, oldest days first. A scale that grows in a later pass leaves the days of
    the earlier ones stale, which ``plan.stale_days`` tells.

    Raises:
        RubricEdited: a rubric version that scores refer to was edited; nothing is written then.
        ConservationError: input rows are not good and quarantined rows together; nothing of that pass is written then.
    """
    wanted = sorted(set(days))
    rubrics_used.check(catalog.rubric_digests())
    given = _Given(catalog, launches, change, rubrics_used, now, reconcile_after_s)
    counts: Counter[str] = Counter()
    with lake.writing("building core"):
        sized = sizes(lake, wanted)
        for some in _runs(sized, PASS_BYTES):
            counts.update(_build_pass(lake, {day: sized[day] for day in some}, given))
    return Build(tuple(wanted), counts)


def _build_pass(lake: Lake, sized: Mapping[date, int], given: _Given) -> Counter[str]:
    """Stage, judge and put in place the days of one pass; rows by table path."""
    inputs = plan.inputs(lake, given.catalog)
    with lake.staging() as folder, ExitStack() as opened:
        builders = []
        sharing = shares(sized)
        for number, share in enumerate(sharing):
            own = folder / f"share-{number}"
            own.mkdir()
            con = opened.enter_context(closing(_connect(own, len(sharing))))
            spans = [(run[0], run[-1]) for run in _runs({day: sized[day] for day in share}, SPAN_BYTES)]
            builders.append(_Builder(con, lake, own, share, spans, given))
        with ThreadPoolExecutor(len(builders)) as pool:
            grown = scales.joined(scales.read(lake), pool.map(_Builder.prepare, builders))
            judged = list(pool.map(lambda builder: builder.judge(grown), builders))
        given.rubrics_used.use(
            {key: digest for one in builders for key, digest in one.rubrics_in_use().items()}, given.now
        )
        records = {day: record for one in builders for day, record in one.records(inputs, given.change, grown).items()}
        built.forget(lake, list(sized))
        for builder, tables in zip(builders, judged, strict=True):
            for table in tables:
                lake.replace_days(table.table.path, table.good, builder.days)
                lake.replace_days(f"{table.table.path}_quarantine", table.bad, builder.days)
        scales.write(lake, grown.largest)
        built.remember(lake, records)
    counts: Counter[str] = Counter()
    for table in (table for tables in judged for table in tables):
        counts[table.table.path] += table.rows
        counts[f"{table.table.path}_quarantine"] += table.quarantined
    return counts


def sizes(lake: Lake, days: Sequence[date]) -> dict[date, int]:
    """Bytes that raw holds of the sessions of each day."""
    return {
        day: sum(path.stat().st_size for table in plan.SESSION_TABLES for path in lake.files(table, [day]))
        for day in days
    }


def shares(sized: Mapping[date, int]) -> list[list[date]]:
    """The days in as many runs of about equal size as there are threads; few days stay together.

    Most of a build is sorting and writing by day, which DuckDB does on one thread, so that two halves side by side take
    little more than half the time.
    """
    total = sum(sized.values())
    if len(sized) < DAYS_TO_SHARE or not total:
        return [list(sized)]
    return _runs(sized, total // THREADS + 1)


def _runs(sized: Mapping[date, int], most: int) -> list[list[date]]:
    """The days in runs of about ``most`` bytes."""
    found: dict[int, list[date]] = {}
    before = 0
    for day, size in sized.items():
        found.setdefault(before // most, []).append(day)
        before += size
    return list(found.values())


def _connect(folder: Path, number: int) -> duckdb.DuckDBPyConnection:
    return connect(folder) if number == 1 else connect(folder, memory=f"{MEMORY_MB // number}MB", threads=1)


class _Builder:
    """One build: the connection with its small tables, and the steps in order."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        lake: Lake,
        folder: Path,
        days: Sequence[date],
        spans: Sequence[tuple[date, date]],
        given: _Given,
    ) -> None:
        self.con, self.lake, self.folder, self.days, self.spans, self.given = con, lake, folder, days, spans, given
        self.in_order = self.refused = False

    def prepare(self) -> scales.Used:
        """Everything up to the assessments, and which scales those need: the scales are all shares' business."""
        define(self.con, self.given.now, self.given.reconcile_after_s)
        words.teach(self.con)
        self.in_order = gather(self.con, self.lake, self.days, self.given.catalog.engine_fields(), self.folder)
        self._lookups()
        self._step("facts")
        self.refused = self._broken_sessions()
        # A join that finds something for some turns alone brings those forward.
        self.in_order = not hear(self.con) and self.in_order
        self._step("assessments")
        return scales.used(self.con)

    def judge(self, grown: scales.Grown) -> list[Judged]:
        """Every table staged and judged."""
        turns = self._part(contracts.TURNS, "turns", "sum(turn_list)", "facts", ordered=not self.in_order)
        self._view("good_turns", turns)
        self._step("pacing")
        signals = self._part(contracts.SIGNALS, "signals", "sum(signal_list)", "facts")
        self.con.register("scales", scales.frame(grown.largest))
        scores = self._part(contracts.CRITERION_SCORES, "criterion_scores", "sum(len(criteria))", "assessments")
        self._view("good_criterion_scores", scores)
        self._step("session_scores")
        totals = self._part(contracts.SESSION_SCORES, "(from session_scores)", "count(*)", "session_scores")
        sessions = self._part(contracts.SESSIONS, "sessions", "count(*)", "facts", refused=False)
        return [sessions, turns, signals, scores, totals]

    def records(self, inputs: Mapping[date, str], change: int, grown: scales.Grown) -> dict[date, Built]:
        """What to remember of each day once its tables are in place."""
        due = self._due()
        return {day: Built(inputs[day], change, due.get(day), grown.of_day(day)) for day in self.days if day in inputs}

    def rubrics_in_use(self) -> dict[tuple[str, str], str]:
        """Digests of the catalogued rubric versions that good scores of this build refer to."""
        digests = self.given.catalog.rubric_digests()
        found = self.con.sql("select distinct rubric_id, rubric_version from good_criterion_scores").fetchall()
        return {key: digests[key] for key in found if key in digests}

    def _lookups(self) -> None:
        for name, frame in (
            ("registry", self.given.launches),
            ("scenarios_given", self.given.catalog.scenarios_frame()),
            ("watchpoints", self.given.catalog.watchpoints_frame()),
            ("rubrics", self.given.catalog.rubrics_frame()),
            ("criteria", self.given.catalog.criteria_frame()),
        ):
            self.con.register(name, frame)
        self.con.execute("""
            create or replace temp table launches as
            from registry semi join (select tenant, session_id from parts) as here using (tenant, session_id)
        """)
        self.con.execute("create or replace temp view scenarios as from scenarios_given")
        reviewed = [pl.read_parquet(path) for path in self.lake.files(reviews.PATH, self.days)]
        self.con.register("reviews", pl.concat(reviewed) if reviewed else pl.DataFrame(schema=reviews.SCHEMA))
        raw = [
            text
            for (text,) in self.con.sql("select distinct end_reason from parts where end_reason is not null").fetchall()
        ]
        reasons = pl.DataFrame(
            {"raw": raw, "end_reason": [end_reason(text) for text in raw]},
            schema={"raw": pl.String, "end_reason": pl.String},
        )
        self.con.register("end_reasons", reasons)

    def _step(self, name: str) -> None:
        self.con.execute(f"create or replace temp table {name} as {_sql(name)}")

    def _view(self, name: str, judged: Judged) -> None:
        """The staged good rows of a table, empty where it has none."""
        columns = ", ".join(f"null::{column.type} as {column.name}" for column in judged.table.columns)
        source = f"from read_parquet('{judged.good}/*/*.parquet')" if judged.rows else f"select {columns} where false"
        self.con.execute(f"create or replace temp view {name} as {source}")

    def _broken_sessions(self) -> bool:
        """Sessions that will be refused: their parts go the same way."""
        keeps = keeps_rules(
            contracts.SESSIONS, False, given=[row[0] for row in self.con.sql("describe facts").fetchall()]
        )
        self.con.execute(
            f"create or replace temp table broken_sessions as select tenant, session_id from facts where not ({keeps})"
        )
        return self.con.sql("select count(*) from broken_sessions").fetchall()[0][0] > 0

    def _part(
        self, table: Table, name: str, count: str, counted: str, *, ordered: bool = True, refused: bool | None = None
    ) -> Judged:
        expected = self.con.sql(f"select coalesce({count}, 0) from {counted}").fetchall()[0][0]
        return part(
            self.con,
            table,
            name if name.startswith("(") else f"({_sql(name)})",
            self.folder,
            expected=int(expected),
            ordered=ordered,
            broken_sessions=self.refused if refused is None else refused,
            spans=self.spans,
            days=self.days,
        )

    def _due(self) -> dict[date, str]:
        rows = self.con.sql("select day, min(due_at) from facts where completeness = 'open' group by day").fetchall()
        return {day: due.astimezone(UTC).isoformat() for day, due in rows}


def define(
    con: duckdb.DuckDBPyConnection, now: datetime = datetime(1970, 1, 1, tzinfo=UTC), reconcile_after_s: float = 900
) -> None:
    """The small functions that core's SQL calls."""
    con.execute(f"create or replace temp macro utc(text) as {utc('text')}")
    con.execute(f"create or replace temp macro built_at() as timestamptz {literal(now.isoformat())}")
    con.execute(f"create or replace temp macro wait_closed_s() as {float(reconcile_after_s)}")
    con.execute(f"create or replace temp macro wait_open_s() as {float(reconcile_after_s) + GRACE_S}")


def _sql(name: str) -> str:
    return (SQL / f"{name}.sql").read_text("utf-8")
