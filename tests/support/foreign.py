"""Statements of other systems, and an LRS in memory whose paging and clock misbehave as told."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import orjson

from integrations.engine.times import iso, parse
from integrations.sync.transport import Transport
from integrations.xapi.pages import CONSISTENT, Pages
from integrations.xapi.source import ADL, LrsOptions, LrsSource

URL = "http://lrs.example/xapi"
START = datetime(2026, 11, 1, tzinfo=UTC)
COURSE = "https://lms.example/course/7"


def foreign(number: int, verb: str = "completed", **more: Any) -> dict[str, Any]:
    """A statement of an LMS about person ``number``."""
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{number}/{verb}")),
        "actor": {"objectType": "Agent", "mbox": f"mailto:rep{number}@example.com"},
        "verb": {"id": f"{ADL}{verb}"},
        "object": {"objectType": "Activity", "id": COURSE, "definition": {"name": {"en": "Course 7"}}},
        "timestamp": "2026-10-01T10:00:00.000Z",
        **more,
    }


class MemoryLrs:
    """Keeps statements with the millisecond in which each was stored.

    ``tells`` says through which moment it is consistent, None: it sends no such header. A statement shows from its
    ``visible`` moment on. ``lossy`` drops at the border of two pages what shares the border's millisecond; ``upside``
    lists the newest first whatever was asked.
    """

    def __init__(self, *, tells: bool = True, lossy: bool = False, upside: bool = False, most: int = 100) -> None:
        self.tells, self.lossy, self.upside, self.most = tells, lossy, upside, most
        self.kept: list[tuple[datetime, datetime, dict[str, Any]]] = []
        self.now = START
        self.calls = 0
        self.fail: Callable[[int], bool] = lambda _: False

    def put(self, statement: dict[str, Any], late: timedelta = timedelta(0)) -> None:
        """Store now; it shows later by ``late``."""
        told = {**statement, "stored": iso(self.now)}
        self.kept.append((self.now, self.now + late, told))

    def source(self, page: int = 3, **options: Any) -> LrsSource:
        """A connector that reads it."""
        transport = Transport(URL, http=httpx.MockTransport(self._answer))
        return LrsSource("lms", Pages(transport, URL, page, sleep=lambda _: None), LrsOptions(page=page, **options))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        if self.fail(self.calls):
            return httpx.Response(400, text="as told")
        asked = {name: values[0] for name, values in parse_qs(urlsplit(str(request.url)).query).items()}
        found = self._matching(asked)
        start, limit = int(asked.get("start", "0")), int(asked.get("limit", self.most))
        shown, rest = found[start : start + limit], found[start + limit :]
        skipped = sum(at == shown[-1][0] for at, _ in rest) if self.lossy and shown else 0
        following = {**asked, "start": str(start + limit + skipped)}
        more = f"/xapi/statements?{httpx.QueryParams(following)}" if len(rest) > skipped else ""
        headers = {CONSISTENT: iso(self._consistent()) or ""} if self.tells else {}
        body = orjson.dumps({"statements": [each for _, each in shown], "more": more})
        return httpx.Response(200, content=body, headers=headers)

    def _matching(self, asked: dict[str, str]) -> list[tuple[datetime, dict[str, Any]]]:
        since, until = parse(asked.get("since")), parse(asked.get("until"))
        found = [
            (at, each)
            for at, visible, each in self.kept
            if visible <= self.now and each["verb"]["id"] == asked["verb"]
            and (since is None or at > since) and (until is None or at <= until)
        ]  # fmt: skip
        return sorted(found, key=lambda each: each[0], reverse=self.upside)

    def _consistent(self) -> datetime:
        waiting = [at for at, visible, _ in self.kept if visible > self.now]
        return min([self.now, *(at - timedelta(milliseconds=1) for at in waiting)])
