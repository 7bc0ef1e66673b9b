"""Which conversations may be worth asking the engine about again, and what became of asking."""

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

HORIZON = timedelta(days=31)  # nothing older is looked at: the engine keeps nothing longer than about a month
SETTLED = ("complete", "gone")
INBOX = InboxRecord.metadata.tables["inbox"].c
LAUNCH = LaunchRow.metadata.tables["launches"].c
PULL = PullRow.metadata.tables["pulls"].c


@dataclass(frozen=True, slots=True)
class Candidate:
    """A session that is not settled.

    ``ended_at`` is None where no end was reported; ``seen`` holds the event types that the inbox has had.
    """

    tenant: str
    session_id: str
    ended_at: datetime | None
    last_at: datetime
    pulls: int = 0
    pulled_at: datetime | None = None
    seen: frozenset[str] = frozenset()


class Pulls:
    """The register of reconciling pulls."""

    def __init__(self, state: State) -> None:
        self._state = state

    def candidates(self, engine: str, now: datetime) -> list[Candidate]:
        """Unsettled sessions of ``engine``: those that reported their end, and launches that never did.

        A session that was neither launched here nor reported its end is unknown to both, and left alone.
        """
        with self._state.reading() as session:
            found = [*session.execute(_ended(engine, now)), *session.execute(_unheard(engine, now))]
            seen = _seen(session, [row.session_id for row in found])
        return [
            Candidate(
                tenant=row.tenant,
                session_id=row.session_id,
                ended_at=row.ended_at,
                last_at=row.last_at,
                pulls=row.pulls or 0,
                pulled_at=row.pulled_at,
                seen=frozenset(seen.get((row.tenant, row.session_id), ())),
            )
            for row in found
        ]

    def record(self, candidate: Candidate, outcome: str, now: datetime, *, news: bool) -> None:
        """Note a request; ``news`` says that it brought something the inbox had not."""
        self._write([_row(candidate, 0 if news else candidate.pulls + 1, now, outcome)])

    def settle(self, candidates: Iterable[Candidate]) -> None:
        """Note that these lack nothing, so that nobody looks at them again."""
        self._write([_row(candidate, candidate.pulls, candidate.pulled_at, "complete") for candidate in candidates])

    def _write(self, rows: list[dict[str, Any]]) -> None:
        if rows:
            with self._state.session() as session:
                upsert(session, PullRow, rows)


def _row(candidate: Candidate, pulls: int, pulled_at: datetime | None, outcome: str) -> dict[str, Any]:
    return {
        "tenant": candidate.tenant,
        "session_id": candidate.session_id,
        "pulls": pulls,
        "pulled_at": pulled_at,
        "outcome": outcome,
    }


def _ended(engine: str, now: datetime) -> sa.Select[Any, Any, Any, Any, Any, Any]:
    """Sessions whose end was received."""
    inbox, pulls = InboxRecord.__table__, PullRow.__table__
    when = sa.func.coalesce(INBOX.engine_at, INBOX.received_at, type_=INBOX.received_at.type)
    place = (INBOX.tenant, INBOX.session_id, PULL.pulls, PULL.pulled_at)
    ended_at = sa.func.min(when, type_=INBOX.received_at.type).label("ended_at")
    last_at = sa.func.max(INBOX.received_at, type_=INBOX.received_at.type).label("last_at")
    return (
        sa.select(*place, ended_at, last_at)
        .select_from(inbox.outerjoin(pulls, _of(INBOX.tenant, INBOX.session_id)))
        .where(
            INBOX.event_type == sa.literal_column(f"'{ENDED}'"),  # literal, so that the partial index serves it
            INBOX.received_at > now - HORIZON,
            INBOX.session_id.startswith(f"{engine}:", autoescape=True),
            _unsettled(),
        )
        .group_by(*place)
    )


def _unheard(engine: str, now: datetime) -> sa.Select[Any, Any, Any, Any, Any, Any]:
    """Launched sessions that never reported their end."""
    launches, pulls = LaunchRow.__table__, PullRow.__table__
    ended = sa.exists().where(
        INBOX.session_id == LAUNCH.session_id,
        INBOX.tenant == LAUNCH.tenant,
        INBOX.event_type == sa.literal_column(f"'{ENDED}'"),
    )
    never = sa.null().label("ended_at")
    return (
        sa.select(
            LAUNCH.tenant, LAUNCH.session_id, PULL.pulls, PULL.pulled_at, never, LAUNCH.launched_at.label("last_at")
        )
        .select_from(launches.outerjoin(pulls, _of(LAUNCH.tenant, LAUNCH.session_id)))
        .where(
            LAUNCH.launched_at > now - HORIZON,
            LAUNCH.session_id.startswith(f"{engine}:", autoescape=True),
            sa.not_(ended),
            _unsettled(),
        )
    )


def _unsettled() -> sa.ColumnElement[bool]:
    return sa.or_(PULL.outcome.is_(None), PULL.outcome.not_in(SETTLED))


def _of(tenant: sa.ColumnElement[str], session_id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    return sa.and_(PULL.tenant == tenant, PULL.session_id == session_id)


def _seen(session: Session, session_ids: Iterable[str]) -> dict[tuple[str, str], set[str]]:
    seen: dict[tuple[str, str], set[str]] = {}
    for some in chunks(session_ids):
        query = sa.select(INBOX.tenant, INBOX.session_id, INBOX.event_type).where(INBOX.session_id.in_(some)).distinct()
        for tenant, session_id, event_type in session.execute(query):
            seen.setdefault((tenant, session_id), set()).add(event_type)
    return seen
