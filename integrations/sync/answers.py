"""What a status means for a batch where a target's own documentation says nothing else."""

from collections.abc import Mapping
from datetime import UTC, datetime

from integrations.sync.base import Presence, Sighting, Verdict, Whole
from integrations.sync.pacing import retry_after
from integrations.sync.transport import Lost, Reply

BY_STATUS: Mapping[int, Verdict] = {
    400: Verdict.REFUSED,
    401: Verdict.DENIED,
    403: Verdict.DENIED,
    404: Verdict.DENIED,  # of the address that batches go to: the address is wrong, not the batch
    405: Verdict.DENIED,
    408: Verdict.UNKNOWN,
    409: Verdict.CONFLICT,
    412: Verdict.CONFLICT,
    413: Verdict.TOO_LARGE,
    415: Verdict.REFUSED,
    422: Verdict.REFUSED,
    425: Verdict.THROTTLED,
    429: Verdict.THROTTLED,
}


def whole(reply: Reply, said: str | None = None) -> Whole:
    """The verdict on a batch that was answered with anything but success.

    A 503 with Retry-After was turned away before it was looked at; every other 5xx may have stored the batch.
    """
    verdict = BY_STATUS.get(reply.status)
    asked = retry_after(reply.headers, datetime.now(UTC))
    if verdict is None:
        verdict = Verdict.UNKNOWN if reply.status >= 500 else Verdict.DENIED
    return Whole(verdict, str(reply.status), said if said is not None else reply.said(), asked)


def lost(error: Lost) -> Whole:
    """The verdict where no answer came."""
    return Whole(Verdict.UNKNOWN if error.sent else Verdict.UNSENT, "no answer", str(error))


def unread(reason: str, code: str = "") -> Sighting:
    """A record that could not be read back."""
    return Sighting(Presence.UNKNOWN, reason, code=code)
