"""The durable inbox: what it has accepted is on disk, once, whatever happens next.

A delivery is identified by (tenant, event_key). The same delivery again raises a counter and stores
nothing, so a sender may repeat itself for as long as it likes.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from governance.grouping import Grouping
from governance.policy import UNKNOWN
from governance.state import State
from governance.state.bulk import chunks
from governance.state.inbox_model import InboxRecord
from governance.withheld import Withheld, record_withheld

BODY_RETENTION = timedelta(days=7)  # a drained body is in raw; a week leaves time to look into an incident
KEY_RETENTION = timedelta(days=400)  # deliveries come late by months, and must still count as repeats
INBOX = InboxRecord.metadata.tables["inbox"]


class UnavailableError(Exception):
    """The state database cannot take anything now: locked, full, gone. Worth trying again."""


class UnstorableError(Exception):
    """This parcel can never be stored as it stands; trying again changes nothing."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One delivery after the gate.

    ``body`` is canonical JSON, ``dropped`` counts withheld fields by signal class, ``jurisdiction`` is the
    row of the policy that decided.
    """

    tenant: str
    session_id: str
    event_key: str
    channel: str
    event_type: str
    known: bool
    engine_at: datetime | None
    received_at: datetime
    body: str
    policy_version: str
    dropped: Mapping[str, int] = field(default_factory=dict)
    jurisdiction: str = UNKNOWN


class Accepted(NamedTuple):
    """``new`` is False for a delivery that the inbox held already; ``repeats`` counts those."""

    new: bool
    repeats: int


class InboxRow(NamedTuple):
    """A stored delivery that has not reached the lake yet."""

    id: int
    tenant: str
    session_id: str
    event_key: str
    channel: str
    event_type: str
    known: bool
    engine_at: datetime | None
    received_at: datetime
    body: str
    policy_version: str
    dropped: Mapping[str, int]
    repeats: int


class Backlog(NamedTuple):
    """How much waits for the lake, and since when."""

    depth: int
    oldest: datetime | None


class Pruned(NamedTuple):
    """Rows whose body went, and rows that went altogether."""

    bodies: int
    rows: int


class Inbox:
    """Accepts parcels and hands them to whoever writes the lake."""

    def __init__(self, state: State) -> None:
        self._state = state

    def accept(self, parcels: Sequence[Parcel]) -> list[Accepted]:
        """Store the parcels in one transaction; durable on return, one answer per parcel in their order.

        What the gate withheld from new parcels is counted in the register of withheld signals in the same
        transaction, so callers do not count it again.

        Raises:
            UnavailableError: The database cannot take them now; none is stored.
            UnstorableError: One of them can never be stored; none is stored.
        """
        if not parcels:
            return []
        with honest_errors(), self._state.session() as session:
            answers = _deposit(session.connection(), parcels)
            new = [parcel for parcel, answer in zip(parcels, answers, strict=True) if answer.new and parcel.dropped]
            record_withheld(session, [_withheld(parcel) for parcel in new])
            return answers

    def group(
        self, executor: Executor, largest: int = 256, observe: Callable[[int], None] | None = None
    ) -> Grouping[Sequence[Parcel], list[Accepted]]:
        """Group-commit front for asyncio: requests that wait together are committed together.

        One unit is the parcels of one request. ``executor`` should have a thread of its own for this;
        ``observe`` is told how many requests share each transaction.
        """
        return Grouping(self._accept_units, executor, largest, observe)

    def _accept_units(self, units: list[Sequence[Parcel]]) -> list[list[Accepted] | Exception]:
        """One transaction for all units; when a unit is unstorable, each gets its own."""
        try:
            answers = iter(self.accept([parcel for unit in units for parcel in unit]))
        except UnstorableError as error:
            return [error] if len(units) == 1 else [self._accept_unit(unit) for unit in units]
        return [[next(answers) for _ in unit] for unit in units]

    def _accept_unit(self, unit: Sequence[Parcel]) -> list[Accepted] | Exception:
        try:
            return self.accept(unit)
        except (UnstorableError, UnavailableError) as error:
            return error

    def waiting(self, limit: int = 10_000, after: int = 0) -> list[InboxRow]:
        """Oldest undrained rows by id; ``after`` pages through more than one limit's worth."""
        query = (
            sa.select(*(INBOX.c[name] for name in InboxRow._fields))
            .where(INBOX.c.drained_at.is_(None), INBOX.c.id > after)
            .order_by(INBOX.c.id)
            .limit(limit)
        )
        with honest_errors(), self._state.reading() as session:
            rows = session.execute(query).all()
        return [InboxRow(**{**row._mapping, "dropped": json.loads(row.dropped)}) for row in rows]

    def mark_drained(self, ids: Sequence[int], at: datetime) -> int:
        """Say that these rows are safely in raw; how many were still waiting."""
        marked = 0
        with honest_errors(), self._state.session() as session:
            for some in chunks(ids):
                waiting = sa.update(INBOX).where(INBOX.c.id.in_(some), INBOX.c.drained_at.is_(None))
                marked += session.connection().execute(waiting.values(drained_at=at)).rowcount
        return marked

    def discard(self, ids: Sequence[int], at: datetime) -> None:
        """Take rows out without handing them on, and forget their bodies; their keys still catch repeats."""
        with honest_errors(), self._state.session() as session:
            for some in chunks(ids):
                gone = sa.update(INBOX).where(INBOX.c.id.in_(some))
                session.connection().execute(gone.values(drained_at=at, body=None))

    def depth(self) -> int:
        """Rows that wait for the lake."""
        return self.backlog().depth

    def backlog(self) -> Backlog:
        """Depth and the receipt time of the oldest waiting row."""
        query = sa.select(sa.func.count(), sa.func.min(INBOX.c.received_at, type_=INBOX.c.received_at.type)).where(
            INBOX.c.drained_at.is_(None)
        )
        with honest_errors(), self._state.reading() as session:
            depth, oldest = session.execute(query).one()
        return Backlog(depth, oldest)

    def prune(
        self, now: datetime, body_retention: timedelta = BODY_RETENTION, key_retention: timedelta = KEY_RETENTION
    ) -> Pruned:
        """Forget what is safely in raw: bodies first, the keys that catch repeats much later."""
        bodies = (
            sa.update(INBOX)
            .where(INBOX.c.drained_at < now - body_retention, INBOX.c.body.is_not(None))
            .values(body=None)
        )
        rows = sa.delete(INBOX).where(INBOX.c.drained_at < now - key_retention)
        with honest_errors(), self._state.session() as session:
            gone = session.connection().execute(rows).rowcount
            emptied = session.connection().execute(bodies).rowcount
        return Pruned(emptied, gone)


def _deposit(connection: sa.Connection, parcels: Sequence[Parcel]) -> list[Accepted]:
    """Insert or count each parcel.

    A statement may touch a row only once (PostgreSQL refuses more), so parcels that repeat each other
    are folded before: a group of n equal ones inserts ``repeats = n - 1`` or adds n to a stored row.
    Hence the row was new exactly when the count that comes back is n - 1.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    for position, parcel in enumerate(parcels):
        groups.setdefault((parcel.tenant, parcel.event_key), []).append(position)
    values = [_values(parcels[positions[0]], len(positions) - 1) for positions in groups.values()]
    answers: list[Accepted] = [Accepted(False, 0)] * len(parcels)
    for tenant, event_key, repeats in connection.execute(_upsert(connection.dialect.name), values):
        positions = groups[tenant, event_key]
        new = repeats == len(positions) - 1
        for turn, position in enumerate(positions):
            answers[position] = Accepted(new and turn == 0, repeats)
    return answers


def _withheld(parcel: Parcel) -> Withheld:
    day = parcel.received_at.astimezone(UTC).date()
    return Withheld(parcel.tenant, day, parcel.jurisdiction, parcel.policy_version, parcel.dropped)


def _values(parcel: Parcel, repeats: int) -> dict[str, Any]:
    return {
        "tenant": parcel.tenant,
        "session_id": parcel.session_id,
        "event_key": parcel.event_key,
        "channel": parcel.channel,
        "event_type": parcel.event_type,
        "known": parcel.known,
        "engine_at": parcel.engine_at,
        "received_at": parcel.received_at,
        "body": parcel.body,
        "policy_version": parcel.policy_version,
        "dropped": json.dumps(dict(parcel.dropped), sort_keys=True),
        "repeats": repeats,
    }


def _upsert(dialect: str) -> sa.Executable:
    insert = postgresql.insert(INBOX) if dialect == "postgresql" else sqlite.insert(INBOX)
    counted = insert.on_conflict_do_update(
        index_elements=[INBOX.c.tenant, INBOX.c.event_key],
        set_={"repeats": INBOX.c.repeats + insert.excluded.repeats + 1},
    )
    return counted.returning(INBOX.c.tenant, INBOX.c.event_key, INBOX.c.repeats)


@contextmanager
def honest_errors() -> Iterator[None]:
    """Tell "not now" from "never", without the statement: its parameters hold what people said."""
    try:
        yield
    except (DataError, IntegrityError) as error:
        raise UnstorableError(f"the database refuses the values ({type(error.orig).__name__})") from None
    except DBAPIError as error:
        raise UnavailableError(f"state database: {error.orig}") from None
    except PoolTimeoutError:
        raise UnavailableError("state database: no free connection") from None
    except StatementError as error:  # a value that did not get as far as the database
        raise UnstorableError(f"the values cannot be written ({type(error.orig).__name__})") from None
    except (UnicodeError, ValueError, OverflowError) as error:
        raise UnstorableError(f"the values cannot be written as text ({type(error).__name__})") from None
