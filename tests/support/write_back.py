"""A write-back as the pipeline does it: plan against the ledger, narrow to what changed, deliver."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson
import polars as pl
import pytest
import sqlalchemy as sa
from support.sync import NOW, FakeTime

from governance.state.sync_model import SyncRejectRow
from integrations.crm.base import PersonSink
from integrations.sync import planner
from integrations.sync.base import Answer, Outgoing, SyncError
from integrations.sync.ledger import Ledger
from integrations.sync.machine import Patience
from integrations.sync.sender import Report, deliver

TARGET = "crm/people"
Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Synced:
    """Counts of the plan and what came of it."""

    planned: Mapping[str, int]
    report: Report

    @property
    def stored(self) -> int:
        return self.report.counts.acknowledged

    @property
    def refused(self) -> int:
        return self.report.counts.refused


def desired(wanted: Mapping[str, Fields]) -> pl.DataFrame:
    digests = [sha256(orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)).hexdigest() for fields in wanted.values()]
    sources = [f"learner {key}" for key in wanted]
    return pl.DataFrame({"key": list(wanted), "digest": digests, "tenant": "acme", "source": sources})


def write_back(
    ledger: Ledger, sink: PersonSink, wanted: Mapping[str, Fields], *, again: bool = False, time: FakeTime | None = None
) -> Synced:
    """One sync run; ``again`` sends what was refused for good once more."""
    clock = (time or FakeTime()).clock()
    preflight = sink.preflight()
    rules = planner.Rules(change_cap=1.0, again=again)
    plan = planner.plan(desired(wanted), ledger.records(TARGET), ledger.intents(TARGET), rules, clock.now())
    narrowed = planner.narrow(plan.due, wanted, ledger.remembered(TARGET, plan.due.get_column("key").to_list()))
    with ledger.claim(TARGET, "crm", NOW) as claim:
        report = deliver(
            claim, sink, narrowed.outgoing, planned=len(narrowed.outgoing), limits=preflight.limits,
            patience=Patience(), clock=clock,
        )  # fmt: skip
    return Synced(plan.counts, report)


class Died(BaseException):
    """The process ends here."""


def died_before_acknowledgement(
    ledger: Ledger, sink: PersonSink, wanted: Mapping[str, Fields], patch: pytest.MonkeyPatch
) -> None:
    """A run whose process dies when the second batch is written and nothing of it is noted."""
    apply, calls = sink.apply, 0

    def dying(batch: Sequence[Outgoing]) -> Answer:
        nonlocal calls
        calls += 1
        answer = apply(batch)
        if calls == 2:
            raise Died
        return answer

    patch.setattr(sink, "apply", dying)
    with pytest.raises(Died):
        write_back(ledger, sink, wanted)


def codes(ledger: Ledger) -> dict[str, tuple[str, str]]:
    """Code and reason of every reject, by key."""
    table = SyncRejectRow.__table__
    with ledger.state.reading() as session:
        found = session.execute(sa.select(table.c.key, table.c.code, table.c.reason)).all()
    return {row.key: (row.code, row.reason) for row in found}


def refused_at_preflight(sink: PersonSink) -> str:
    """What a preflight says that finds something wrong."""
    try:
        sink.preflight()
    except SyncError as error:
        return f"{error} {error.remedy}"
    raise AssertionError("nothing was wrong")
