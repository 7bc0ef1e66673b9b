"""The engine's REST API: conversations by id and page by page, and deletion for good."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import httpx


class PullClient:
    """Reads conversations; retries what is worth retrying, with jitter, honouring Retry-After."""

    def __init__(self, base_url: str, key: str, transport: httpx.BaseTransport | None = None) -> None:
        raise NotImplementedError

    def conversation(self, conversation_id: str, verbose: bool = True) -> dict[str, Any] | None:
        """One conversation, None where the engine has none of this id."""
        raise NotImplementedError

    def conversations(self, status: str | None = None, page_size: int = 100) -> Iterator[dict[str, Any]]:
        """All conversations, newest page first as the engine lists them."""
        raise NotImplementedError

    def delete(self, conversation_id: str) -> bool:
        """Delete a conversation and its assets for good; False where it was gone already."""
        raise NotImplementedError


def due(sessions: Iterable[Mapping[str, Any]], now: datetime, after_s: float) -> list[str]:
    """Session ids to pull now: over for ``after_s``, still missing parts, not pulled since."""
    raise NotImplementedError
