"""A login provider that can lie: the stand-in's answers, with tokens altered and signed anew.

It stands between the dashboards and ``oidc-provider-mock`` and is the provider in their eyes: its metadata name its own
keys and its own token endpoint, so that a token fails for what was altered in it and for nothing else.
"""

import base64
import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from support.http_stub import Asked, Said, serving

Claims = dict[str, Any]
METADATA = "/.well-known/openid-configuration"
KEY_ID = "forger"
# Each forgery, and what it does to the claims; the first three leave them as they are.
FORGERIES: dict[str, Callable[[Claims], Claims]] = {
    "honest": dict,
    "another key": dict,
    "unsigned": dict,
    "another audience": lambda claims: claims | {"aud": "another-app"},
    "another issuer": lambda claims: claims | {"iss": "https://elsewhere.example"},
    "ended an hour ago": lambda claims: claims | {"iat": time.time() - 7200, "exp": time.time() - 3600},
    "another nonce": lambda claims: claims | {"nonce": "replayed"},
}


class Forger:
    """The provider; ``forgery`` says how it lies from now on."""

    def __init__(self, behind: str) -> None:
        self.behind, self.address, self.forgery = behind, "", "honest"
        self._known, self._unknown = (rsa.generate_private_key(65537, 2048) for _ in range(2))

    @contextmanager
    def running(self) -> Iterator["Forger"]:
        """The provider on a free port of the loopback."""
        with serving(self.answer) as address:
            self.address = address.replace("127.0.0.1", "localhost")
            yield self

    @contextmanager
    def forging(self, forgery: str) -> Iterator[None]:
        """Lie so, for a while."""
        self.forgery = forgery
        try:
            yield
        finally:
            self.forgery = "honest"

    def answer(self, asked: Asked) -> Said:
        """Metadata, keys and tokens; people log in at the stand-in itself."""
        if asked.path == "/keys":
            return _said({"keys": [self._key()]})
        if asked.path == "/token":
            return self._token(asked)
        known = json.loads(_fetched(f"{self.behind}{METADATA}"))
        return _said(known | {"token_endpoint": f"{self.address}/token", "jwks_uri": f"{self.address}/keys"})

    def _token(self, asked: Asked) -> Said:
        known = json.loads(_fetched(f"{self.behind}{METADATA}"))
        passed = {name: asked.headers[name] for name in ("authorization", "content-type") if name in asked.headers}
        found = json.loads(_fetched(known["token_endpoint"], asked.body, passed))
        claims = json.loads(_decoded(found["id_token"].split(".")[1]))
        return _said(found | {"id_token": self._signed(FORGERIES[self.forgery](claims))})

    def _signed(self, claims: Claims) -> str:
        unsigned = self.forgery == "unsigned"
        head = {"alg": "none"} if unsigned else {"alg": "RS256", "kid": KEY_ID}
        text = f"{_encoded(json.dumps(head).encode())}.{_encoded(json.dumps(claims).encode())}"
        key = self._unknown if self.forgery == "another key" else self._known
        mark = b"" if unsigned else key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{text}.{_encoded(mark)}"

    def _key(self) -> Claims:
        numbers = self._known.public_key().public_numbers()
        parts = {name: _encoded(value.to_bytes((value.bit_length() + 7) // 8)) for name, value in
                 (("n", numbers.n), ("e", numbers.e))}  # fmt: skip
        return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID, **parts}


def _fetched(address: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(address, body, headers or {}), timeout=30) as answer:
        return answer.read()


def _said(content: Claims) -> Said:
    return Said(200, json.dumps(content).encode(), {"content-type": "application/json"})


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
