"""Reading a request's body within limits of size, time and memory."""

import asyncio
from collections.abc import AsyncIterator

from integrations.engine.refusals import Refusal

BODY_TIMEOUT_S = 60.0
DISCARD_BYTES = 64_000_000  # of a refused body; answering while the sender still writes would reset its connection


class Budget:
    """Bytes of request bodies in memory at once: past the limit, senders are asked to come back."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0

    def take(self, size: int) -> None:
        """Reserve, or refuse with ``busy``."""
        if self.used and self.used + size > self.limit:
            raise Refusal("busy", "too many large deliveries at once")
        self.used += size

    def give_back(self, size: int) -> None:
        """Release what ``take`` reserved."""
        self.used -= size


async def read(stream: AsyncIterator[bytes], declared: str | None, limit: int, budget: Budget) -> bytes:
    """The whole body, whose bytes stay taken from ``budget`` until the caller gives ``len(body)`` back.

    Sizes are checked while streaming: ``declared`` (Content-Length) may be absent or wrong.
    """
    chunks: list[bytes] = []
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            await _collect(stream, declared, limit, budget, chunks)
    except TimeoutError:
        budget.give_back(sum(map(len, chunks)))
        raise Refusal("slow_body", f"the body did not arrive within {BODY_TIMEOUT_S:.0f} s") from None
    except BaseException:
        budget.give_back(sum(map(len, chunks)))
        raise
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def _collect(
    stream: AsyncIterator[bytes], declared: str | None, limit: int, budget: Budget, chunks: list[bytes]
) -> None:
    too_large = Refusal("too_large", f"the body has more than {limit} bytes")
    if declared is not None and declared.isdigit() and int(declared) > limit:
        await _discard(stream, int(declared))
        raise too_large
    size = 0
    async for chunk in stream:
        size += len(chunk)
        if size > limit:
            await _discard(stream, DISCARD_BYTES)
            raise too_large
        if chunk:
            budget.take(len(chunk))
            chunks.append(chunk)


async def _discard(stream: AsyncIterator[bytes], declared: int) -> None:
    """Read a refused body to its end, unless that would take long."""
    if declared > DISCARD_BYTES:
        return
    seen = 0
    async for chunk in stream:
        seen += len(chunk)
        if seen > DISCARD_BYTES:
            return
