"""LTI 1.3 Assignment and Grade Services: a platform's gradebook, written from server to server.

A score carries the time at which it was scored, never the time of the call, so that sending it again changes nothing
and an older one never replaces a newer one: the platform answers 409, which means "already newer".
Source: 1EdTech LTI Assignment and Grade Services 2.0.
"""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import jwt
import orjson

from integrations.sync import answers
from integrations.sync.asking import ask
from integrations.sync.base import Answer, Fate, Limits, Outgoing, Preflight, Presence, Result, Sighting, SyncError
from integrations.sync.transport import Lost, Reply, Transport

SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/"
SCOPES = " ".join(SCOPE + name for name in ("lineitem.readonly", "score", "result.readonly"))
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LINE_ITEMS = "application/vnd.ims.lis.v2.lineitemcontainer+json"
SCORE = "application/vnd.ims.lis.v1.score+json"
RESULTS = "application/vnd.ims.lis.v2.resultcontainer+json"
ASSERTION_S = 60
RENEW_BEFORE_S = 30
TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Registration:
    """What the platform's administrator gave when Rolecall was registered as a tool."""

    client_id: str
    key_id: str
    private_key: str  # PEM, RS256
    token_url: str
    line_items_url: str


@dataclass(frozen=True, slots=True)
class LineItem:
    """A column of the gradebook."""

    url: str
    label: str
    maximum: float
    resource_id: str | None = None
    tag: str | None = None


class Ags:
    """Calls to one platform; the access token is renewed shortly before it ends."""

    def __init__(
        self, transport: Transport, registration: Registration, clock: Callable[[], float] = time.time
    ) -> None:
        self._transport = transport
        self._registration = registration
        self._clock = clock
        self._token: str | None = None
        self._ends_at = 0.0

    def line_items(self) -> list[LineItem]:
        """Every column that the tool may see.

        Raises:
            SyncError: the platform refuses, or answers with something else.
        """
        reply = self._read(self._registration.line_items_url, LINE_ITEMS, "the line items")
        return [
            LineItem(
                item["id"],
                item.get("label", ""),
                float(item.get("scoreMaximum") or 0),
                item.get("resourceId"),
                item.get("tag"),
            )
            for item in reply
        ]

    def results(self, line_item: str, user_id: str | None = None) -> list[Mapping[str, Any]]:
        """Results of a column, of one user where one is named.

        Raises:
            SyncError: as ``line_items``.
        """
        where = beneath(line_item, "results")
        if user_id is not None:
            where += ("&" if "?" in where else "?") + urlencode({"user_id": user_id})
        return list(self._read(where, RESULTS, "the results"))

    def post(self, line_item: str, score: bytes) -> Reply:
        """Send one score; the caller reads the status.

        Raises:
            Lost: no answer.
            SyncError: no access token.
        """
        headers = {"authorization": f"Bearer {self.token()}", "content-type": SCORE}
        return self._transport.send("POST", beneath(line_item, "scores"), headers=headers, content=score)

    def token(self) -> str:
        """An access token that is good for at least half a minute.

        Raises:
            SyncError: the platform gives none.
        """
        if self._token is None or self._clock() > self._ends_at - RENEW_BEFORE_S:
            self._token, self._ends_at = self._new_token()
        return self._token

    def close(self) -> None:
        """Give back connections."""
        self._transport.close()

    def _new_token(self) -> tuple[str, float]:
        registration, now = self._registration, int(self._clock())
        claims = {
            "iss": registration.client_id,
            "sub": registration.client_id,
            "aud": registration.token_url,
            "iat": now,
            "exp": now + ASSERTION_S,
            "jti": str(uuid.uuid4()),
        }
        assertion = jwt.encode(claims, registration.private_key, "RS256", headers={"kid": registration.key_id})
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION,
            "client_assertion": assertion,
            "scope": SCOPES,
        }
        headers = {"content-type": "application/x-www-form-urlencoded"}
        try:
            reply = ask(
                self._transport, "POST", registration.token_url, headers=headers, content=urlencode(form).encode()
            )
        except Lost as lost:
            raise SyncError(f"the platform gives no token: {lost}", "Check token_url and the network") from lost
        said = reply.json()
        if not reply.ok or not isinstance(said, dict) or not said.get("access_token"):
            raise SyncError(
                f"the platform gives no token: status {reply.status}",
                "Check client_id, key_id and that the platform holds the public key of the private key in use",
            )
        return said["access_token"], self._clock() + float(said.get("expires_in") or ASSERTION_S)

    def _read(self, url: str, accept: str, what: str) -> list[Any]:
        headers = {"authorization": f"Bearer {self.token()}", "accept": accept}
        try:
            reply = ask(self._transport, "GET", url, headers=headers)
        except Lost as lost:
            raise SyncError(f"{what} cannot be read: {lost}", "Check line_items_url and the network") from lost
        found = reply.json()
        if not reply.ok or not isinstance(found, list):
            raise SyncError(
                f"{what} cannot be read: status {reply.status}", "Check line_items_url and the tool's services"
            )
        return found


class GradeSink:
    """Scores of one column for the sync engine, one call a score; a payload is the body that the service takes."""

    def __init__(self, ags: Ags, line_item: str) -> None:
        self._ags = ags
        self._line_item = line_item

    def preflight(self) -> Preflight:
        """Sign in and see the column.

        Raises:
            SyncError: no token, no rights, no such column.
        """
        seen = {item.url for item in self._ags.line_items()}
        if self._line_item not in seen:
            raise SyncError(
                f"the platform shows no line item {self._line_item}",
                f"It shows {', '.join(sorted(seen)) or 'none'}; name one of these, or create the activity with a grade",
            )
        return Preflight(Limits(batch_count=1, batch_bytes=None))

    def apply(self, batch: Sequence[Outgoing]) -> Answer:
        """Send the one score of the batch."""
        try:
            reply = self._ags.post(self._line_item, batch[0].payload)
        except Lost as lost:
            return answers.lost(lost)
        if reply.ok:
            return [Result(Fate.STORED, str(reply.status))]
        if reply.status == 409:
            return [Result(Fate.STORED, "newer", "the platform holds a newer score")]
        return answers.whole(reply)

    def read_back(self, batch: Sequence[Outgoing]) -> Sequence[Sighting]:
        """Compare each score with the column's result."""
        return [self._sighting(orjson.loads(record.payload)) for record in batch]

    def close(self) -> None:
        """Give back connections."""
        self._ags.close()

    def _sighting(self, sent: Mapping[str, Any]) -> Sighting:
        try:
            found = self._ags.results(self._line_item, sent["userId"])
        except SyncError as error:
            return answers.unread(str(error))
        mine = [result for result in found if str(result.get("userId")) == sent["userId"]]
        if not mine or mine[0].get("resultScore") is None:
            return Sighting(Presence.ABSENT)
        held = float(mine[0]["resultScore"]) / float(mine[0].get("resultMaximum") or 1)
        # Another value may be a newer score or a person's: sending again is safe, since the platform compares times.
        same = abs(held - sent["scoreGiven"] / sent["scoreMaximum"]) < TOLERANCE
        return Sighting(Presence.SAME if same else Presence.ABSENT)


def score(
    user_id: str, given: float, maximum: float, scored_at: datetime, comment: str | None = None
) -> dict[str, Any]:
    """The body of a final score. ``scored_at`` has an offset; ``given`` may be 0, ``maximum`` may not.

    Raises:
        ValueError: a maximum that no platform takes, or a naive time.
    """
    if maximum <= 0:
        raise ValueError("scoreMaximum must be above 0")
    if scored_at.tzinfo is None:
        raise ValueError("scored_at needs an offset")
    body = {
        "userId": user_id,
        "scoreGiven": given,
        "scoreMaximum": maximum,
        "activityProgress": "Completed",
        "gradingProgress": "FullyGraded",  # only such a score counts in a gradebook
        "timestamp": scored_at.astimezone(UTC).isoformat(timespec="milliseconds"),
    }
    return body if comment is None else body | {"comment": comment}


def beneath(line_item: str, part: str) -> str:
    """The address of a line item's ``scores`` or ``results``: the path grows, a query stays at the end."""
    address = urlsplit(line_item)
    return urlunsplit(address._replace(path=f"{address.path.rstrip('/')}/{part}"))
