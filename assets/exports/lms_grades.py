"""Scores on their way to gradebooks: one column of one LMS is one target of the sync engine.

Of each learner the latest or best score that is known stands in the column. Learners are found by their account, e-mail
or learner id at the LMS; one without it is counted, never guessed. What was refused is tried again with every run.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from assets.duck import connect, literal
from assets.exports.restricted import without_people
from governance.catalog import Catalog
from governance.identities import Identities
from integrations.lms import ags
from integrations.lms.config import Column, Grading, LmsConnector
from integrations.lms.systems import open_sink
from integrations.sync import planner
from integrations.sync.base import Outgoing, Presence, Sink, SyncError
from integrations.sync.batching import batches
from integrations.sync.ledger import Ledger
from integrations.sync.machine import Patience
from integrations.sync.planner import Plan, Rules
from integrations.sync.sender import Progress, Report, deliver

SQL = Path(__file__).parent / "sql" / "lms_grades.sql"
VERDICTS = {True: "Passed", False: "Not passed", None: "No pass rule"}
PLACES = Decimal("0.01")


@dataclass(frozen=True)
class Planned:
    """``outgoing`` is what is due for one column; ``unaddressed`` learners have a score and no account at the LMS."""

    target: str
    column: Column
    plan: Plan
    outgoing: list[Outgoing]
    unaddressed: int


@dataclass(frozen=True)
class Written:
    """What one column took; ``report`` is None where nothing was due."""

    planned: Planned
    report: Report | None


@dataclass(frozen=True)
class Sighted:
    """What a dry run saw of the scores that are due: counts that add up to them."""

    would_change: int
    same_already: int
    unread: int


class GradeDesk:
    """One home's scores on their way to LMSs."""

    def __init__(self, marts: Path, catalog: Catalog, ledger: Ledger, identities: Identities) -> None:
        self.marts, self.catalog, self.ledger, self.identities = marts, catalog, ledger, identities

    def plan(self, connector: LmsConnector, column: Column, now: datetime, *, force: bool = False) -> Planned:
        """What is due in a column, without a word to the LMS. ``force`` lifts the cap on changes.

        Raises:
            SyncError: nothing is published for the tenant, or the connector writes nothing.
        """
        grading = grading_of(connector)
        found = told(self.marts, connector.tenant, self.catalog, grading, column.scenario)
        if found is None:
            raise SyncError(f"nothing is published for {connector.tenant}", "Run `rolecall run` first")
        found = without_people(found, self.identities.state)
        addresses = self.identities.addresses(connector.tenant, grading.match, connector.name)
        wanted = found.filter(pl.col("learner_key").is_in(list(addresses)))
        payloads = {
            row["learner_key"]: payload(connector, column, addresses[row["learner_key"]], row)
            for row in wanted.iter_rows(named=True)
        }
        frame = wanted.with_columns(
            payload=pl.Series([payloads[key] for key in wanted["learner_key"]], dtype=pl.Binary)
        )
        desired = pl.DataFrame(
            {
                "key": frame["learner_key"],
                "digest": planner.digests(frame, ["session_id", "payload"]),
                "tenant": pl.repeat(connector.tenant, frame.height, eager=True),
                "source": frame["session_id"],
            }
        )
        target = f"{connector.name}/{column.scenario}"
        rules = Rules("keep", 1.0 if force else grading.change_cap, again=True)
        plan = planner.plan(desired, self.ledger.records(target), self.ledger.intents(target), rules, now)
        outgoing = [planner.frozen(row, payloads[row["key"]]) for row in plan.due.iter_rows(named=True)]
        return Planned(target, column, plan, outgoing, found.height - wanted.height)

    def look(self, connector: LmsConnector, planned: Planned) -> Sighted:
        """Ask the LMS for every score that is due; nothing is written.

        Raises:
            SyncError: the LMS cannot be written to as configured, or does not answer.
        """
        seen: list[Presence] = []
        with _opened(connector, planned.column) as sink:
            count = sink.preflight().limits.batch_count
            for batch in batches(planned.outgoing, lambda each: len(each.payload), count, None):
                seen += [sighting.presence for sighting in sink.read_back(batch)]
        same, unread = seen.count(Presence.SAME), seen.count(Presence.UNKNOWN)
        return Sighted(len(seen) - same - unread, same, unread)

    def write(
        self,
        connector: LmsConnector,
        column: Column,
        now: Callable[[], datetime],
        progress: Progress | None = None,
        *,
        force: bool = False,
    ) -> Written:
        """Plan and write one column.

        Raises:
            SyncError: it cannot be written to, would change more than the cap, or another process writes to it.
        """
        target = f"{connector.name}/{column.scenario}"
        paused = self.ledger.paused(target, now())
        if paused is not None:
            raise SyncError(f"{target} asked to be left alone until {paused[0]:%Y-%m-%d %H:%M} UTC: {paused[1]}")
        with self.ledger.claim(target, "lms") as claim:
            planned = self.plan(connector, column, now(), force=force)
            if planned.plan.stopped is not None:
                raise SyncError(f"{target}: {planned.plan.stopped}")
            if not planned.outgoing:
                return Written(planned, None)
            with _opened(connector, column) as sink:
                report = deliver(
                    claim,
                    sink,
                    planned.outgoing,
                    planned=len(planned.outgoing),
                    unchanged=planned.plan.counts["unchanged"],
                    limits=sink.preflight().limits,
                    patience=Patience(failure_share=grading_of(connector).failure_cap),
                    progress=progress,
                )
        return Written(planned, report)


def told(marts: Path, tenant: str, catalog: Catalog, grading: Grading, scenario: str) -> pl.DataFrame | None:
    """One row per learner with a score in the scenario: session, ``overall`` on 0 to 1, verdict and time of scoring.

    None where nothing is published yet.
    """
    published = marts / tenant / "current"
    if not published.exists():
        return None
    con = connect()
    try:
        con.execute(f"attach {literal(str(published.resolve()))} as published (read_only)")
        for table in ("sessions", "session_scores"):
            con.execute(f"create view {table} as from published.{table}")
        con.register("rubrics", catalog.scenarios_frame().select("scenario_id", "rubric_id").unique())
        found = con.sql(SQL.read_text("utf-8"), params={"best": grading.counts == "best"}).pl()
        return found.filter(pl.col("scenario_id") == scenario).sort("learner_key")
    finally:
        con.close()


def payload(connector: LmsConnector, column: Column, user: str, row: Mapping[str, Any]) -> bytes:
    """The score as the system takes it, in the points of the column.

    Points may lie above a column's pass mark while a blocker failed the session, so that where the LMS takes a comment
    it says the verdict.
    """
    points = (Decimal(str(row["overall"])) * column.points).quantize(PLACES)
    if connector.system == "lti":
        comment = VERDICTS[row["passed"]]
        return orjson.dumps(ags.score(user, float(points), float(column.points), row["scored_at"], comment))
    return orjson.dumps({"user": user, "grade": float(points)})


def grading_of(connector: LmsConnector) -> Grading:
    """What the connector writes.

    Raises:
        SyncError: nothing.
    """
    if connector.write is None:
        raise SyncError(f"connector {connector.name} writes nothing", "Add `write` to its file; see docs/lms.md")
    return connector.write


@contextmanager
def _opened(connector: LmsConnector, column: Column) -> Iterator[Sink]:
    sink = open_sink(connector, column)
    try:
        yield sink
    finally:
        sink.close()
