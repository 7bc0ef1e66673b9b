"""Statements of an LRS, page after page in the order in which it stored them, and how far reading has come.

An LRS is read twice where its word cannot be trusted: from a little before the last statement that was read, because
statements may show late, and at the border of two pages, because cursors were seen that drop statements of the same
millisecond. One that does not say through which moment it is consistent, as it must, is read from the start each time:
such LRSs were seen to take ``since`` for the time of the event. So a statement may come twice, but it comes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

from integrations.engine.times import iso, parse_or_none
from integrations.sources import SourceError
from integrations.sync.asking import Sleep, ask
from integrations.sync.transport import Lost, Reply, Transport

CONSISTENT = "x-experience-api-consistent-through"
TIE = timedelta(milliseconds=1)  # the finest time that every LRS keeps
OVERLAP = timedelta(seconds=1)  # before the time through which the LRS says that it is consistent
Statement = Any  # JSON as the LRS sent it; nothing about it is known yet


@dataclass(frozen=True, slots=True)
class Batch:
    """Statements of one answer.

    ``since`` is where reading may go on once they have landed; None: where it went on this time.
    """

    statements: Sequence[Statement]
    since: datetime | None


class Pages:
    """Reads one LRS whose endpoint is ``url``.

    Raises:
        SourceError: from every method, where it does not answer or refuses.
    """

    def __init__(self, transport: Transport, url: str, limit: int, sleep: Sleep | None = None) -> None:
        self.transport, self.url, self.limit = transport, url.rstrip("/") + "/", limit
        self._sleep = sleep

    def read(self, asked: Mapping[str, str], since: datetime | None) -> Iterator[Batch]:
        """Every statement with these filters that was stored after ``since``.

        A page's place is passed on when the page after it was stored no earlier: an LRS that does not sort would
        otherwise leave a gap behind if reading broke off.
        """
        place = _Place(since)
        address, params = "statements", self._params(asked, since)
        visited: set[str] = set()
        while True:
            reply = self._get(address, params)
            place.trust(reply)
            statements, more = _parts(reply, self.url)
            statements = [*statements, *self._border(asked, statements)]
            following = self._following(more, visited)
            place.take(statements)
            yield Batch(statements, place.reached if following is not None else place.end)
            if following is None:
                return
            address, params = following, {}

    def check(self) -> None:
        """Whether the LRS lets us read."""
        _parts(self._get("statements", {"limit": "1"}), self.url)

    def _params(self, asked: Mapping[str, str], since: datetime | None) -> dict[str, str | int]:
        start = {} if since is None else {"since": iso(since) or ""}
        return {**asked, **start, "ascending": "true", "limit": self.limit}

    def _border(self, asked: Mapping[str, str], page: Sequence[Statement]) -> Sequence[Statement]:
        """What was stored in the same moment as the page's last statement and is not on it."""
        last = stored(page[-1]) if page else None
        if last is None:
            return ()
        params = {**asked, "since": iso(last - TIE) or "", "until": iso(last) or "", "ascending": "true"}
        found, _ = _parts(self._get("statements", params), self.url)
        known = {_id(each) for each in page}
        return [each for each in found if _id(each) not in known]

    def _following(self, more: object, visited: set[str]) -> str | None:
        """The next page's address: on the same server, since our credentials go along, and not one read before."""
        if not isinstance(more, str) or not more:
            return None
        address = urljoin(self.url, more)
        if urlsplit(address)[:2] != urlsplit(self.url)[:2]:
            raise SourceError(
                f"{self.url} sends us to another server for the next page", "Set url: to the address that it goes by"
            )
        if address in visited:
            raise SourceError(f"{self.url} names the same page again as the next one", "Ask the operator of the LRS")
        visited.add(address)
        return address

    def _get(self, address: str, params: Mapping[str, str | int]) -> Reply:
        try:
            reply = ask(self.transport, "GET", address, params=params or None, sleep=self._sleep)
        except Lost as error:
            raise SourceError(f"{self.url} does not answer: {error}", "Check url and network") from error
        if reply.status in (401, 403):
            raise SourceError(
                f"{self.url} does not let us read ({reply.status})", "Check the connector's secrets and their scope"
            )
        if not reply.ok:
            said = self.transport.redact(reply.said())
            raise SourceError(f"{self.url} answered {reply.status}: {said}", "Check url, version and filters")
        return reply


class _Place:
    """How far reading has come, for sure and as it seems."""

    def __init__(self, since: datetime | None) -> None:
        self._since = since
        self._through: datetime | None = None
        self._asked = False
        self._latest: datetime | None = None
        self._sorted = True
        self.reached: datetime | None = None

    def trust(self, reply: Reply) -> None:
        """The first answer says through which moment the LRS is consistent: later ones may be ahead of its pages."""
        if not self._asked:
            self._through, self._asked = parse_or_none(reply.headers.get(CONSISTENT)), True

    def take(self, statements: Sequence[Statement]) -> None:
        times = [at for each in statements if (at := stored(each)) is not None]
        if not times:
            return
        before, newest = self._latest, max(times)
        self._sorted = self._sorted and (before is None or min(times) >= before)
        rose = self._sorted and before is not None and newest > before
        self.reached = self._before(before) if rose and before is not None else None
        self._latest = newest if before is None else max(before, newest)

    @property
    def end(self) -> datetime | None:
        """The place after the last page."""
        return self._since if self._latest is None else self._before(self._latest)

    def _before(self, latest: datetime) -> datetime | None:
        if self._through is None:
            return None
        found = min(latest, self._through) - OVERLAP
        return found if self._since is None else max(found, self._since)


def stored(statement: Statement) -> datetime | None:
    """When the LRS stored it."""
    return parse_or_none(statement.get("stored")) if isinstance(statement, dict) else None


def _id(statement: Statement) -> object:
    return statement.get("id") if isinstance(statement, dict) else None


def _parts(reply: Reply, url: str) -> tuple[Sequence[Statement], object]:
    body = reply.json()
    if not isinstance(body, dict) or not isinstance(body.get("statements"), list):
        raise SourceError(f"{url} answers no list of statements", "Set url: to the address that /statements is below")
    return body["statements"], body.get("more")
