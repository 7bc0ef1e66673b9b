"""The ledger in the state database: leases, intents before the call, acknowledgements after it, rejects with reasons.

``Ledger`` reads; ``Claim`` writes for the one process that holds a target's lease. Each of its transactions renews
the lease, and fails where somebody else has taken it meanwhile.
"""

import os
import secrets
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy.orm import Session

from governance.audit.chain import append
from governance.names import storable
from governance.state import State
from governance.state.bulk import add_up, among, insert_missing, upsert
from governance.state.locks import lock
from governance.state.models import (
    SyncBudgetRow,
    SyncCallRow,
    SyncIntentRow,
    SyncRecordRow,
    SyncRejectRow,
    SyncRunRow,
    SyncTargetRow,
)
from integrations.sync import evidence, planner
from integrations.sync.base import Action, Fate, Outgoing, SyncError
from integrations.sync.machine import Settled

LEASE = timedelta(seconds=180)  # longer than any single call
LONGEST_REASON = 1_000
_OURS: set[str] = set()  # leases that this process holds
CHUNK = 50_000
TARGET = SyncTargetRow.__table__.c
RECORD = SyncRecordRow.__table__.c
INTENT = SyncIntentRow.__table__.c
REJECT = SyncRejectRow.__table__.c
RUN = SyncRunRow.__table__.c
BUDGET = SyncBudgetRow.__table__.c


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it is noted."""

    step: str
    records: int
    verdict: str
    code: str
    reason: str
    at: datetime
    seconds: float


@dataclass(frozen=True, slots=True)
class Counts:
    """What a run did so far; ``left`` is what it planned and did not settle."""

    planned: int = 0
    acknowledged: int = 0
    refused: int = 0
    retry: int = 0
    unchanged: int = 0
    calls: int = 0

    @property
    def left(self) -> int:
        """Records of the plan that the run did not come to or could not decide."""
        return self.planned - self.acknowledged - self.refused - self.retry


class Ledger:
    """Reading, and claiming a target."""

    def __init__(self, state: State) -> None:
        self.state = state

    def records(self, target: str, tenant: str | None = None) -> pl.DataFrame:
        """What the target acknowledged (``planner.RECORDS``), read in bulk."""
        query = sa.select(*(RECORD[name] for name in planner.RECORDS)).where(RECORD.target == target)
        return self._frame(query if tenant is None else query.where(RECORD.tenant == tenant), planner.RECORDS)

    def intents(self, target: str, tenant: str | None = None) -> pl.DataFrame:
        """What was sent or refused and is not acknowledged (``planner.INTENTS``)."""
        query = sa.select(*(INTENT[name] for name in planner.INTENTS)).where(INTENT.target == target)
        return self._frame(query if tenant is None else query.where(INTENT.tenant == tenant), planner.INTENTS)

    def remembered(self, target: str, keys: Iterable[str]) -> dict[str, bytes]:
        """The acknowledged fields of records, as JSON."""
        with self.state.reading() as session:
            query = sa.select(RECORD.key, RECORD.payload).where(
                RECORD.target == target, RECORD.payload.is_not(None), among(session, RECORD.key, keys)
            )
            return {key: payload.encode() for key, payload in session.execute(query)}

    def paused(self, target: str, now: datetime) -> tuple[datetime, str] | None:
        """Until when the target asked to be left alone, and why."""
        with self.state.reading() as session:
            row = session.execute(
                sa.select(TARGET.paused_until, TARGET.pause_reason).where(TARGET.target == target)
            ).one_or_none()
        if row is None or row.paused_until is None or row.paused_until <= now:
            return None
        return row.paused_until, row.pause_reason or ""

    @contextmanager
    def claim(self, target: str, kind: str, now: datetime | None = None) -> Iterator["Claim"]:
        """Hold the target's lease for the block.

        Raises:
            SyncError: another process delivers to it.
        """
        token, holder = secrets.token_hex(8), f"{socket.gethostname()}:{os.getpid()}"
        self._take(target, kind, token, holder, now or datetime.now(UTC))
        _OURS.add(token)
        try:
            yield Claim(self.state, target, token)
        finally:
            _OURS.discard(token)
            with self.state.session() as session:
                session.execute(
                    sa.update(SyncTargetRow)
                    .where(TARGET.target == target, TARGET.lease == token)
                    .values(lease=None, holder=None, lease_until=None)
                )

    def _take(self, target: str, kind: str, token: str, holder: str, now: datetime) -> None:
        with self.state.session() as session:
            lock(session.connection(), f"sync/{target}")
            insert_missing(session, SyncTargetRow, [_fresh_target(target, kind)])
            row = session.execute(
                sa.select(TARGET.holder, TARGET.lease, TARGET.lease_until).where(TARGET.target == target)
            ).one()
            if row.lease_until is not None and row.lease_until > now and not _dead(row.holder, row.lease):
                raise SyncError(
                    f"{target} is being delivered to by another process ({row.holder})",
                    "Wait until it ends: both would send the same",
                )
            session.execute(
                sa.update(SyncTargetRow)
                .where(TARGET.target == target)
                .values(kind=kind, lease=token, holder=holder, lease_until=now + LEASE)
            )

    def _frame(self, query: sa.Select[Any], schema: dict[str, Any]) -> pl.DataFrame:
        parts = [pl.DataFrame(schema=schema)]
        with self.state.reading() as session:
            found = session.execute(query.execution_options(yield_per=CHUNK))
            for some in found.partitions(CHUNK):
                parts.append(pl.DataFrame([tuple(row) for row in some], schema=schema, orient="row"))
        return pl.concat(parts)


class Claim:
    """The writer of one target. A run is opened, written batch by batch, and ended."""

    def __init__(self, state: State, target: str, token: str) -> None:
        self.state, self.target, self._token = state, target, token
        self.run_id = ""
        self.counts = Counts()

    def begin(self, planned: int, unchanged: int, now: datetime) -> str:
        """Open a run; one of the target that a killed process left open is closed first."""
        self.run_id = f"s_{secrets.token_hex(10)}"
        self.counts = Counts(planned=planned, unchanged=unchanged)
        with self._writing(now) as session:
            evidence.close_killed(session, self.target, now)
            session.execute(
                sa.insert(SyncRunRow),
                [
                    {
                        "run_id": self.run_id,
                        "target": self.target,
                        "started_at": now,
                        "status": "running",
                        "calls": 0,
                        "left": planned,
                        "planned": planned,
                        "unchanged": unchanged,
                        "acknowledged": 0,
                        "refused": 0,
                        "retry": 0,
                    }
                ],
            )
        return self.run_id

    def write(
        self,
        now: datetime,
        *,
        intents: Sequence[Outgoing] = (),
        settled: Sequence[Settled] = (),
        calls: Sequence[Call] = (),
    ) -> None:
        """One transaction: what the last call settled, and what the next one is about to send."""
        with self._writing(now) as session:
            self._settle(session, settled, now)
            self._intend(session, intents, now)
            self._note(session, settled, calls, now)

    def remember_same(self, records: Sequence[Outgoing], now: datetime) -> None:
        """Records that need no call after all: their digest is what the target has in effect."""
        with self._writing(now) as session:
            for each in records:
                session.execute(
                    sa.update(SyncRecordRow)
                    .where(RECORD.target == self.target, RECORD.key == each.key)
                    .values(digest=each.digest)
                )

    def lose(self, records: Sequence[Outgoing], reason: str, now: datetime) -> None:
        """Acknowledged records that the target no longer has: the next plan sends them again."""
        lost = [Settled(each, Fate.RETRY, "lost", reason, next_try_s=0.0) for each in records]
        with self._writing(now) as session:
            keys = among(session, RECORD.key, [each.key for each in records])
            session.execute(sa.delete(SyncRecordRow).where(RECORD.target == self.target, keys))
            self._reject(session, lost, now)

    def renew(self, now: datetime) -> None:
        """Keep the lease while waiting."""
        with self._writing(now):
            pass

    def pause(self, until: datetime, reason: str, now: datetime) -> None:
        """Leave the target alone until then, in later runs too."""
        with self._writing(now) as session:
            session.execute(
                sa.update(SyncTargetRow)
                .where(TARGET.target == self.target)
                .values(paused_until=until, pause_reason=reason)
            )

    def end(self, status: str, reason: str | None, now: datetime) -> None:
        """Close the run: ``done``, ``stopped`` or ``failed``; the audit chain keeps what it did."""
        with self.state.session() as session:
            session.execute(
                sa.update(SyncRunRow)
                .where(RUN.run_id == self.run_id)
                .values(status=status, reason=reason, ended_at=now, **self._figures())
            )
            append(
                session,
                list(evidence.events(session, self.target, self.run_id, status, now)) if self.counts.planned else [],
            )

    def spent(self, now: datetime) -> tuple[int, int]:
        """Calls and records of the UTC day so far."""
        with self.state.reading() as session:
            row = session.execute(
                sa.select(BUDGET.calls, BUDGET.records).where(
                    BUDGET.target == self.target, BUDGET.day == now.astimezone(UTC).date()
                )
            ).one_or_none()
        return (0, 0) if row is None else (row.calls, row.records)

    @contextmanager
    def _writing(self, now: datetime) -> Iterator[Session]:
        with self.state.session() as session:
            held = session.execute(
                sa.update(SyncTargetRow)
                .where(TARGET.target == self.target, TARGET.lease == self._token)
                .values(lease_until=now + LEASE)
            )
            if held.rowcount != 1:  # pyright: ignore[reportAttributeAccessIssue]
                raise SyncError(f"another process has taken over {self.target}", "Nothing is lost; it goes on there")
            yield session

    def _settle(self, session: Session, settled: Sequence[Settled], now: datetime) -> None:
        stored = [each for each in settled if each.fate is Fate.STORED]
        upsert(session, SyncRecordRow, [self._record(e, now) for e in stored if e.record.action is not Action.REMOVE])
        gone = [each.record.key for each in stored if each.record.action is Action.REMOVE]
        if gone:
            session.execute(
                sa.delete(SyncRecordRow).where(RECORD.target == self.target, among(session, RECORD.key, gone))
            )
        if stored:
            keys = [each.record.key for each in stored]
            session.execute(
                sa.delete(SyncIntentRow).where(INTENT.target == self.target, among(session, INTENT.key, keys))
            )
        again = [each.record.key for each in stored if each.record.attempt]
        if again:
            session.execute(
                sa.update(SyncRejectRow)
                .where(REJECT.target == self.target, REJECT.settled_at.is_(None), among(session, REJECT.key, again))
                .values(settled_at=now)
                .execution_options(synchronize_session=False)
            )
        self._reject(session, [each for each in settled if each.fate is not Fate.STORED], now)

    def _reject(self, session: Session, refused: Sequence[Settled], now: datetime) -> None:
        if not refused:
            return
        states = {Fate.REFUSED: "refused", Fate.RETRY: "retry", Fate.UNKNOWN: "open"}
        rows = []
        for each in refused:
            wait = None if each.next_try_s is None else now + timedelta(seconds=each.next_try_s)
            rows.append(
                self._intent(each.record, now)
                | {
                    "state": states[each.fate],
                    "attempts": each.record.attempt + 1,
                    "next_try_at": wait,
                    "code": each.code,
                    "reason": _short(each.reason),
                }
            )
        changing = ("state", "attempts", "next_try_at", "code", "reason", "last_at", "run_id")
        upsert(session, SyncIntentRow, rows, replace=changing)
        session.connection().execute(
            sa.insert(SyncRejectRow.__table__),  # type: ignore[arg-type]
            [self._reject_row(each, now) for each in refused],
        )

    def _intend(self, session: Session, intents: Sequence[Outgoing], now: datetime) -> None:
        changing = (
            "action", "digest", "idempotency_key", "payload_sha256", "state", "last_at", "run_id", "source",
            "next_try_at", "tenant",
        )  # fmt: skip
        upsert(session, SyncIntentRow, [self._intent(each, now) for each in intents], replace=changing)

    def _note(self, session: Session, settled: Sequence[Settled], calls: Sequence[Call], now: datetime) -> None:
        fates = [each.fate for each in settled]
        self.counts = replace(
            self.counts,
            acknowledged=self.counts.acknowledged + fates.count(Fate.STORED),
            refused=self.counts.refused + fates.count(Fate.REFUSED),
            retry=self.counts.retry + fates.count(Fate.RETRY),
            calls=self.counts.calls + len(calls),
        )
        session.execute(sa.update(SyncRunRow).where(RUN.run_id == self.run_id).values(**self._figures()))
        if not calls:
            return
        rows = [
            {
                "run_id": self.run_id,
                "target": self.target,
                "step": each.step,
                "records": each.records,
                "verdict": each.verdict,
                "code": each.code,
                "reason": _short(each.reason),
                "at": each.at,
                "seconds": each.seconds,
            }
            for each in calls
        ]
        session.connection().execute(sa.insert(SyncCallRow.__table__), rows)  # type: ignore[arg-type]
        day = now.astimezone(UTC).date()
        sent = sum(each.records for each in calls if each.step == "send")
        spent = {"target": self.target, "day": day, "calls": len(calls), "records": sent}
        add_up(session, SyncBudgetRow, [spent], "calls", "records")

    def _figures(self) -> dict[str, int]:
        c = self.counts
        return {
            "acknowledged": c.acknowledged,
            "refused": c.refused,
            "retry": c.retry,
            "left": c.left,
            "calls": c.calls,
        }

    def _record(self, each: Settled, now: datetime) -> dict[str, Any]:
        record = each.record
        return {
            "target": self.target,
            "key": record.key,
            "tenant": record.tenant,
            "digest": record.digest,
            "payload": None if record.becomes is None else record.becomes.decode(),
            "remote_id": each.remote_id if each.remote_id is not None else record.remote_id,
            "remote_version": each.remote_version if each.remote_version is not None else record.remote_version,
            "acknowledged_at": now,
            "run_id": self.run_id,
        }

    def _intent(self, record: Outgoing, now: datetime) -> dict[str, Any]:
        return {
            "target": self.target,
            "key": record.key,
            "tenant": record.tenant,
            "source": record.source,
            "action": record.action.value,
            "digest": record.digest,
            "idempotency_key": record.idempotency_key(self.target),
            "payload_sha256": sha256(record.payload).hexdigest(),
            "state": "open",
            "attempts": record.attempt,
            "next_try_at": None,
            "code": None,
            "reason": None,
            "first_at": now,
            "last_at": now,
            "run_id": self.run_id,
        }

    def _reject_row(self, each: Settled, now: datetime) -> dict[str, Any]:
        record = each.record
        return {
            "run_id": self.run_id,
            "target": self.target,
            "key": record.key,
            "tenant": record.tenant,
            "source": record.source,
            "action": record.action.value,
            "digest": record.digest,
            "code": each.code,
            "reason": _short(each.reason),
            "permanent": each.fate is Fate.REFUSED,
            "attempt": record.attempt + 1,
            "at": now,
            "settled_at": None,
        }


def _fresh_target(target: str, kind: str) -> dict[str, Any]:
    empty = ("holder", "lease", "lease_until", "paused_until", "pause_reason")
    return {"target": target, "kind": kind} | dict.fromkeys(empty)


def _dead(holder: str | None, lease: str | None) -> bool:
    """Whether the holder was a process of this machine that is gone: a killed run need not wait for its lease.

    A container that starts again has the same name and the same number, yet not the same leases.
    """
    host, _, pid = (holder or "").rpartition(":")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    if int(pid) == os.getpid():
        return lease not in _OURS
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _short(reason: str) -> str:
    return storable(reason)[:LONGEST_REASON]
