"""How long to wait: after a failure, on a server's word, and between calls. Pure: the clock is a number of seconds."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 60.0
FIRST_RETRY_S, LONGEST_RETRY_S = 300.0, 86_400.0
EPOCH_FROM_S = 1e9  # a reset larger than this is a time, not a number of seconds
_REMAINING = ("ratelimit-remaining", "x-ratelimit-remaining", "x-rate-limit-remaining")
_RESET = ("ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset")


def backoff(tries: int, jitter: float, asked_s: float | None = None) -> float:
    """Seconds until the next call after ``tries`` failures; ``jitter`` lies in 0..1.

    What the server asks for is a floor, never shortened: many clients that come back at once would be refused again.
    """
    if asked_s is not None:
        return asked_s + jitter * FIRST_WAIT_S
    return min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(tries, 16)) * (0.5 + jitter)


def next_try(attempt: int, jitter: float, asked_s: float | None = None) -> float:
    """Seconds until a record that was refused for now is due again, in a later run."""
    waited = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(attempt, 16)) * (0.75 + jitter / 2)
    return waited if asked_s is None else max(asked_s, waited)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that a Retry-After asks for: a number or an HTTP date; None where there is none or it is unreadable.

    A date is the server's time, so it is held against the server's own Date: the two clocks may be hours apart.
    """
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        pass
    else:
        return seconds if 0 <= seconds < float("inf") else None
    moment = _moment(text)
    return None if moment is None else max(0.0, (moment - server_time(headers, now)).total_seconds())


def server_time(headers: Mapping[str, str], now: datetime) -> datetime:
    """What the server's clock shows; ours where the answer does not say."""
    return _moment(headers.get("date", "")) or now


def _moment(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


class Bucket:
    """Tokens for calls: a configured rate, and what the target's limit headers allow."""

    def __init__(self, calls_a_minute: float | None = None, burst: int = 10) -> None:
        self._rate = None if calls_a_minute is None else calls_a_minute / 60
        self._burst = float(burst)
        self._tokens = self._burst
        self._filled_at = 0.0
        self._closed_until = 0.0

    def delay(self, now: float) -> float:
        """Seconds until a call may be made."""
        wait = max(0.0, self._closed_until - now)
        if self._rate is None:
            return wait
        tokens = self._refilled(now)
        return max(wait, 0.0 if tokens >= 1 else (1 - tokens) / self._rate)

    def take(self, now: float) -> None:
        """Count a call."""
        if self._rate is not None:
            self._tokens = self._refilled(now) - 1
            self._filled_at = now

    def learn(self, headers: Mapping[str, str], now: float) -> None:
        """Close the bucket until the reset where the target says that nothing remains."""
        remaining, reset = _number(headers, _REMAINING), _number(headers, _RESET)
        if remaining is None or reset is None or remaining >= 1:
            return
        seconds = reset - server_time(headers, datetime.now(UTC)).timestamp() if reset > EPOCH_FROM_S else reset
        self._closed_until = max(self._closed_until, now + max(0.0, seconds))

    def _refilled(self, now: float) -> float:
        assert self._rate is not None  # noqa: S101 - both callers have looked
        return min(self._burst, self._tokens + max(0.0, now - self._filled_at) * self._rate)


def _number(headers: Mapping[str, str], names: tuple[str, ...]) -> float | None:
    for name in names:
        text = headers.get(name, "").split(",")[0].split(";")[0].strip()
        try:
            return float(text)
        except ValueError:
            continue
    return None
