"""Adding to the audit chain, and reading it.

An event is written in the transaction of what it records, so that there is never one without the other. Writers
append per batch, not per row: the gateway's path has no event of its own, its deliveries are in the event of the
drain that takes them to the lake.
"""

import json
import logging
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import event as listening
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from governance.audit.head import START, Head, UnreadableHeadError, head_file, note_head, read_head
from governance.audit.links import GENESIS, canonical, commitment, link, sha256
from governance.names import storable
from governance.state import State
from governance.state.bulk import chunks
from governance.state.locks import lock
from governance.state.models import AuditRow

LOG = logging.getLogger("rolecall.audit")
TABLE = AuditRow.__table__.c
COLUMNS = tuple(AuditRow.__table__.columns.keys())
PAGE = 10_000
SALT_BYTES = 16
_WITNESSED = "audit_head"  # where a session keeps the event to note once it has committed

Kind = Literal[
    "ingest", "gate_decision", "score", "revision", "review", "contest", "case", "export", "delivery", "access",
    "erasure", "hold", "restriction", "publish", "seal", "configuration_change", "root",
]  # fmt: skip


@dataclass(frozen=True)
class Event:
    """Something that was done.

    ``facts`` is any JSON; ``before`` and ``after`` are the values that changed, of which the chain keeps digests under
    the event's salt alone. ``once`` names what must not be recorded a second time.
    """

    action: Kind
    actor: str
    object: str
    tenant: str | None = None
    learner_key: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    before: Any = None
    after: Any = None
    once: str | None = None
    at: datetime | None = None


def append(session: Session, events: Sequence[Event]) -> list[int]:
    """Add events inside the caller's write transaction; their sequence numbers.

    An event whose ``once`` is recorded already is left out, so that fewer numbers may come back.
    """
    fresh = _unrecorded(session, events)
    if not fresh:
        return []
    connection = session.connection()
    lock(connection, "audit")
    last = session.execute(select(TABLE.seq, TABLE.hash).order_by(TABLE.seq.desc()).limit(1)).one_or_none()
    seq, prev = (0, GENESIS) if last is None else (int(last[0]), str(last[1]))
    holds_noted = _holds_noted(session, seq)
    rows: list[dict[str, Any]] = []
    for each in fresh:
        seq += 1
        row = _row(each, seq, prev)
        prev = row["hash"]
        rows.append(row)
    connection.execute(insert(AuditRow.__table__), rows)  # type: ignore[arg-type]
    if holds_noted:
        _witness(session, Head(seq, prev))
    return [row["seq"] for row in rows]


def record(state: State, events: Sequence[Event]) -> list[int]:
    """Add events in a transaction of their own."""
    with state.session() as session:
        return append(session, events)


def rows(session: Session, *where: Any, newest_first: bool = False, limit: int | None = None) -> list[dict[str, Any]]:
    """Rows that fulfil the conditions, with ``body`` parsed."""
    order = TABLE.seq.desc() if newest_first else TABLE.seq
    query = select(*TABLE).where(*where).order_by(order).limit(limit)
    return [_parsed(dict(row._mapping)) for row in session.execute(query)]


def stream(session: Session) -> Iterator[dict[str, Any]]:
    """Every row as stored, in order, a page at a time."""
    after = -1
    while True:
        page = session.execute(select(*TABLE).where(TABLE.seq > after).order_by(TABLE.seq).limit(PAGE)).all()
        yield from (dict(row._mapping) for row in page)
        if len(page) < PAGE:
            return
        after = page[-1].seq


def _unrecorded(session: Session, events: Sequence[Event]) -> list[Event]:
    keys = [each.once for each in events if each.once is not None]
    known: set[str | None] = set()
    for some in chunks(keys):
        known.update(session.scalars(select(TABLE.once).where(TABLE.once.in_(some))))
    fresh: list[Event] = []
    for each in events:
        if each.once is None or each.once not in known:
            fresh.append(each)
            known.add(each.once)
    return fresh


def _row(each: Event, seq: int, prev: str) -> dict[str, Any]:
    salt = secrets.token_hex(SALT_BYTES)
    body = dict(each.facts)
    for name, value in (("before", each.before), ("after", each.after)):
        if value is not None:
            body[name] = sha256(salt + canonical(value))
    row: dict[str, Any] = {
        "seq": seq,
        "at": each.at or datetime.now(UTC),
        "action": each.action,
        "tenant": each.tenant,
        "once": each.once,
        "actor": storable(each.actor),
        "object": storable(each.object),
        "learner_key": each.learner_key,
        "body": storable(canonical(body)),
        "salt": salt,
        "prev_hash": prev,
    }
    row["commitment"] = commitment(salt, row)
    row["hash"] = link(row)
    return row


def _parsed(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"body": json.loads(row["body"]) if row["body"] else {}}


def _holds_noted(session: Session, seq: int) -> bool:
    """Whether the chain, ``seq`` events long, still holds the one noted beside it; before the first the note starts."""
    path = head_file(session.get_bind().engine)
    if path is None:
        return False
    if seq == START.seq and not path.exists():
        note_head(path, START)
    try:
        noted = read_head(path)
    except UnreadableHeadError:
        return False
    if noted is None or noted == START:
        return noted is not None
    return session.scalar(select(TABLE.hash).where(TABLE.seq == noted.seq)) == noted.hash


def _witness(session: Session, head: Head) -> None:
    """Note the newest event once the transaction is durable; never before, since it may fail."""
    first = _WITNESSED not in session.info
    session.info[_WITNESSED] = head
    if first:
        listening.listen(session, "after_commit", _note)


def _note(session: Session) -> None:
    head, path = session.info.pop(_WITNESSED, None), head_file(session.get_bind().engine)
    if head is None or path is None:
        return
    try:
        note_head(path, head)
    except OSError as error:  # what was done is committed; the next event raises the note over this one too
        LOG.warning("%s: event %d was recorded and not noted (%s)", path.name, head.seq, error.strerror)
