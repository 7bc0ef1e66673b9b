"""Delivers frozen statements through the sync engine: what a destination should have, and the bytes of what is due.

A statement that was voided before the destination ever saw it is not sent, nor is its voiding: nobody should receive
what is known to be wrong, or what a learner had erased. What a frozen learner did waits.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from assets.contracts import XAPI_STATEMENTS
from assets.exports.restricted import without_sessions
from assets.lake import Lake
from governance.identities import Identities
from integrations.sync import planner
from integrations.sync.base import Outgoing, Preflight, SyncError
from integrations.sync.claim import Claim
from integrations.sync.ledger import Ledger
from integrations.sync.machine import Patience
from integrations.sync.planner import Plan, Rules
from integrations.sync.sender import Clock, Progress, Report, deliver
from integrations.xapi.destinations import Casting, Destination
from integrations.xapi.lrs import Lrs, signing_key, transport_of
from integrations.xapi.rendering import in_version
from integrations.xapi.vocabulary import Kind

PATH = XAPI_STATEMENTS.path
COLUMNS = ("tenant", "statement_id", "session_id", "day", "kind", "subject", "voids")
LOST = "the target no longer has it although it acknowledged it; it is sent again"


@dataclass(frozen=True)
class Wish:
    """What one destination is to receive. ``tenant`` limits one run, the destination's own filters all of them.

    ``again`` repeats refusals; ``recheck`` is how many acknowledged statements are looked for, None for all.
    """

    name: str
    destination: Destination
    tenant: str | None = None
    again: bool = False
    recheck: int | None = 0


@dataclass(frozen=True)
class Planned:
    """A plan with what the target said; ``statements`` describes each due one: ``key, tenant, day, kind, …``."""

    plan: Plan
    statements: pl.DataFrame
    preflight: Preflight | None = None


@dataclass(frozen=True)
class Delivered:
    """What one destination received. ``report`` is None where nothing was due; ``lost`` had vanished there."""

    name: str
    planned: Planned
    report: Report | None
    lost: int = 0
    unidentified: int = 0


class Post:
    """One home's statements on their way to destinations."""

    def __init__(self, lake: Lake, ledger: Ledger, identities: Identities) -> None:
        self.lake, self.ledger, self.identities = lake, ledger, identities

    def plan(self, wish: Wish, now: datetime) -> Planned:
        """What is due, without a word to the destination."""
        tenant = wish.tenant
        records, intents = self.ledger.records(wish.name, tenant), self.ledger.intents(wish.name, tenant)
        stated = self._stated(wish)
        wanted = _wanted(stated, wish.destination, records, intents)
        plan = planner.plan(wanted, records, intents, Rules(again=wish.again), now)
        return Planned(plan, plan.due.select("key").join(wanted, on="key", how="left", maintain_order="left"))

    def deliver(self, wish: Wish, clock: Clock | None = None, progress: Progress | None = None) -> Delivered:
        """Plan and send.

        Raises:
            SyncError: the destination cannot be delivered to, or another process does.
        """
        clock = clock or Clock()
        paused = self.ledger.paused(wish.name, clock.now())
        if paused is not None:
            raise SyncError(f"{wish.name} asked to be left alone until {paused[0]:%Y-%m-%d %H:%M} UTC: {paused[1]}")
        key = signing_key(wish.name, wish.destination)
        signed: set[str] = set()
        transport = transport_of(wish.name, wish.destination)
        sink = Lrs(wish.destination, transport, key=key, signs=lambda record: record.key in signed)
        try:
            with self.ledger.claim(wish.name, "lrs") as claim:
                preflight = sink.preflight()
                lost = self._recheck(wish, claim, sink, clock.now())
                planned = replace(self.plan(wish, clock.now()), preflight=preflight)
                due = planned.statements
                signed |= set(due.filter(pl.col("kind").is_in(list(wish.destination.sign))).get_column("key"))
                if due.is_empty():
                    return Delivered(wish.name, planned, None, lost)
                bodies = Bodies(self.lake, wish.destination, self.identities)
                report = deliver(
                    claim,
                    sink,
                    bodies.outgoing(planned),
                    planned=due.height,
                    unchanged=planned.plan.counts["unchanged"],
                    limits=preflight.limits,
                    patience=Patience(failure_share=wish.destination.failure_cap),
                    progress=progress,
                    clock=clock,
                )
        finally:
            sink.close()
        return Delivered(wish.name, planned, report, lost, bodies.unidentified)

    def _stated(self, wish: Wish) -> pl.DataFrame:
        files = self.lake.files(PATH)
        if not files:
            return pl.DataFrame(schema={name: pl.Date if name == "day" else pl.String for name in COLUMNS})
        frame = pl.scan_parquet(files, hive_partitioning=False).select(COLUMNS)
        if wish.tenant is not None:
            frame = frame.filter(pl.col("tenant") == wish.tenant)
        if wish.destination.tenants:
            frame = frame.filter(pl.col("tenant").is_in(list(wish.destination.tenants)))
        if wish.destination.since is not None:
            frame = frame.filter(pl.col("day") >= wish.destination.since)
        return without_sessions(frame.collect(), self.lake, self.identities.state)

    def _recheck(self, wish: Wish, claim: Claim, sink: Lrs, now: datetime) -> int:
        """Look for a sample of what was acknowledged; where one is missing, for all of it."""
        known = self.ledger.records(wish.name, wish.tenant)
        if known.is_empty() or wish.recheck == 0:
            return 0
        keys = known.get_column("key").to_list()
        wanted = keys if wish.recheck is None else random.sample(keys, min(wish.recheck, len(keys)))
        gone = sink.missing(wanted)
        if gone and len(wanted) < len(keys):
            gone = sink.missing(keys)
        if gone:
            rows = known.filter(pl.col("key").is_in(gone)).select("key", "tenant")
            records = [Outgoing(key, b"", key, tenant=tenant, source="re-check") for key, tenant in rows.iter_rows()]
            claim.lose(records, LOST, now)
        return len(gone)


class Bodies:
    """The frozen bytes of due statements as the destination may see them, day by day."""

    def __init__(self, lake: Lake, destination: Destination, identities: Identities) -> None:
        self.lake, self.destination = lake, destination
        self._find = identities.person
        self._castings: dict[str, Casting] = {}

    @property
    def unidentified(self) -> int:
        """People whom the destination does not know and who stayed pseudonyms."""
        return sum(len(each.unidentified) for each in self._castings.values())

    def outgoing(self, planned: Planned) -> Iterator[Outgoing]:
        """Due statements in the order of their days, each session's in the order in which they were issued."""
        rows = {row["key"]: row for row in planned.plan.due.iter_rows(named=True)}
        for day in planned.statements.get_column("day").unique().sort():
            keys = planned.statements.filter(day=day).select("key", "tenant", "order").sort("order")
            path = self.lake.path(PATH, day)
            frame = pl.read_parquet(path, columns=["statement_id", "statement", "context_2_0"], hive_partitioning=False)
            found = keys.join(frame, left_on="key", right_on="statement_id", how="left", maintain_order="left")
            for key, tenant, _, body, added in found.iter_rows():
                yield planner.frozen(rows[key], self._body(tenant, body, added))

    def _body(self, tenant: str, body: str, added: str | None) -> bytes:
        found = in_version(body.encode(), None if added is None else added.encode(), self.destination.version)
        return self._casting(tenant).cast(found)

    def _casting(self, tenant: str) -> Casting:
        if tenant not in self._castings:
            self._castings[tenant] = Casting(self.destination, tenant, lambda key: self._find(tenant, key))
        return self._castings[tenant]


def _wanted(
    stated: pl.DataFrame, destination: Destination, records: pl.DataFrame, intents: pl.DataFrame
) -> pl.DataFrame:
    """What the destination should have: statements in force, and voidings of what it has or may have."""
    seen = pl.concat([records.select("key"), intents.filter(state="open").select("key")]).unique()
    voided = stated.filter(pl.col("voids").is_not_null()).select(statement_id="voids")
    kinds = destination.kinds or tuple(Kind)
    return (
        stated.lazy()
        .with_row_index("order")
        .join(voided.lazy().with_columns(void=True), on="statement_id", how="left", maintain_order="left")
        .join(seen.lazy().with_columns(has=True), left_on="statement_id", right_on="key", how="left")
        .join(seen.lazy().with_columns(has_voided=True), left_on="voids", right_on="key", how="left")
        .filter(
            (pl.col("voids").is_not_null() & pl.col("has_voided").fill_null(value=False))
            | (
                pl.col("voids").is_null()
                & pl.col("kind").is_in([str(kind) for kind in kinds])
                & (pl.col("void").is_null() | pl.col("has").fill_null(value=False))
            )
        )
        .sort("order")
        .select(
            "tenant",
            "day",
            "kind",
            "order",
            "session_id",
            key="statement_id",
            digest="statement_id",
            source=pl.concat_str("session_id", "kind", "subject", separator=" "),
        )
        .collect()
    )
