"""The engine against a target that misbehaves: whatever it does, each record is settled once and the ledger adds up."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from support.sync import NOW, AllOrNothing, FakeTime, record

from governance.audit.chain import TABLE, rows
from governance.settings import PROJECT
from governance.state import State
from governance.state.models import SyncRunRow
from integrations.sync import planner
from integrations.sync.base import Limits, Outgoing, SyncError, Verdict, Whole
from integrations.sync.ledger import Ledger
from integrations.sync.machine import Patience
from integrations.sync.sender import Report, deliver

TARGET = "lrs"
KEYS = [f"s{n:03d}" for n in range(40)]
RUN = SyncRunRow.__table__.c
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join([str(PROJECT), str(PROJECT / "tests")])}
# Sends the forty in batches of four and dies in the fourth call.
KILLED = """
import os, signal, sys
from support.sync import AllOrNothing, FakeTime, record
from governance.state import State
from integrations.sync.base import Limits
from integrations.sync.ledger import Ledger
from integrations.sync.machine import Patience
from integrations.sync.sender import deliver

target = AllOrNothing(fault=lambda call: os.kill(os.getpid(), signal.SIGKILL) if call == 4 else None)
with Ledger(State.open(sys.argv[1])).claim("lrs", "lrs") as claim:
    outgoing = [record(f"s{n:03d}") for n in range(40)]
    deliver(
        claim, target, outgoing, planned=40, limits=Limits(batch_count=4), patience=Patience(), clock=FakeTime().clock()
    )
"""


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database without rows: copying it costs less than migrating."""
    path = tmp_path_factory.mktemp("empty") / "state.db"
    State.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def ledger(tmp_path: Path, empty: Path) -> Iterator[Ledger]:
    with opened(tmp_path, empty) as found:
        yield found


@contextmanager
def opened(folder: Path, empty: Path) -> Iterator[Ledger]:
    state = State.open(f"sqlite:///{shutil.copy(empty, folder)}")
    yield Ledger(state)
    state.close()


def desired(keys: list[str]) -> pl.DataFrame:
    rows = [record(key) for key in keys]
    return pl.DataFrame(
        {
            "key": [each.key for each in rows],
            "digest": [each.digest for each in rows],
            "tenant": "acme",
            "source": [each.source for each in rows],
        }
    )


def due(ledger: Ledger, keys: list[str], rules: planner.Rules = planner.Rules()) -> list[Outgoing]:  # noqa: B008
    plan = planner.plan(desired(keys), ledger.records(TARGET), ledger.intents(TARGET), rules, NOW)
    return [planner.frozen(row, record(row["key"]).payload) for row in plan.due.iter_rows(named=True)]


def told(ledger: Ledger) -> list[dict[str, Any]]:
    """What the audit chain says of deliveries."""
    with ledger.state.reading() as session:
        return rows(session, TABLE.action == "delivery")


def run(
    ledger: Ledger,
    target: AllOrNothing,
    keys: list[str],
    limits: Limits = Limits(batch_count=16),  # noqa: B008
    patience: Patience = Patience(failure_floor=1_000),  # noqa: B008
    rules: planner.Rules = planner.Rules(),  # noqa: B008
) -> Report:
    outgoing = due(ledger, keys, rules)
    with ledger.claim(TARGET, "lrs") as claim:
        return deliver(
            claim,
            target,
            outgoing,
            planned=len(outgoing),
            limits=limits,
            patience=patience,
            clock=FakeTime().clock(),
        )


def test_everything_arrives_once_and_a_second_run_sends_nothing(ledger: Ledger) -> None:
    target = AllOrNothing()
    report = run(ledger, target, KEYS)
    assert (report.counts.acknowledged, report.stopped) == (40, None)
    calls = target.calls
    assert run(ledger, target, KEYS).counts.planned == 0
    assert target.calls == calls
    assert sorted(ledger.records(TARGET).get_column("key")) == KEYS
    confirmed = "".join(f"{key} {record(key).digest}\n" for key in KEYS)
    (event,) = told(ledger)
    assert (event["object"], event["tenant"]) == (TARGET, "acme")
    assert event["body"] == {
        "run": report.run_id, "status": "done", "confirmed": 40, "sha256": sha256(confirmed.encode()).hexdigest(),
    }  # fmt: skip


def test_the_audit_chain_keeps_what_a_run_could_not_deliver(ledger: Ledger) -> None:
    run(ledger, AllOrNothing(invalid=KEYS[:5]), KEYS)
    (event,) = told(ledger)
    assert (event["body"]["confirmed"], event["body"]["refused"]) == (35, 5)


def test_a_killed_run_is_told_by_the_next_with_what_was_acknowledged(ledger: Ledger) -> None:
    url = ledger.state.engine.url.render_as_string()
    killed = subprocess.run([sys.executable, "-c", KILLED, url], cwd=PROJECT / "tests", check=False, env=ENVIRONMENT)
    assert killed.returncode == -signal.SIGKILL
    assert told(ledger) == [], "nobody was left to say it"
    acknowledged = sorted(ledger.records(TARGET).get_column("key"))
    assert acknowledged == KEYS[:12]
    assert run(ledger, AllOrNothing(), KEYS).counts.acknowledged == 28
    first, second = (event["body"] for event in told(ledger))
    confirmed = "".join(f"{key} {record(key).digest}\n" for key in acknowledged)
    assert (first["status"], first["confirmed"], first["open"]) == ("failed", 12, 4)
    assert first["sha256"] == sha256(confirmed.encode()).hexdigest()
    assert (second["status"], second["confirmed"]) == ("done", 28)
    with ledger.state.reading() as session:
        found = session.execute(select(RUN.status, RUN.reason, RUN.acknowledged).order_by(RUN.started_at)).all()
    assert sorted(map(tuple, found)) == [("done", None, 28), ("failed", "its process ended before the run did", 12)]
    run(ledger, AllOrNothing(), KEYS)
    assert len(told(ledger)) == 2, "it is told once"


def test_a_killed_run_is_told_although_its_target_is_never_delivered_to_again(ledger: Ledger) -> None:
    url = ledger.state.engine.url.render_as_string()
    subprocess.run([sys.executable, "-c", KILLED, url], cwd=PROJECT / "tests", check=False, env=ENVIRONMENT)
    assert ledger.close_killed() == [TARGET]
    (event,) = told(ledger)
    assert (event["body"]["status"], event["body"]["confirmed"]) == ("failed", 12)
    assert ledger.close_killed() == []
    assert len(told(ledger)) == 1


def test_a_run_under_way_is_left_to_its_process(ledger: Ledger) -> None:
    with ledger.claim(TARGET, "test") as claim:
        claim.begin(1, 0, datetime.now(UTC))
        assert ledger.close_killed() == []
        claim.end("done", None, datetime.now(UTC))
    (event,) = told(ledger)
    assert event["body"]["status"] == "done"


def test_a_batch_is_bisected_down_to_its_bad_records(ledger: Ledger) -> None:
    other = {KEYS[7]: b"{}", KEYS[8]: b"{}", KEYS[30]: b"{}"}
    target = AllOrNothing(invalid=[KEYS[0], KEYS[39]], stored=other)
    report = run(ledger, target, KEYS, Limits(batch_count=200))
    assert (report.counts.acknowledged, report.counts.refused) == (35, 5)
    refused = ledger.intents(TARGET)
    assert dict(refused.group_by("state").len().iter_rows()) == {"refused": 5}


def test_a_refused_record_waits_for_another_content_or_for_a_repeat(ledger: Ledger) -> None:
    target = AllOrNothing(invalid=[KEYS[3]])
    run(ledger, target, KEYS)
    assert due(ledger, KEYS) == []
    target.invalid.clear()
    again = planner.Rules(again=True)
    assert [each.key for each in due(ledger, KEYS, again)] == [KEYS[3]]
    assert run(ledger, target, KEYS, rules=again).counts.acknowledged == 1
    assert ledger.intents(TARGET).is_empty()


def test_a_lost_answer_is_read_back_before_anything_is_sent_again(ledger: Ledger) -> None:
    target = AllOrNothing(fault=lambda call: "lost" if call == 1 else None)
    report = run(ledger, target, KEYS, Limits(batch_count=40))
    assert (report.counts.acknowledged, target.calls) == (40, 1)


def test_one_record_that_breaks_the_target_does_not_hold_up_the_others(ledger: Ledger) -> None:
    target = AllOrNothing(poison=[KEYS[0]])
    report = run(ledger, target, KEYS, Limits(batch_count=40))
    assert (report.counts.acknowledged, report.counts.retry, report.stopped) == (39, 1, None)


def test_too_large_batches_are_split(ledger: Ledger) -> None:
    report = run(ledger, AllOrNothing(most=3), KEYS)
    assert report.counts.acknowledged == 40


def test_wrong_credentials_stop_the_run_and_blame_no_record(ledger: Ledger) -> None:
    denied = Whole(Verdict.DENIED, "401", "who are you")
    report = run(ledger, AllOrNothing(fault=lambda _: denied), KEYS)
    assert report.stopped is not None
    assert "401" in report.stopped
    assert (report.counts.left, report.counts.refused) == (40, 0)
    assert run(ledger, AllOrNothing(), KEYS).counts.acknowledged == 40


def test_a_dead_target_ends_the_run_after_some_tries(ledger: Ledger) -> None:
    lost = Whole(Verdict.UNKNOWN, "no answer", "timed out")
    target = AllOrNothing(fault=lambda _: lost)
    target.mute = True
    report = run(ledger, target, KEYS)
    assert report.stopped is not None or report.counts.left == 40
    assert run(ledger, AllOrNothing(), KEYS, rules=planner.Rules()).counts.refused == 0


def test_a_long_retry_after_pauses_the_target(ledger: Ledger) -> None:
    asked = Whole(Verdict.THROTTLED, "429", "slow down", retry_after_s=3_600)
    report = run(ledger, AllOrNothing(fault=lambda _: asked), KEYS)
    assert report.stopped is not None
    paused = ledger.paused(TARGET, NOW)
    assert paused is not None
    assert (paused[0] - NOW).total_seconds() == 3_600


def test_the_daily_budget_is_kept_over_runs(ledger: Ledger) -> None:
    target, limits = AllOrNothing(), Limits(batch_count=16, records_a_day=20)
    assert run(ledger, target, KEYS, limits).counts.acknowledged == 20
    second = run(ledger, target, KEYS, limits)
    assert (second.counts.acknowledged, len(target.stored)) == (0, 20)
    assert second.stopped is not None
    assert "tomorrow" in second.stopped


def test_a_source_that_is_wrong_all_over_stops_the_run(ledger: Ledger) -> None:
    report = run(ledger, AllOrNothing(invalid=KEYS), KEYS, patience=Patience(failure_floor=10))
    assert report.stopped is not None
    assert "more than 20%" in report.stopped
    assert report.counts.refused < 40


def test_two_processes_do_not_deliver_at_once(ledger: Ledger) -> None:
    with (
        ledger.claim(TARGET, "lrs"),
        pytest.raises(SyncError, match="being delivered to by another process"),
        ledger.claim(TARGET, "lrs"),
    ):
        pass


def test_whoever_lost_the_lease_writes_nothing(ledger: Ledger) -> None:
    with ledger.claim(TARGET, "lrs") as claim:
        claim.begin(1, 0, NOW)
        with ledger.state.session() as session:
            session.connection().exec_driver_sql("update sync_targets set lease = 'another'")
        with pytest.raises(SyncError, match="taken over"):
            claim.write(NOW, intents=[record("a")])
    assert ledger.intents(TARGET).is_empty()


FAULTS = st.sampled_from(
    [
        None,
        None,
        "lost",
        Whole(Verdict.UNKNOWN, "503", "busy"),
        Whole(Verdict.THROTTLED, "429", "slow", 1.0),
        Whole(Verdict.UNSENT, "no answer", "refused"),
        Whole(Verdict.DENIED, "403", "no"),
    ]
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    faults=st.lists(FAULTS, max_size=30),
    invalid=st.sets(st.sampled_from(KEYS), max_size=4),
    other=st.sets(st.sampled_from(KEYS), max_size=4),
    poison=st.sets(st.sampled_from(KEYS), max_size=2),
    count=st.integers(1, 50),
)
def test_whatever_the_target_does_each_record_arrives_once_or_has_a_reason(
    tmp_path_factory: pytest.TempPathFactory,
    empty: Path,
    faults: list[Whole | str | None],
    invalid: set[str],
    other: set[str],
    poison: set[str],
    count: int,
) -> None:
    plan = dict(enumerate(faults, 1))
    target = AllOrNothing(
        invalid=sorted(invalid), poison=sorted(poison), stored=dict.fromkeys(other, b"{}"), fault=plan.get
    )
    with opened(tmp_path_factory.mktemp("state"), empty) as ledger:
        for _ in range(12):
            report = run(ledger, target, KEYS, Limits(batch_count=count))
            counts = report.counts
            assert counts.planned == counts.acknowledged + counts.refused + counts.retry + counts.left
            assert counts.left == 0 or report.stopped is not None
        acknowledged = set(ledger.records(TARGET).get_column("key"))
        intents = ledger.intents(TARGET)
    assert all(times == 1 for times in target.writes.values())
    assert acknowledged == set(KEYS) - invalid - other - poison
    assert acknowledged == set(target.stored) - other
    assert set(intents.get_column("key")) == set(KEYS) - acknowledged
    assert set(intents.filter(state="refused").get_column("key")) >= (invalid | other) - poison
