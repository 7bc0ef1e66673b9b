"""What is issued next, given what was issued before: frozen statements stay, others are voided, new ones are added.

Nothing issued is ever changed or left out again. A fact that changed voids its statement and issues another; a fact
that came back after it was voided gets an id of its own, since a voided id can never be used again.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import orjson

from integrations.xapi.encoder import Draft, encode
from integrations.xapi.facts import Session
from integrations.xapi.identifiers import voiding_id
from integrations.xapi.rendering import additions, identify
from integrations.xapi.statements import Cast, drafts
from integrations.xapi.statements.voiding import voided
from integrations.xapi.vocabulary import Kind


class Issued(NamedTuple):
    """One issued statement. ``subject`` is JSON; ``revision`` counts the statements of kind and subject from 1."""

    id: str
    kind: str
    template: str
    subject: str
    revision: int
    voids: str | None
    timestamp: str
    body: bytes
    added: bytes | None


def first(session: Session, cast: Cast) -> Iterator[Issued]:
    """Everything that a session implies of which nothing was issued yet."""
    added = additions(session)
    for draft in drafts(session, cast):
        yield _issued(identify(session, draft), draft, 1, None, added)


def next_of(
    tenant: str, standing: Sequence[Issued], session: Session | None, cast: Cast, now: datetime
) -> list[Issued]:
    """What a session's statements need now: voidings first, then what is new.

    ``standing`` is everything issued for the session, in order. ``session`` is None where it is gone (erased, marked
    as a test, no longer attributed): everything that stands is voided then.
    """
    taken_back = {row.voids for row in standing if row.voids is not None}
    live = {row.id for row in standing if row.voids is None and row.id not in taken_back}
    wanted: set[str] = set()
    fresh: list[tuple[str, Draft]] = []
    for draft in drafts(session, cast) if session is not None else ():
        found = _unused(session, draft, taken_back)
        wanted.add(found)
        if found not in live:
            fresh.append((found, draft))
    counted = Counter((row.kind, row.subject) for row in standing)
    gone = [row.id for row in standing if row.id in live and row.id not in wanted]
    new = [voiding(tenant, each, now) for each in gone]
    added = additions(session) if session is not None else None
    for found, draft in fresh:
        key = (str(draft.kind), _subject(draft))
        counted[key] += 1
        new.append(_issued(found, draft, counted[key], None, added))
    return new


def _unused(session: Session | None, draft: Draft, taken_back: Collection[str]) -> str:
    """The draft's id, past those that were voided."""
    assert session is not None  # noqa: S101 - there are no drafts without one
    again, found = 0, identify(session, draft)
    while found in taken_back:
        again += 1
        found = identify(session, draft, again)
    return found


def voiding(tenant: str, gone: str, now: datetime) -> Issued:
    """The statement that voids another."""
    return _issued(voiding_id(tenant, gone), voided(tenant, gone, now), 1, gone, None)


def _issued(found: str, draft: Draft, revision: int, voids: str | None, added: bytes | None) -> Issued:
    return Issued(
        found,
        draft.kind.value,
        draft.template.value,
        _subject(draft),
        revision,
        voids,
        draft.timestamp,
        encode(found, draft),
        None if draft.kind is Kind.VOIDING else added,
    )


def _subject(draft: Draft) -> str:
    return orjson.dumps(draft.subject).decode()
