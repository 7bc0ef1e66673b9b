"""What the engine hands to a target and what a target answers. A target is a ``Sink``; its own file speaks its API."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

IDEMPOTENCY = uuid.UUID("c7a1f0de-6a53-5c0e-9a7e-3f0c2b6f2d11")


class Action(StrEnum):
    """What a record needs at the target."""

    CREATE = "create"
    UPDATE = "update"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record on its way.

    ``payload`` is JSON, frozen: it is sent as it stands, however often. ``digest`` names the desired state that an
    acknowledgement settles; ``becomes`` is what the ledger then remembers of the target's record (None: nothing).
    ``source`` tells whoever has to mend a reject where the record came from. ``attempt`` counts earlier tries;
    ``doubtful`` says that an earlier run may have sent it and never learnt the answer.
    """

    key: str
    payload: bytes
    digest: str
    action: Action = Action.CREATE
    tenant: str = ""
    source: str = ""
    becomes: bytes | None = None
    remote_id: str | None = None
    remote_version: str | None = None
    attempt: int = 0
    doubtful: bool = False

    def idempotency_key(self, target: str) -> str:
        """The same for the same state of the same record at the same target, in whatever run it is sent."""
        return str(uuid.uuid5(IDEMPOTENCY, "\n".join((target, self.key, self.action, self.digest))))


class Fate(StrEnum):
    """What became of one record."""

    STORED = "stored"
    REFUSED = "refused"  # for good: the same payload is not sent again
    RETRY = "retry"  # refused for now
    UNKNOWN = "unknown"  # read back, then decide


@dataclass(frozen=True, slots=True)
class Result:
    """The target's answer for one record; ``code`` and ``reason`` are kept with a reject."""

    fate: Fate
    code: str = ""
    reason: str = ""
    remote_id: str | None = None
    remote_version: str | None = None
    retry_after_s: float | None = None


class Verdict(StrEnum):
    """What an answer says about a whole batch. Nothing of it was stored, except perhaps after ``UNKNOWN``."""

    REFUSED = "refused"  # something in it is invalid: bisect
    CONFLICT = "conflict"  # something in it is known already: bisect, then read back
    TOO_LARGE = "too_large"  # split
    THROTTLED = "throttled"  # wait, then the same again
    UNSENT = "unsent"  # it never reached the target: wait, then the same again
    UNKNOWN = "unknown"  # time-out, lost connection, 5xx: read back, then decide
    DENIED = "denied"  # credentials or rights: stop, blame no record


@dataclass(frozen=True, slots=True)
class Whole:
    """One answer for the whole batch."""

    verdict: Verdict
    code: str = ""
    reason: str = ""
    retry_after_s: float | None = None


Answer = Sequence[Result] | Whole


class Presence(StrEnum):
    """What a target has of a record."""

    SAME = "same"
    OTHER = "other"
    ABSENT = "absent"
    UNKNOWN = "unknown"  # it could not be read


@dataclass(frozen=True, slots=True)
class Sighting:
    """A record as it was read back."""

    presence: Presence
    reason: str = ""
    remote_id: str | None = None
    remote_version: str | None = None
    code: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a target takes. ``None`` is no limit."""

    batch_count: int = 200
    batch_bytes: int | None = 1 << 20
    calls_a_day: int | None = None
    records_a_day: int | None = None


@dataclass(frozen=True, slots=True)
class Preflight:
    """What a target said before the first record: its limits, and ``notes`` for the user."""

    limits: Limits = field(default_factory=Limits)
    notes: tuple[str, ...] = ()


class SyncError(Exception):
    """Nothing can be delivered; the text says what is wrong, ``remedy`` how to mend it."""

    def __init__(self, what: str, remedy: str | None = None) -> None:
        super().__init__(what)
        self.remedy = remedy


class Sink(Protocol):
    """A target. It does one call at a time, never retries by itself and never raises for what a server answers."""

    def preflight(self) -> Preflight:
        """Check address, credentials, rights and fields, without writing.

        Raises:
            SyncError: delivery to it cannot work.
        """
        ...

    def apply(self, batch: Sequence[Outgoing]) -> Answer:
        """Write a batch in one call: one result per record in the same order, or one answer for the whole."""
        ...

    def read_back(self, batch: Sequence[Outgoing]) -> Sequence[Sighting]:
        """What the target has of each record, in the same order; changes nothing."""
        ...

    def close(self) -> None:
        """Give back connections."""
        ...
