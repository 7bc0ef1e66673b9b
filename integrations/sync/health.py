"""What the ledger says to readers: one row a target and tenant, and the refusals that stand."""

from typing import Any

import polars as pl
import sqlalchemy as sa

from governance.state import State
from governance.state.models import (
    SyncErasureRow,
    SyncIntentRow,
    SyncRecordRow,
    SyncRejectRow,
    SyncRunRow,
    SyncTargetRow,
)

RECORD, INTENT = SyncRecordRow.__table__.c, SyncIntentRow.__table__.c
REJECT, RUN = SyncRejectRow.__table__.c, SyncRunRow.__table__.c
TARGET, ERASURE = SyncTargetRow.__table__.c, SyncErasureRow.__table__.c
TIME = pl.Datetime("us", "UTC")
STATES = {"waiting": "retry", "refused": "refused", "unknown": "open"}


def targets(state: State) -> pl.DataFrame:
    """One row per tenant and target, with the columns of the published table ``sync_health``."""
    confirmed = sa.select(
        RECORD.tenant,
        RECORD.target,
        sa.func.count(),
        _latest(RECORD.acknowledged_at),
    ).group_by(RECORD.tenant, RECORD.target)
    counted = [sa.func.count().filter(INTENT.state == code) for code in STATES.values()]
    pending = sa.select(
        INTENT.tenant, INTENT.target, *counted, sa.func.min(INTENT.first_at, type_=INTENT.first_at.type)
    ).group_by(INTENT.tenant, INTENT.target)
    asked = (
        sa.select(ERASURE.tenant, ERASURE.target, sa.func.count())
        .where(ERASURE.state == "requested")
        .group_by(ERASURE.tenant, ERASURE.target)
    )
    by = ["tenant", "target"]
    records = _frame(state, confirmed, {"acknowledged": pl.Int64, "last_acknowledged_at": TIME}, by)
    intents = _frame(state, pending, dict.fromkeys(STATES, pl.Int64) | {"oldest_waiting_at": TIME}, by)
    erasures = _frame(state, asked, {"erasures_open": pl.Int64}, by)
    joined = records.join(intents, on=by, how="full", coalesce=True).join(erasures, on=by, how="full", coalesce=True)
    counts = pl.col("acknowledged", *STATES, "erasures_open").fill_null(0)
    return joined.with_columns(counts).join(_runs(state), on="target", how="left").sort(by)


def rejects(state: State) -> pl.DataFrame:
    """Refusals of records that are not confirmed since, with the columns of ``sync_rejects``."""
    query = sa.select(
        REJECT.tenant, REJECT.target, REJECT.key, REJECT.source, REJECT.action, REJECT.code, REJECT.reason,
        REJECT.permanent, REJECT.attempt, REJECT.at,
    ).where(REJECT.settled_at.is_(None)).order_by(REJECT.reject_id)  # fmt: skip
    names = ("record_key", "source", "action", "code", "reason")
    columns = dict.fromkeys(names, pl.String) | {"permanent": pl.Boolean, "attempt": pl.Int32, "refused_at": TIME}
    return _frame(state, query, columns, ["tenant", "target"])


def broken_runs(state: State) -> list[str]:
    """Runs that ended and whose counts do not add up, in words; empty where the ledger is sound."""
    query = sa.select(RUN.run_id, RUN.target, RUN.planned, RUN.acknowledged, RUN.refused, RUN.retry, RUN.left).where(
        RUN.ended_at.is_not(None), RUN.planned != RUN.acknowledged + RUN.refused + RUN.retry + RUN.left
    )
    both = sa.select(RECORD.target, sa.func.count()).join(
        SyncIntentRow, sa.and_(INTENT.target == RECORD.target, INTENT.key == RECORD.key, INTENT.digest == RECORD.digest)
    ).group_by(RECORD.target)  # fmt: skip
    with state.reading() as session:
        found = [
            f"{row.target}, run {row.run_id}: planned {row.planned}, acknowledged {row.acknowledged}"
            f" + refused {row.refused} + retry {row.retry} + left {row.left}"
            for row in session.execute(query)
        ]
        found += [f"{target}: {n} records are both confirmed and not" for target, n in session.execute(both)]
    return found


def _runs(state: State) -> pl.DataFrame:
    """The last run of each target, and when one last came to the end of its plan."""
    newest = sa.select(RUN.target, _latest(RUN.started_at).label("at")).group_by(RUN.target)
    last = newest.subquery()
    query = (
        sa.select(TARGET.target, TARGET.kind, TARGET.paused_until, RUN.started_at, RUN.status, RUN.reason)
        .select_from(SyncTargetRow.__table__)
        .outerjoin(last, last.c.target == TARGET.target)
        .outerjoin(SyncRunRow.__table__, sa.and_(RUN.target == TARGET.target, RUN.started_at == last.c.at))
    )
    done = sa.select(RUN.target, _latest(RUN.ended_at)).where(RUN.status == "done").group_by(RUN.target)
    columns = {
        "kind": pl.String, "paused_until": TIME, "last_run_at": TIME, "last_run_status": pl.String,
        "last_run_reason": pl.String,
    }  # fmt: skip
    runs = _frame(state, query, columns, ["target"]).unique("target")
    return runs.join(_frame(state, done, {"last_done_at": TIME}, ["target"]), on="target", how="left")


def _latest(column: Any) -> sa.ColumnElement[Any]:
    return sa.func.max(column, type_=column.type)  # typed, or SQLite gives it back as text


def _frame(state: State, query: Any, columns: dict[str, Any], by: list[str]) -> pl.DataFrame:
    with state.reading() as session:
        rows = [tuple(row) for row in session.execute(query)]
    return pl.DataFrame(rows, schema=dict.fromkeys(by, pl.String) | columns, orient="row")
