"""What the audit chain keeps of a delivery run, read from the ledger: also of one that was killed and could not say."""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from governance.access.claims import operator_name
from governance.audit.chain import Event, append
from governance.state.models import SyncIntentRow, SyncRecordRow, SyncRunRow

CHUNK = 50_000
KILLED = "its process ended before the run did"
RECORD = SyncRecordRow.__table__.c
INTENT = SyncIntentRow.__table__.c
RUN = SyncRunRow.__table__.c


def close_killed(session: Session, target: str, now: datetime) -> None:
    """Close runs that nobody ends any more, with an event each. Only for the holder of the target's lease or lock."""
    left = sa.select(RUN.run_id, RUN.planned).where(RUN.target == target, RUN.status == "running")
    for run_id, planned in session.execute(left.order_by(RUN.started_at)).all():
        closed = {"status": "failed", "reason": KILLED, "ended_at": now}
        session.execute(sa.update(SyncRunRow).where(RUN.run_id == run_id).values(**closed))
        if planned:
            append(session, list(events(session, target, run_id, "failed", now)))


def events(session: Session, target: str, run_id: str, status: str, now: datetime) -> Iterator[Event]:
    """One event per tenant: counts, and SHA-256 over the lines ``key digest`` of what it confirmed, by key."""
    confirmed: dict[str, tuple[int, Any]] = {}
    query = sa.select(RECORD.tenant, RECORD.key, RECORD.digest).where(RECORD.target == target, RECORD.run_id == run_id)
    for tenant, key, digest in session.execute(query.order_by(RECORD.key).execution_options(yield_per=CHUNK)):
        count, hasher = confirmed.setdefault(tenant, (0, sha256()))
        hasher.update(f"{key} {digest}\n".encode())
        confirmed[tenant] = (count + 1, hasher)
    open_ones = sa.select(INTENT.tenant, INTENT.state, sa.func.count()).where(
        INTENT.target == target, INTENT.run_id == run_id
    )
    waiting: dict[str, dict[str, int]] = {}
    for tenant, state, count in session.execute(open_ones.group_by(INTENT.tenant, INTENT.state)):
        waiting.setdefault(tenant, {})[state] = count
    told = sorted(confirmed.keys() | waiting.keys()) or [None]  # removals alone leave no record behind
    for tenant in told:
        count, hasher = confirmed.get(tenant or "", (0, None))
        facts = {
            "run": run_id, "status": status, "confirmed": count, **waiting.get(tenant or "", {}),
            "sha256": None if hasher is None else hasher.hexdigest(),
        }  # fmt: skip
        once = f"delivery:{run_id}:{tenant or ''}"  # a run that lost its lease may end after it was closed
        yield Event("delivery", operator_name(), target, tenant, facts=facts, once=once, at=now)
