"""One HTTP transport for every target: keep-alive, time-outs, limits from headers, and no secret in any log.

It makes one call at a time and never repeats one: what a failure means is the engine's business.
"""

import base64
import gzip
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson

from governance.redaction import hush_http, redact
from integrations.sync.pacing import Bucket

LOG = logging.getLogger("rolecall.sync")
CONNECT_S, READ_S = 10.0, 60.0
GZIP_FROM = 1_000  # smaller bodies grow by it
LONGEST_SAID = 300

# httpx raises these before a byte of the request has left.
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.ProxyError)


class Lost(Exception):  # noqa: N818 - says what happened to the answer
    """No answer came. ``sent`` is False where the request cannot have reached the server."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON, None where it is none: an empty 204, an HTML page of a proxy."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None

    def said(self) -> str:
        """What the server wrote, on one line, for a reject's reason."""
        return " ".join(self.body[: 4 * LONGEST_SAID].decode("utf-8", "replace").split())[:LONGEST_SAID]


class Transport:
    """Calls to one server.

    Args:
        base_url: address that paths are appended to; it may hold no user and password.
        auth: Basic credentials, or None.
        headers: sent with every call.
        secrets: texts that never appear in logs or errors; ``auth`` is known already.
        bucket: how many calls a minute; limits that the server states are learnt into it.
        http: httpx's transport, for tests.
    """

    def __init__(
        self,
        base_url: str,
        *,
        auth: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        secrets: Sequence[str] = (),
        bucket: Bucket | None = None,
        read_s: float = READ_S,
        http: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        hush_http()
        known = [*secrets, *((auth[1], base64.b64encode(":".join(auth).encode()).decode()) if auth else ())]
        self._secrets = tuple(sorted(filter(None, known), key=len, reverse=True))
        self._bucket = bucket or Bucket()
        self._sleep = sleep
        self._http = httpx.Client(
            base_url=base_url.rstrip("/") + "/",
            auth=auth,
            headers=dict(headers or {}),
            timeout=httpx.Timeout(read_s, connect=CONNECT_S),
            transport=http,
            follow_redirects=False,  # a redirected POST becomes a GET, and credentials follow it elsewhere
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        squeeze: bool = False,
    ) -> Reply:
        """One call; ``squeeze`` sends the body gzipped where that pays.

        Raises:
            Lost: no answer.
        """
        self._wait()
        given = dict(headers or {})
        if squeeze and content is not None and len(content) >= GZIP_FROM:
            content, given["content-encoding"] = gzip.compress(content, 1), "gzip"
        started = time.monotonic()
        try:
            response = self._http.request(method, path.lstrip("/"), params=params, headers=given, content=content)
        except httpx.HTTPError as error:
            reason = self.redact(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
            LOG.info("%s %s: %s", method, self.redact(path), reason)
            raise Lost(reason, sent=not isinstance(error, _UNSENT)) from None
        reply = Reply(response.status_code, {k.lower(): v for k, v in response.headers.items()}, response.content)
        self._bucket.learn(reply.headers, time.monotonic())
        seconds = time.monotonic() - started
        LOG.debug("%s %s: %d in %.3f s, %d bytes", method, self.redact(path), reply.status, seconds, len(reply.body))
        return reply

    def redact(self, text: str) -> str:
        """The text without this server's secrets and without anything that looks like one."""
        return redact(text, self._secrets)

    def now(self) -> datetime:
        """The present moment, for what a server says in absolute times."""
        return datetime.now(UTC)

    def _wait(self) -> None:
        delay = self._bucket.delay(time.monotonic())
        if delay > 0:
            self._sleep(delay)
        self._bucket.take(time.monotonic())
