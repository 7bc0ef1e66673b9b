"""Striking secrets out of texts that go into logs, ledgers and messages."""

import logging
import re
from collections.abc import Iterable

STRUCK = "[redacted]"
SHORTEST = 4  # striking out shorter ones would make holes in every word
_SECRETS = (
    re.compile(r"(?<=://)[^/@\s:]+:[^@\s/]+(?=@)"),  # user:password in an address
    re.compile(
        r"(?i)((?:bearer|basic|x-api-key|token|secret|password|api[_-]?key)[\"']?\s*[:= ]\s*[\"']?)[^\s\"',;&]+"
    ),
)


def redact(text: str, known: Iterable[str] = ()) -> str:
    """The text without passwords, tokens and keys: whatever looks like one, and those that are ``known``."""
    for secret in known:
        if len(secret) >= SHORTEST:
            text = text.replace(secret, STRUCK)
    for pattern in _SECRETS:
        text = pattern.sub(lambda match: f"{match.group(1) if match.lastindex else ''}{STRUCK}", text)
    return text


def hush_http() -> None:
    """Keep whole addresses out of every log: httpx tells each call's, tokens and search terms included.

    What calls were made is logged by us, redacted. A level that is stricter already stays.
    """
    for name in ("httpx", "httpcore"):
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.WARNING))
