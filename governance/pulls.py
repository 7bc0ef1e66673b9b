"""Which conversations are worth asking the engine about again, and what became of asking.

The engine promises no retry of its callbacks, so a session that lacks parts some time after its end, or
whose end was never reported, is pulled: a few times with growing pauses, then left as it is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from governance.state import State
from governance.state.bulk import chunks, upsert
from governance.state.inbox_model import ENDED, InboxRecord, PullRow
from governance.state.models import LaunchRow

PAUSES = (timedelta(hours=1), timedelta(hours=6), timedelta(hours=24))  # after the first, second, third attempt
HORIZON = timedelta(days=30)  # the engine's retention is not documented; recordings are kept about as long
LONGEST_CALL = timedelta(hours=2)  # a launch without any end after this has lost its callbacks
INBOX = InboxRecord.metadata.tables["inbox"].c
LAUNCH = LaunchRow.metadata.tables["launches"].c
PULL = PullRow.metadata.tables["pulls"].c


@dataclass(frozen=True, slots=True)
class Candidate:
    """A session that may lack parts; ``seen`` holds the event types that the inbox has had of it."""

    tenant: str
    session_id: str
    attempts: int
    seen: frozenset[str]


class Pulls:
    """The register of reconciling pulls."""

    def __init__(self, state: State) -> None:
        self._state = state

    def candidates(self, engine: str, now: datetime, after: timedelta, limit: int) -> list[Candidate]:
        """Sessions of ``engine`` whose end is older than ``after``, or that never reported one, and are due.

        Longest over first; those that were asked about often enough, or ended before the horizon, are left out.
        """
        with self._state.reading() as session:
            found = [
                *session.execute(_ended(engine, now, after).limit(limit)),
                *session.execute(_unheard(engine, now, after).limit(limit)),
            ]
            places = {(row.tenant, row.session_id): row.attempts or 0 for row in found[:limit]}
            seen = _seen(session, places)
        return [Candidate(*place, attempts, frozenset(seen.get(place, ()))) for place, attempts in places.items()]

    def record(self, candidate: Candidate, outcome: str, now: datetime) -> None:
        """Note an attempt; ``complete`` and ``gone`` end the asking, and so does the last attempt."""
        attempts = candidate.attempts + 1
        final = outcome in ("complete", "gone") or attempts > len(PAUSES)
        self._write([_row(candidate, attempts, outcome, now, None if final else now + PAUSES[attempts - 1])])

    def settle(self, candidates: Iterable[Candidate], now: datetime) -> None:
        """Note that these lack nothing, so that they are not looked at again."""
        self._write([_row(candidate, candidate.attempts, "complete", now, None) for candidate in candidates])

    def _write(self, rows: list[dict[str, Any]]) -> None:
        if rows:
            with self._state.session() as session:
                upsert(session, PullRow, rows)


def _row(candidate: Candidate, attempts: int, outcome: str, now: datetime, next_at: datetime | None) -> dict[str, Any]:
    return {
        "tenant": candidate.tenant,
        "session_id": candidate.session_id,
        "attempts": attempts,
        "last_at": now,
        "next_at": next_at,
        "outcome": outcome,
    }


def _due(now: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(PULL.session_id.is_(None), PULL.next_at <= now)


def _with_pulls(tenant: sa.ColumnElement[str], session_id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    return sa.and_(PULL.tenant == tenant, PULL.session_id == session_id)


def _ended(engine: str, now: datetime, after: timedelta) -> sa.Select[Any, Any, Any]:
    """Sessions whose shutdown was received, by when it was."""
    inbox, pulls = InboxRecord.__table__, PullRow.__table__
    return (
        sa.select(INBOX.tenant, INBOX.session_id, sa.func.max(PULL.attempts).label("attempts"))
        .select_from(inbox.outerjoin(pulls, _with_pulls(INBOX.tenant, INBOX.session_id)))
        .where(
            INBOX.event_type == sa.literal_column(f"'{ENDED}'"),  # literal, so that the partial index serves it
            INBOX.received_at.between(now - HORIZON, now - after),
            sa.or_(INBOX.engine_at.is_(None), INBOX.engine_at >= now - HORIZON),
            INBOX.session_id.startswith(f"{engine}:", autoescape=True),
            _due(now),
        )
        .group_by(INBOX.tenant, INBOX.session_id)
        .order_by(sa.func.min(INBOX.received_at))
    )


def _unheard(engine: str, now: datetime, after: timedelta) -> sa.Select[Any, Any, Any]:
    """Launched sessions that never reported their end."""
    launches, pulls = LaunchRow.__table__, PullRow.__table__
    ended = sa.exists().where(
        INBOX.session_id == LAUNCH.session_id,
        INBOX.tenant == LAUNCH.tenant,
        INBOX.event_type == sa.literal_column(f"'{ENDED}'"),
    )
    return (
        sa.select(LAUNCH.tenant, LAUNCH.session_id, PULL.attempts)
        .select_from(launches.outerjoin(pulls, _with_pulls(LAUNCH.tenant, LAUNCH.session_id)))
        .where(
            LAUNCH.launched_at.between(now - HORIZON, now - after - LONGEST_CALL),
            LAUNCH.session_id.startswith(f"{engine}:", autoescape=True),
            sa.not_(ended),
            _due(now),
        )
        .order_by(LAUNCH.launched_at)
    )


def _seen(session: Session, places: Iterable[tuple[str, str]]) -> dict[tuple[str, str], set[str]]:
    seen: dict[tuple[str, str], set[str]] = {}
    for some in chunks(session_id for _, session_id in places):
        query = sa.select(INBOX.tenant, INBOX.session_id, INBOX.event_type).where(INBOX.session_id.in_(some)).distinct()
        for tenant, session_id, event_type in session.execute(query):
            seen.setdefault((tenant, session_id), set()).add(event_type)
    return seen
