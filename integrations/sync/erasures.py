"""Requests for hard deletion at targets: asked for when a learner is erased, confirmed when an operator has done it."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import sqlalchemy as sa

from governance.state import State
from governance.state.bulk import among, insert_missing
from governance.state.models import SyncErasureRow, SyncIntentRow, SyncRecordRow
from integrations.sync.base import SyncError

RECORD, INTENT = SyncRecordRow.__table__.c, SyncIntentRow.__table__.c
ERASURE = SyncErasureRow.__table__.c


class Erasures:
    """The register of one installation."""

    def __init__(self, state: State) -> None:
        self.state = state

    def holding(self, keys: Iterable[str]) -> dict[str, set[str]]:
        """Which of the records each target has, or may have since it never answered."""
        wanted = list(keys)
        held: dict[str, set[str]] = {}
        with self.state.reading() as session:
            has = sa.select(RECORD.target, RECORD.key).where(among(session, RECORD.key, wanted))
            may = sa.select(INTENT.target, INTENT.key).where(INTENT.state == "open", among(session, INTENT.key, wanted))
            for target, key in session.execute(has.union(may)):
                held.setdefault(target, set()).add(key)
        return dict(sorted(held.items()))

    def request(self, tenant: str, learner_key: str, held: Mapping[str, int], *, reason: str, now: datetime) -> None:
        """Ask targets for the hard deletion of what they hold about a learner: how many records each has."""
        rows = [
            {
                "target": target,
                "tenant": tenant,
                "learner_key": learner_key,
                "records": records,
                "state": "requested",
                "reason": reason,
                "requested_at": now,
                "confirmed_at": None,
            }
            for target, records in held.items()
        ]
        with self.state.session() as session:
            insert_missing(session, SyncErasureRow, rows)

    def confirm(self, target: str, tenant: str, learner_key: str, now: datetime) -> None:
        """Note that the target's operator has deleted the records.

        Raises:
            SyncError: nothing was asked of it.
        """
        with self.state.session() as session:
            done = session.execute(
                sa.update(SyncErasureRow)
                .where(ERASURE.target == target, ERASURE.tenant == tenant, ERASURE.learner_key == learner_key)
                .values(state="confirmed", confirmed_at=now)
            )
            if done.rowcount != 1:  # pyright: ignore[reportAttributeAccessIssue]
                raise SyncError(f"no hard deletion of {learner_key} was asked of {target}", "Check target and learner")

    def open(self, tenant: str) -> list[tuple[str, str, int, datetime]]:
        """Requests that wait: target, learner key, records, since when."""
        query = (
            sa.select(ERASURE.target, ERASURE.learner_key, ERASURE.records, ERASURE.requested_at)
            .where(ERASURE.tenant == tenant, ERASURE.state == "requested")
            .order_by(ERASURE.requested_at, ERASURE.target)
        )
        with self.state.reading() as session:
            return [tuple(row) for row in session.execute(query)]
