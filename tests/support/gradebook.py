"""An LTI platform's grade service, written from the text of the standard: strict about tokens, times and media types.

Line item ids carry a query, as Moodle's do, and a score that is not newer than the stored one gets 409.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from support import http_stub
from support.http_stub import Asked, Said

from integrations.lms.ags import LINE_ITEMS, RESULTS, SCOPES, SCORE, Registration

CLIENT, KEY_ID = "tool-1", "key-1"


class Gradebook:
    """One course with two columns. Tests set ``failures``: (status, whether the score was stored first)."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.scores: dict[tuple[str, str], dict[str, Any]] = {}
        self.tokens: set[str] = set()
        self.assertions: set[str] = set()
        self.failures: list[tuple[int, bool]] = []
        self.posts = 0
        self.address = ""

    def registration(self, key: rsa.RSAPrivateKey | None = None) -> Registration:
        """What the platform's administrator would hand over."""
        pem = (key or self.key).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return Registration(
            CLIENT, KEY_ID, pem.decode(), f"{self.address}/token", f"{self.address}/5/lineitems?type_id=2"
        )

    def line_item(self, number: int) -> str:
        """The id of a column."""
        return f"{self.address}/5/lineitems/{number}/lineitem?type_id=2"

    def answer(self, asked: Asked) -> Said:
        """The answer to one request."""
        path, query = urlsplit(asked.path).path, parse_qs(urlsplit(asked.path).query)
        if path == "/token":
            return self._token(parse_qs(asked.body.decode()))
        if asked.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return Said(401, b"{}")
        if query.get("type_id") != ["2"]:
            return Said(404, b"{}")
        if path == "/5/lineitems" and asked.headers["accept"] == LINE_ITEMS:
            items = [{"id": self.line_item(n), "label": f"Role-play {n}", "scoreMaximum": 100} for n in (1, 2)]
            return Said(body=json.dumps(items).encode())
        item, _, part = path.removeprefix("/5/lineitems/").partition("/lineitem/")
        if part == "scores" and asked.headers["content-type"] == SCORE:
            return self._score(item, json.loads(asked.body))
        if part == "results" and asked.headers["accept"] == RESULTS:
            return self._results(item, query["user_id"][0])
        return Said(404, b"{}")

    def _token(self, form: dict[str, list[str]]) -> Said:
        try:
            claims = jwt.decode(
                form["client_assertion"][0], self.key.public_key(), ["RS256"], audience=f"{self.address}/token",
                options={"require": ["iss", "sub", "exp", "iat", "jti"]},
            )  # fmt: skip
            assert claims["iss"] == claims["sub"] == CLIENT
            assert claims["jti"] not in self.assertions
            assert jwt.get_unverified_header(form["client_assertion"][0])["kid"] == KEY_ID
            assert form["scope"] == [SCOPES]
        except (jwt.PyJWTError, AssertionError):
            return Said(400, b'{"error": "invalid_client"}')
        self.assertions.add(claims["jti"])
        token = f"t{len(self.tokens)}"
        self.tokens.add(token)
        return Said(body=json.dumps({"access_token": token, "expires_in": 3600}).encode())

    def _score(self, item: str, score: dict[str, Any]) -> Said:
        self.posts += 1
        status, store = self.failures.pop(0) if self.failures else (0, True)
        held = self.scores.get((item, score["userId"]))
        newer = held is None or moment(score) > moment(held)
        if store and newer:
            self.scores[item, score["userId"]] = score
        return Said(status or (204 if newer else 409))

    def _results(self, item: str, user: str) -> Said:
        held = self.scores.get((item, user))
        found = [] if held is None else [
            {"userId": user, "resultScore": held["scoreGiven"], "resultMaximum": held["scoreMaximum"]}
        ]  # fmt: skip
        return Said(body=json.dumps(found).encode())


def moment(score: dict[str, Any]) -> datetime:
    """When a score says that it was made; one without an offset or sub-seconds is refused by some platforms."""
    found = datetime.fromisoformat(score["timestamp"])
    assert found.tzinfo is not None
    assert "." in score["timestamp"]
    return found


@contextmanager
def serving(gradebook: Gradebook) -> Iterator[str]:
    """Address of the platform while it runs."""
    with http_stub.serving(gradebook.answer) as address:
        gradebook.address = address
        yield address
