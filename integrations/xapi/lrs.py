"""A Learning Record Store as a target of the sync engine.

What LRSs answer differs; this file takes every answer that was measured. 200 with ids and 204 without a body are both
success; 409 says neither that a statement is there nor that it is not; one bad statement refuses its whole batch.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from integrations.sync import answers
from integrations.sync.base import (
    Answer,
    Fate,
    Limits,
    Outgoing,
    Preflight,
    Presence,
    Result,
    Sighting,
    SyncError,
    Verdict,
    Whole,
)
from integrations.sync.credentials import optional_secret, secret
from integrations.sync.pacing import Bucket
from integrations.sync.transport import Lost, Reply, Transport
from integrations.xapi.destinations import Destination
from integrations.xapi.equality import differences
from integrations.xapi.multipart import mixed
from integrations.xapi.signing import Signed, private_key, sign
from integrations.xapi.vocabulary import Verb

HEADER = "x-experience-api-version"
SPELLED = {"1.0.3": "1.0.3", "2.0": "2.0.0"}
VOIDING = f'"{Verb.VOIDED}"'.encode()
SIGNED_GROWTH = 4  # a signature carries the statement in base64, and its certificates
FOUND, GONE = (200,), (404, 410)
NO_GZIP = (400, 415, 500)  # what LRSs answer that take no gzip
Signs = Callable[[Outgoing], bool]


def transport_of(name: str, destination: Destination, http: httpx.BaseTransport | None = None) -> Transport:
    """The connection to a destination, with its secrets from the environment.

    Raises:
        SyncError: it has no address, or a secret is missing.
    """
    if destination.url is None:
        raise SyncError(f"connector {name} has no url", f"Add url: to config/connectors/{name}.yaml")
    auth, headers, secrets = None, {HEADER: SPELLED[destination.version]}, []
    if destination.auth == "basic":
        auth = (secret(name, "key"), secret(name, "secret"))
    elif destination.auth == "bearer":
        token = secret(name, "token")
        headers["authorization"] = f"Bearer {token}"
        secrets.append(token)
    return Transport(
        destination.url,
        auth=auth,
        headers=headers,
        secrets=secrets,
        bucket=Bucket(destination.calls_a_minute),
        read_s=destination.timeout_s,
        http=http,
    )


def signing_key(name: str, destination: Destination) -> RSAPrivateKey | None:
    """The key of a destination that takes signed statements."""
    if not destination.sign:
        return None
    given = secret(name, "signing_key")
    try:
        pem = given.encode() if given.lstrip().startswith("-----") else Path(given).read_bytes()
    except OSError as error:
        raise SyncError(
            f"connector {name}: the signing key {given} cannot be read: {error.strerror}",
            "Give the path of a PEM file, or the PEM itself",
        ) from error
    phrase = optional_secret(name, "signing_passphrase")
    return private_key(pem, phrase.encode() if phrase else None)


class Lrs:
    """One LRS. ``signs`` tells which records are signed on the way, with ``key``."""

    def __init__(
        self,
        destination: Destination,
        transport: Transport,
        *,
        key: RSAPrivateKey | None = None,
        signs: Signs = lambda _: False,
    ) -> None:
        self.destination, self.transport = destination, transport
        self._key, self._signs = key, signs
        self._squeeze = destination.gzip
        self._inflates = False

    def close(self) -> None:
        """Give back connections."""
        self.transport.close()

    def preflight(self) -> Preflight:
        """The version it offers, and that it lets us in."""
        notes = [*self._about(), *self._allowed()]
        given = self.destination
        size = given.batch_bytes // SIGNED_GROWTH if self._key is not None else given.batch_bytes
        limits = Limits(given.batch_count, size, given.calls_a_day, given.statements_a_day)
        return Preflight(limits, tuple(notes))

    def apply(self, batch: Sequence[Outgoing]) -> Answer:
        """One POST; the bytes of each statement as they were frozen."""
        content_type, body = self._body(batch)
        try:
            reply = self._post(content_type, body)
        except Lost as error:
            return answers.lost(error)
        if reply.ok:
            return _stored(reply, batch)
        return _refused(reply, batch, self.transport.redact(reply.said()))

    def read_back(self, batch: Sequence[Outgoing]) -> Sequence[Sighting]:
        """Each statement as the LRS has it, voided or not.

        A batch is stored whole or not at all: where its first statement is absent the others are not asked for. Sending
        them again does no harm, since an LRS takes an id once.
        """
        first = self._look(batch[0])
        if first.presence is Presence.ABSENT:
            return [first for _ in batch]
        return [first, *(self._look(each) for each in batch[1:])]

    def missing(self, keys: Sequence[str]) -> list[str]:
        """Which of these acknowledged statements the LRS no longer has.

        Raises:
            SyncError: it could not be asked.
        """
        gone = []
        for each in keys:
            try:
                found, reply = self._get(each)
            except Lost as error:
                raise SyncError(f"{self.destination.url} could not be asked for what it has: {error}") from error
            if found is None and reply.status not in (*FOUND, *GONE):
                raise SyncError(f"{self.destination.url} answered {reply.status} to a look at what it has")
            if found is None:
                gone.append(each)
        return gone

    def _about(self) -> list[str]:
        try:
            reply = self.transport.send("GET", "about")
        except Lost as error:
            raise SyncError(f"{self.destination.url} does not answer: {error}", "Check url and network") from error
        body = reply.json() if reply.ok else None
        offered = body.get("version") if isinstance(body, dict) else None
        if not isinstance(offered, list):
            return [f"it does not tell its versions (/about: {reply.status}); sending as {self.destination.version}"]
        wanted = self.destination.version
        family = "2.0" if wanted == "2.0" else "1.0"
        if not any(str(each).startswith(family) for each in offered):
            listed = ", ".join(map(str, offered)) or "none"
            raise SyncError(f"{self.destination.url} speaks xAPI {listed}, not {wanted}", "Set version: accordingly")
        better = wanted == "1.0.3" and any(str(each).startswith("2.0") for each in offered)
        return ["it speaks 2.0 too; version: '2.0' would tell managers and cohorts"] if better else []

    def _allowed(self) -> list[str]:
        try:
            reply = self.transport.send("GET", "statements", params={"limit": 1})
        except Lost as error:
            raise SyncError(f"{self.destination.url} does not answer: {error}", "Check url and network") from error
        if reply.status == httpx.codes.FORBIDDEN:
            return ["it does not let us read: after a lost answer statements are sent again"]
        if reply.status in (httpx.codes.UNAUTHORIZED, httpx.codes.BAD_REQUEST):
            raise SyncError(
                f"{self.destination.url} refuses the credentials or the version ({reply.status}):"
                f" {self.transport.redact(reply.said())}",
                "Check the connector's key and secret in the environment, and version:",
            )
        if not reply.ok:
            raise SyncError(
                f"{self.destination.url} answered {reply.status}: {self.transport.redact(reply.said())}",
                "Check url: it is the address that /statements is below",
            )
        return []

    def _body(self, batch: Sequence[Outgoing]) -> tuple[str, bytes]:
        if self._key is None or not any(self._signs(each) for each in batch):
            return "application/json", b"[" + b",".join(each.payload for each in batch) + b"]"
        signed: list[Signed] = []
        bodies: list[bytes] = []
        for each in batch:
            if self._signs(each):
                signed.append(sign(each.payload, self._key))
                bodies.append(signed[-1].statement)
            else:
                bodies.append(each.payload)
        return mixed(bodies, signed)

    def _post(self, content_type: str, body: bytes) -> Reply:
        headers = {"content-type": content_type}
        reply = self.transport.send("POST", "statements", headers=headers, content=body, squeeze=self._squeeze)
        if self._squeeze and not self._inflates and reply.status in NO_GZIP:
            # An id is taken once, so that a repeat does no harm.
            self._squeeze = False
            return self.transport.send("POST", "statements", headers=headers, content=body)
        self._inflates = self._inflates or (self._squeeze and reply.ok)
        return reply

    def _look(self, record: Outgoing) -> Sighting:
        try:
            found, reply = self._get(record.key)
        except Lost as error:
            return answers.unread(str(error), "no answer")
        if found is not None:
            where = list(differences(orjson.loads(record.payload), found))
            if not where:
                return Sighting(Presence.SAME, remote_id=record.key)
            return Sighting(Presence.OTHER, f"it has another version: {'; '.join(where[:5])}", code="409")
        if reply.status in (*FOUND, *GONE):
            return Sighting(Presence.ABSENT)
        return answers.unread(self.transport.redact(reply.said()), str(reply.status))

    def _get(self, statement_id: str) -> tuple[Mapping[str, Any] | None, Reply]:
        """The statement under either id, and the last answer."""
        found = None
        for parameter in ("statementId", "voidedStatementId"):
            reply = self.transport.send("GET", "statements", params={parameter: statement_id})
            found = _statement(reply, statement_id)
            if found is not None or reply.status not in (*FOUND, *GONE):
                break
        return found, reply


def _statement(reply: Reply, statement_id: str) -> Mapping[str, Any] | None:
    """The statement in an answer; some LRSs wrap it into a list."""
    if reply.status not in FOUND:
        return None
    body = reply.json()
    listed = body.get("statements") if isinstance(body, dict) else None
    for each in listed if isinstance(listed, list) else [body]:
        if isinstance(each, dict) and str(each.get("id", "")).lower() == statement_id:
            return each
    return None


def _stored(reply: Reply, batch: Sequence[Outgoing]) -> Answer:
    """Success; where it lists ids, each record whose id is missing is in doubt."""
    body = reply.json()
    listed = {str(each).lower() for each in body} if isinstance(body, list) else None
    return [
        Result(Fate.STORED, str(reply.status), remote_id=each.key)
        if listed is None or each.key in listed
        else Result(Fate.UNKNOWN, str(reply.status), "its id is not among those that the LRS says it stored")
        for each in batch
    ]


def _refused(reply: Reply, batch: Sequence[Outgoing], said: str) -> Whole:
    """403 means the credentials, or that this sender may not void: a batch with a voiding is told apart by halves."""
    answer = answers.whole(reply, said)
    if reply.status == httpx.codes.FORBIDDEN and any(VOIDING in each.payload for each in batch):
        why = said if len(batch) > 1 else f"it does not let us void: {said}"
        return Whole(Verdict.REFUSED, answer.code, why)
    return answer
