"""Readiness on its way to CRMs: what each person's record should hold, against what the CRM has acknowledged.

People are found by their account, e-mail or learner id; one without it is counted, never guessed. Records are updated
and never made. What was refused is tried again with every run, since its cause may be mended by then.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from assets.exports.readiness import people, spelt
from assets.exports.restricted import without_people
from governance.catalog import Catalog
from governance.identities import Identities
from integrations.crm.base import PersonSink, Unseen, differing
from integrations.crm.config import CrmConnector, Writing
from integrations.crm.systems import open_connector
from integrations.sync import planner
from integrations.sync.base import Outgoing, SyncError
from integrations.sync.batching import batches
from integrations.sync.ledger import Ledger
from integrations.sync.machine import Patience
from integrations.sync.planner import Narrowed, Plan, Rules
from integrations.sync.sender import Progress, Report, deliver

LEFT_OUT = pl.col("address").is_null()


@dataclass(frozen=True)
class Planned:
    """``wanted`` has a row per addressed person with their values; ``unaddressed`` people have none at this CRM."""

    plan: Plan
    wanted: pl.DataFrame
    addresses: Mapping[str, str]
    unaddressed: int


@dataclass(frozen=True)
class Sighted:
    """What a dry run saw at the CRM of the records that are due: counts that add up to them."""

    would_change: int
    same_already: int
    no_record: int


@dataclass(frozen=True)
class Written:
    """What one CRM took; ``report`` is None where nothing was due."""

    name: str
    planned: Planned
    report: Report | None


class Desk:
    """One home's people on their way to CRMs."""

    def __init__(self, marts: Path, catalog: Catalog, ledger: Ledger, identities: Identities) -> None:
        self.marts, self.catalog, self.ledger, self.identities = marts, catalog, ledger, identities

    def plan(self, connector: CrmConnector, now: datetime, *, force: bool = False) -> Planned:
        """What is due, without a word to the CRM. ``force`` lifts the cap on changes.

        Raises:
            SyncError: nothing is published for the tenant, or the connector writes nothing.
        """
        writing = _writing(connector)
        found = people(self.marts, connector.tenant, self.catalog, writing)
        if found is None:
            raise SyncError(f"nothing is published for {connector.tenant}", "Run `rolecall run` first")
        return self._planned(connector, writing, without_people(found, self.identities.state), now, force)

    def _planned(
        self, connector: CrmConnector, writing: Writing, found: pl.DataFrame, now: datetime, force: bool
    ) -> Planned:
        addresses = self.identities.addresses(connector.tenant, writing.match, connector.name)
        known = pl.DataFrame(
            {"learner_key": list(addresses), "address": list(addresses.values())},
            schema={"learner_key": pl.String, "address": pl.String},
        )
        joined = found.join(known, on="learner_key", how="left")
        wanted = joined.filter(~LEFT_OUT)
        desired = pl.DataFrame(
            {
                "key": wanted["learner_key"],
                "digest": planner.digests(wanted, list(writing.fields.values())),
                "tenant": pl.repeat(connector.tenant, wanted.height, eager=True),
                "source": wanted["learner_key"],
            }
        )
        target = _target(connector)
        rules = Rules(writing.removed, 1.0 if force else writing.change_cap, again=True)
        known_there = without_people(self.ledger.records(target), self.identities.state, "key")  # nor removed
        plan = planner.plan(desired, known_there, self.ledger.intents(target), rules, now)
        return Planned(plan, wanted, addresses, joined.height - wanted.height)

    def look(self, connector: CrmConnector, planned: Planned) -> Sighted:
        """Ask the CRM for every record that is due; nothing is written.

        Raises:
            SyncError: the CRM cannot be written to as configured, or does not answer.
        """
        with _Opened(connector, planned.addresses) as sink:
            sink.preflight()
            counts = {"would_change": 0, "same_already": 0, "no_record": 0}
            due = self._narrowed(connector, planned).outgoing
            for batch in batches(due, lambda each: len(each.payload), sink.limits().batch_count, None):
                for kind in _seen(sink, batch):
                    counts[kind] += 1
        return Sighted(**counts)

    def write(
        self,
        connector: CrmConnector,
        now: Callable[[], datetime],
        progress: Progress | None = None,
        *,
        force: bool = False,
    ) -> Written:
        """Plan and write, one CRM.

        Raises:
            SyncError: it cannot be written to, would change more than the cap, or another process writes to it.
        """
        target = _target(connector)
        paused = self.ledger.paused(target, now())
        if paused is not None:
            raise SyncError(f"{target} asked to be left alone until {paused[0]:%Y-%m-%d %H:%M} UTC: {paused[1]}")
        with self.ledger.claim(target, "crm") as claim:
            planned = self.plan(connector, now(), force=force)
            if planned.plan.stopped is not None:
                raise SyncError(f"{target}: {planned.plan.stopped}")
            narrowed = self._narrowed(connector, planned)
            claim.remember_same(narrowed.same, now())
            if not narrowed.outgoing:
                return Written(connector.name, planned, None)
            with _Opened(connector, planned.addresses) as sink:
                report = deliver(
                    claim,
                    sink,
                    narrowed.outgoing,
                    planned=len(narrowed.outgoing),
                    unchanged=planned.plan.counts["unchanged"] + len(narrowed.same),
                    limits=sink.preflight().limits,
                    patience=Patience(failure_share=_writing(connector).failure_cap),
                    progress=progress,
                )
        return Written(connector.name, planned, report)

    def _narrowed(self, connector: CrmConnector, planned: Planned) -> Narrowed:
        """Each due record with the fields that differ from what was acknowledged."""
        due = planned.plan.due.filter(pl.col("key").is_in(list(planned.addresses)))  # one who lost it is left alone
        names = list(_writing(connector).fields.values())
        rows = planned.wanted.join(due.select(learner_key="key"), on="learner_key", how="semi")
        wanted = {row["learner_key"]: {name: spelt(row[name]) for name in names} for row in rows.iter_rows(named=True)}
        return planner.narrow(due, wanted, self.ledger.remembered(_target(connector), due["key"].to_list()))


class _Opened:
    """A connector's sink, its connections given back at the end."""

    def __init__(self, connector: CrmConnector, addresses: Mapping[str, str]) -> None:
        self._connector, self._addresses = connector, addresses

    def __enter__(self) -> PersonSink:
        self._source = open_connector(self._connector)
        return self._source.sink(_writing(self._connector), self._addresses)

    def __exit__(self, *_: object) -> None:
        self._source.close()


def _seen(sink: PersonSink, batch: list[Outgoing]) -> list[str]:
    try:
        found = sink.look(batch)
    except Unseen as why:
        raise SyncError(f"the CRM cannot be read: {why.code}: {why}", "Check the connector, then try again") from why
    return [
        "no_record" if seen is None else "would_change" if differing(sink.values(each), seen.values) else "same_already"
        for each, seen in zip(batch, found, strict=True)
    ]


def _target(connector: CrmConnector) -> str:
    return f"{connector.name}/people"


def _writing(connector: CrmConnector) -> Writing:
    if connector.write is None:
        raise SyncError(f"connector {connector.name} writes nothing", "Add `write` to its file; see docs/crm.md")
    return connector.write
