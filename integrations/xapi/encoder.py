"""The fast encoder: finished JSON fragments joined in one fixed order.

Actor, object, verb and context repeat from statement to statement, so that they are encoded once a session or once a
process; a statement then costs two short hashes and one join. The bytes equal ``orjson.dumps`` of the same object.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from integrations.xapi.vocabulary import Kind, Template


class Draft(NamedTuple):
    """A statement but for its id. Fragments are JSON; ``facts`` decide the id (see ``identifiers``)."""

    kind: Kind
    template: Template
    subject: tuple[str, ...]
    facts: tuple[Any, ...]
    timestamp: str
    actor: bytes
    verb: bytes
    object: bytes
    context: bytes
    result: bytes | None = None
    attachments: bytes | None = None


def encode(statement_id: str, draft: Draft) -> bytes:
    """The statement's bytes in version 1.0.3."""
    result = b"" if draft.result is None else b',"result":' + draft.result
    context = b"" if not draft.context else b',"context":' + draft.context
    attachments = b"" if draft.attachments is None else b',"attachments":' + draft.attachments
    return b"".join((
        b'{"id":"', statement_id.encode(), b'","actor":', draft.actor, b',"verb":', draft.verb,
        b',"object":', draft.object, result, context, b',"timestamp":"', draft.timestamp.encode(), b'"',
        attachments, b"}",
    ))  # fmt: skip


def instant(moment: datetime) -> str:
    """UTC, ``Z``, milliseconds: the one spelling of a time. Finer digits are cut, not rounded into the future."""
    if moment.tzinfo is None:
        raise ValueError("a time without an offset cannot be stated")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def after(start: datetime, seconds: float) -> str:
    """The instant so many seconds after the start."""
    return instant(start + timedelta(seconds=seconds))


def duration(seconds: float) -> str:
    """ISO 8601 with at most two decimals, the precision that LRSs compare: ``PT12M26.25S``."""
    hundredths = round(seconds * 100)
    hours, rest = divmod(hundredths, 360_000)
    minutes, rest = divmod(rest, 6_000)
    whole, part = divmod(rest, 100)
    text = f"{whole}.{part:02d}".rstrip("0") if part else str(whole)
    head = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")
    return f"PT{head}{text}S" if rest or not head else f"PT{head}"


def number(value: float, digits: int = 4) -> float | int:
    """Rounded, and whole where it is whole: 82.5 stays, 4.0 becomes 4."""
    rounded = round(value, digits)
    whole = int(rounded)
    return whole if whole == rounded else rounded
