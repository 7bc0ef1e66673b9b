"""A target with a mind of its own for tests of the sync engine: it stores, refuses, forgets to answer and lies low."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from integrations.sync.base import (
    Answer,
    Fate,
    Limits,
    Outgoing,
    Preflight,
    Presence,
    Result,
    Sighting,
    Verdict,
    Whole,
)
from integrations.sync.sender import Clock

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def record(key: str, payload: bytes | None = None, **more: object) -> Outgoing:
    """A record whose digest is that of its payload."""
    body = payload if payload is not None else f'{{"id":"{key}"}}'.encode()
    return Outgoing(key, body, sha256(body).hexdigest(), tenant="acme", source=f"row {key}", **more)  # type: ignore[arg-type]


class FakeTime:
    """A clock that sleeping moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def clock(self) -> Clock:
        return Clock(
            now=lambda: NOW + timedelta(seconds=self.seconds),
            monotonic=lambda: self.seconds,
            sleep=self._sleep,
            jitter=lambda: 0.5,
        )

    def _sleep(self, seconds: float) -> None:
        self.seconds += seconds


class AllOrNothing:
    """A target that refuses a whole batch for one bad record, as every LRS does.

    ``fault`` is asked before each call and may give an answer of its own; "lost" stores and then loses the answer.
    """

    def __init__(
        self,
        *,
        invalid: Sequence[str] = (),
        poison: Sequence[str] = (),
        stored: dict[str, bytes] | None = None,
        fault: Callable[[int], Whole | str | None] = lambda _: None,
        most: int = 1_000_000,
    ) -> None:
        self.invalid, self.poison, self.fault, self.most = set(invalid), set(poison), fault, most
        self.stored: dict[str, bytes] = dict(stored or {})
        self.writes: dict[str, int] = {}
        self.calls = 0
        self.mute = False

    def preflight(self) -> Preflight:
        return Preflight(Limits())

    def close(self) -> None:
        pass

    def apply(self, batch: Sequence[Outgoing]) -> Answer:
        self.calls += 1
        fault = self.fault(self.calls)
        if isinstance(fault, Whole):
            return fault
        answer = self._apply(batch)
        return Whole(Verdict.UNKNOWN, "no answer", "timed out") if fault == "lost" else answer

    def _apply(self, batch: Sequence[Outgoing]) -> Answer:
        if len(batch) > self.most:
            return Whole(Verdict.TOO_LARGE, "413", "too large")
        if any(each.key in self.poison for each in batch):
            return Whole(Verdict.UNKNOWN, "500", "internal error")
        if any(each.key in self.invalid for each in batch):
            return Whole(Verdict.REFUSED, "400", "invalid")
        if any(self.stored.get(each.key, each.payload) != each.payload for each in batch):
            return Whole(Verdict.CONFLICT, "409", "conflict")
        for each in batch:
            if each.key not in self.stored:
                self.writes[each.key] = self.writes.get(each.key, 0) + 1
            self.stored[each.key] = each.payload
        return [Result(Fate.STORED, remote_id=each.key) for each in batch]

    def read_back(self, batch: Sequence[Outgoing]) -> Sequence[Sighting]:
        if self.mute:
            return [Sighting(Presence.UNKNOWN, "timed out") for _ in batch]
        return [self._seen(each) for each in batch]

    def _seen(self, each: Outgoing) -> Sighting:
        held = self.stored.get(each.key)
        if held is None:
            return Sighting(Presence.ABSENT)
        same = held == each.payload
        return Sighting(Presence.SAME if same else Presence.OTHER, "" if same else "it has another content")
