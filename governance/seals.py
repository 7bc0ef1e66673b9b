"""Texts that prove they are ours: a prefix, a scope as JSON and an HMAC over it, fit for addresses and headers."""

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any


def seal(key: bytes, prefix: str, scope: list[Any]) -> str:
    """``prefix.scope.mac``; the scope can be read by anybody and altered by nobody."""
    text = json.dumps(scope, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
    return f"{prefix}.{_text(text)}.{_text(_mac(key, text))}"


def unseal(key: bytes, prefix: str, token: str) -> list[Any] | None:
    """The scope of a token; None where ``key`` did not seal it under that prefix."""
    kind, _, rest = token.partition(".")
    scope_text, _, mac_text = rest.partition(".")
    if kind != prefix:
        return None
    try:
        scope, mac = _bytes(scope_text), _bytes(mac_text)
    except (ValueError, binascii.Error):
        return None
    return json.loads(scope) if hmac.compare_digest(mac, _mac(key, scope)) else None


def _mac(key: bytes, text: bytes) -> bytes:
    return hmac.new(key, text, hashlib.sha256).digest()


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
