"""The ledger in the state database: what each target acknowledged, what is on its way, and who may write to it.

``Ledger`` reads; whoever claims a target becomes its one writer (``integrations.sync.claim``).
"""

import os
import secrets
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy.orm import Session

from governance.state import State
from governance.state.bulk import among, insert_missing
from governance.state.locks import lock
from governance.state.models import SyncIntentRow, SyncRecordRow, SyncRunRow, SyncTargetRow
from integrations.sync import evidence, planner
from integrations.sync.base import SyncError
from integrations.sync.claim import LEASE, Claim

_OURS: set[str] = set()  # leases that this process holds
CHUNK = 50_000
TARGET = SyncTargetRow.__table__.c
RECORD = SyncRecordRow.__table__.c
INTENT = SyncIntentRow.__table__.c
RUN = SyncRunRow.__table__.c


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

    def close_killed(self, now: datetime | None = None) -> list[str]:
        """Close the runs of every target whose process was killed, with an event each; the targets.

        A target that is delivered to again closes its own; one that never is would leave its event out of the chain.
        """
        at, closed = now or datetime.now(UTC), []
        with self.state.reading() as session:
            left = session.scalars(sa.select(RUN.target).where(RUN.status == "running").distinct()).all()
        for target in sorted(left):
            with self.state.session() as session:
                lock(session.connection(), f"sync/{target}")
                if _holder(session, target, at) is None:
                    evidence.close_killed(session, target, at)
                    closed.append(target)
        return closed

    def _take(self, target: str, kind: str, token: str, holder: str, now: datetime) -> None:
        with self.state.session() as session:
            lock(session.connection(), f"sync/{target}")
            insert_missing(session, SyncTargetRow, [_fresh_target(target, kind)])
            other = _holder(session, target, now)
            if other is not None:
                raise SyncError(
                    f"{target} is being delivered to by another process ({other})",
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


def _fresh_target(target: str, kind: str) -> dict[str, Any]:
    empty = ("holder", "lease", "lease_until", "paused_until", "pause_reason")
    return {"target": target, "kind": kind} | dict.fromkeys(empty)


def _holder(session: Session, target: str, now: datetime) -> str | None:
    """Who holds the target's lease, as ``host:pid``; None where nobody does, or only a process that is gone."""
    row = session.execute(
        sa.select(TARGET.holder, TARGET.lease, TARGET.lease_until).where(TARGET.target == target)
    ).one()
    held = row.lease_until is not None and row.lease_until > now and not _dead(row.holder, row.lease)
    return row.holder if held else None


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
