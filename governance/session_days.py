"""Which day's partition holds a session's raw deliveries.

The day follows from the session's deliveries, so it may move when an earlier one arrives late; the
partition that held the session must then be rebuilt as well.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from governance.state import State
from governance.state.bulk import among, upsert
from governance.state.locks import lock
from governance.state.models import SessionDayRow

TABLE = SessionDayRow.__table__.c


@dataclass(frozen=True, slots=True)
class Move:
    """A session whose evidence now says another day."""

    session_id: str
    before: date
    after: date


class SessionDays:
    """The days of all sessions that have raw deliveries."""

    def __init__(self, state: State) -> None:
        self.state = state

    def days(self, tenant: str, session_ids: Iterable[str]) -> dict[str, date]:
        """The day of each session that has one."""
        with self.state.reading() as session:
            return _days(session, tenant, session_ids)

    def place(self, tenant: str, days: Mapping[str, date]) -> list[Move]:
        """Remember days and return the sessions that moved, sorted by session."""
        with self.state.session() as session:
            lock(session.connection(), "session_days")
            before = _days(session, tenant, days)
            rows = [
                {"tenant": tenant, "session_id": session_id, "day": day}
                for session_id, day in sorted(days.items())
                if before.get(session_id) != day
            ]
            upsert(session, SessionDayRow, rows)
        return [
            Move(row["session_id"], before[row["session_id"]], row["day"])
            for row in rows
            if row["session_id"] in before
        ]

    def sessions_of(self, tenant: str, day: date) -> list[str]:
        """Sessions whose deliveries lie in a day's partition, sorted."""
        query = select(TABLE.session_id).where(TABLE.tenant == tenant, TABLE.day == day).order_by(TABLE.session_id)
        with self.state.reading() as session:
            return list(session.scalars(query))


def _days(session: Session, tenant: str, session_ids: Iterable[str]) -> dict[str, date]:
    query = select(TABLE.session_id, TABLE.day).where(
        TABLE.tenant == tenant, among(session, TABLE.session_id, session_ids)
    )
    return {row.session_id: row.day for row in session.execute(query)}
