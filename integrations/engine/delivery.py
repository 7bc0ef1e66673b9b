"""One delivery of any channel, read, gated and named: the one way in for gateway, files and pull."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from governance.inbox import Parcel

if TYPE_CHECKING:
    from governance.gate import SignalPolicy

CHANNELS = ("webhook", "objective", "guardrail", "tool", "relay", "pull", "file")
Body = bytes | str | Mapping[str, Any] | list[Any]
JurisdictionOf = Callable[[str], str | None]


class Refused(ValueError):  # noqa: N818 - the name says what happened to the delivery
    """The delivery cannot be taken: ``rule`` is a code, ``reason`` a sentence that says how to mend it."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.rule = rule
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event of one session, before or after the gate.

    ``event_type`` is canonical where ``known``, else as it came. ``engine_at`` is the time the engine wrote,
    None where it wrote none. ``payload`` keeps the delivered names.
    """

    engine: str
    engine_session_id: str
    event_type: str
    known: bool
    engine_at: datetime | None
    received_at: datetime
    channel: str
    payload: dict[str, Any]

    @property
    def session_id(self) -> str:
        """``engine:engine_session_id``, unique within a tenant."""
        return f"{self.engine}:{self.engine_session_id}"


def read(body: Body, channel: str, received_at: datetime, hint: str | None = None) -> Delivery:
    """The one delivery in ``body``; ``hint`` is the session id where the body carries none (tool routes).

    Raises:
        Refused: not JSON, not an object, no session id, a naive time, a batch of several.
    """
    raise NotImplementedError


def read_all(body: Body, channel: str, received_at: datetime, hint: str | None = None) -> list[Delivery]:
    """As ``read``, for bodies that may hold several: a verbose pull, a JSON array or JSON lines of a relay.

    Raises:
        Refused: as ``read``; in an array or lines the reason names the item.
    """
    raise NotImplementedError


def split_pull(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A verbose ``GET /v2/conversations/{id}`` as event bodies: one ``conversation`` row plus one per event."""
    raise NotImplementedError


def key(delivery: Delivery) -> str:
    """Idempotency key of a gated delivery: hex SHA-256 over session, canonical type, time and content."""
    raise NotImplementedError


def seal(delivery: Delivery, tenant: str, jurisdiction: str | None, policy: "SignalPolicy") -> Parcel:
    """Gate one delivery and name it: the parcel that the inbox takes."""
    raise NotImplementedError


def prepare(
    body: Body,
    channel: str,
    received_at: datetime,
    tenant: str,
    jurisdiction: str | None | JurisdictionOf,
    policy: "SignalPolicy",
    hint: str | None = None,
) -> list[Parcel]:
    """Read, gate and name everything in ``body``; ``jurisdiction`` may be looked up by session id.

    Raises:
        Refused: as ``read_all``; nothing of the body is taken then.
    """
    raise NotImplementedError
