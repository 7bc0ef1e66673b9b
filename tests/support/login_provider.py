"""A login provider whose answers a test decides: what stands in the ID token, and which key signs it."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from support import http_stub
from support.http_stub import Asked, Said

from integrations.scorm.oidc import Client

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
FOREIGN = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CLIENT_ID = "rolecall"


@dataclass
class LoginProvider:
    """``claims`` are laid over those of an honest token, whose header names the key ``kid``.

    ``asked`` are the forms that the token endpoint got.
    """

    address: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    nonce: str = ""
    key: Any = KEY
    algorithm: str = "RS256"
    kid: str | None = "k1"
    asked: list[dict[str, str]] = field(default_factory=list)

    @property
    def client(self) -> Client:
        return Client(f"{self.address}/.well-known/openid-configuration", CLIENT_ID, "s3cret", "openid email")

    def answer(self, asked: Asked) -> Said:
        path = asked.path.partition("?")[0]
        if path == "/.well-known/openid-configuration":
            named = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
            return self._json(
                {"issuer": self.address, **{name: f"{self.address}/{end}" for name, end in named.items()}}
            )
        if path == "/keys":
            public = RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
            return self._json({"keys": [{**public, "kid": "k1", "use": "sig"}]})
        self.asked.append({name: values[0] for name, values in parse_qs(asked.body.decode()).items()})
        return self._json({"access_token": "a", "token_type": "Bearer", "id_token": self._token()})

    def _token(self) -> str:
        now = int(time.time())
        honest = {"iss": self.address, "aud": CLIENT_ID, "sub": "u1", "iat": now, "exp": now + 300,
                  "nonce": self.nonce, "email": "ada@example.com"}  # fmt: skip
        claims = {name: value for name, value in (honest | self.claims).items() if value is not None}
        return jwt.encode(claims, self.key, algorithm=self.algorithm, headers={"kid": self.kid} if self.kid else None)

    @staticmethod
    def _json(body: object) -> Said:
        return Said(200, json.dumps(body).encode(), {"content-type": "application/json"})


@contextmanager
def serving() -> Iterator[LoginProvider]:
    """The provider while it runs."""
    provider = LoginProvider()
    with http_stub.serving(provider.answer) as address:
        provider.address = address
        yield provider
