"""The writer of one target: intents before a call, acknowledgements and rejects after it, in one transaction each.

Each transaction renews the lease, and fails where somebody else has taken it meanwhile.
"""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from governance.audit.chain import append
from governance.names import storable
from governance.state import State
from governance.state.bulk import add_up, among, upsert
from governance.state.models import (
    SyncBudgetRow,
    SyncCallRow,
    SyncIntentRow,
    SyncRecordRow,
    SyncRejectRow,
    SyncRunRow,
    SyncTargetRow,
)
from integrations.sync import evidence
from integrations.sync.base import Action, Fate, Outgoing, SyncError
from integrations.sync.machine import Settled

LEASE = timedelta(seconds=180)  # longer than any single call
LONGEST_REASON = 1_000
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


def _short(reason: str) -> str:
    return storable(reason)[:LONGEST_REASON]
