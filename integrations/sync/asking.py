"""A call that changes nothing, asked again where the answer was lost or put off."""

import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from integrations.sync.pacing import LONGEST_WAIT_S, backoff, retry_after
from integrations.sync.transport import Lost, Reply, Transport

TRIES = 5
LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
Sleep = Callable[[float], None]


def ask(
    transport: Transport,
    method: str,
    path: str,
    *,
    params: Mapping[str, str | int] | None = None,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    sleep: Sleep | None = None,
    jitter: Callable[[], float] = random.random,
) -> Reply:
    """The answer, whatever its status; the last one where all of them asked for another time.

    A server that wants a longer wait than a minute is not waited for: the next run comes back.

    Raises:
        Lost: no answer in any of the tries.
    """
    wait = time.sleep if sleep is None else sleep
    for tries in range(TRIES):
        last = tries == TRIES - 1
        asked = None
        try:
            reply = transport.send(method, path, params=params, headers=headers, content=content)
        except Lost:
            if last:
                raise
        else:
            asked = retry_after(reply.headers, datetime.now(UTC))
            if last or reply.status not in LATER or (asked is not None and asked > LONGEST_WAIT_S):
                return reply
        wait(backoff(tries, jitter(), asked))
    raise AssertionError("the last try returns or raises")
