"""Bulk 2.0 jobs: a query's rows in pages, an upload's result row by row."""

import csv
import io
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from integrations.crm.salesforce.fields import moment
from integrations.crm.salesforce.session import Denied, Session, problem
from integrations.sources import SourceError
from integrations.sync.transport import Lost, Reply

ENDED = frozenset({"JobComplete", "Failed", "Aborted"})
Cells = dict[str, str]


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What became of an upload, by the rows' own column ``Id``.

    ``stored`` and ``failed`` (with Salesforce's text) were looked at; ``unprocessed`` rows were not. A row in none of
    them is in doubt. ``state`` is the job's, ``error`` what it says about itself.
    """

    job: str
    state: str
    error: str
    stored: frozenset[str]
    failed: Mapping[str, str]
    unprocessed: frozenset[str]


class Unfinished(Exception):  # noqa: N818
    """The upload cannot be followed; ``started`` is False where no row can have been touched."""

    def __init__(self, code: str, reason: str, *, started: bool) -> None:
        super().__init__(reason)
        self.code, self.started = code, started


class Query:
    """A query job; deleted rows come along with ``deleted``."""

    def __init__(self, session: Session, text: str, *, deleted: bool) -> None:
        self._session = session
        body = {"operation": "queryAll" if deleted else "query", "query": text}
        job = session.read("POST", "/jobs/query", body).json()
        self.id = str(job["id"])
        self.begun: datetime = moment(str(job["createdDate"]))

    def pages(self, rows: int) -> Iterator[list[Cells]]:
        """Result rows; raises ``SourceError`` where the job fails."""
        job = _ended(self._session, "query", self.id)
        if job["state"] != "JobComplete":
            said = job.get("errorMessage") or "no reason given"
            raise SourceError(f"{self._session.name}: the query job {self.id} ended {job['state']}: {said}")
        locator = ""
        while True:
            params: dict[str, str | int] = {"maxRecords": rows} | ({"locator": locator} if locator else {})
            reply = self._session.read("GET", f"/jobs/query/{self.id}/results", params=params)
            yield read_csv(reply)
            locator = reply.headers.get("sforce-locator", "null")
            if locator in ("null", ""):
                return

    def remove(self) -> None:
        """Delete the job: its results are copies of customers' rows."""
        _quietly(self._session, "DELETE", f"/jobs/query/{self.id}")


def upload(session: Session, object_name: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Uploaded:
    """Update rows by ``Id``, which is one of the columns, and say what became of each.

    Raises:
        Unfinished: it never began, or nobody says how it ended.
    """
    job = _opened(session, object_name, columns, rows)
    try:
        _sent(session, "PATCH", f"/jobs/ingest/{job}", {"state": "UploadComplete"})
    except Unfinished as lost:  # perhaps it runs: ask before deciding
        if lost.code not in ("no answer", "server"):
            raise
    try:
        info = _ended(session, "ingest", job)
        found = {
            part: _results(session, job, part) for part in ("successfulResults", "failedResults", "unprocessedrecords")
        }
    except SourceError as error:
        raise Unfinished("job", f"job {job}: {error}", started=True) from None
    return Uploaded(
        job=job,
        state=str(info["state"]),
        error=str(info.get("errorMessage") or ""),
        stored=frozenset(row["Id"] for row in found["successfulResults"]),
        failed={row["Id"]: row.get("sf__Error", "") for row in found["failedResults"]},
        unprocessed=frozenset(row["Id"] for row in found["unprocessedrecords"]),
    )


def read_csv(reply: Reply) -> list[Cells]:
    """Rows of a CSV answer; cells may hold line breaks."""
    return list(csv.DictReader(io.StringIO(reply.body.decode("utf-8-sig"), newline="")))


def write_csv(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """An upload with LF between rows."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue().encode()


def _opened(session: Session, object_name: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A job with its rows, not yet closed: until it is, nothing is worked off."""
    body = {"object": object_name, "operation": "update", "contentType": "CSV", "lineEnding": "LF"}
    job = str(_sent(session, "POST", "/jobs/ingest", body).json()["id"])
    headers = {"content-type": "text/csv; charset=UTF-8"}
    try:
        _sent(session, "PUT", f"/jobs/ingest/{job}/batches", write_csv(columns, rows), headers=headers)
    except Unfinished:
        _quietly(session, "PATCH", f"/jobs/ingest/{job}", {"state": "Aborted"})
        raise
    return job


def _sent(session: Session, method: str, path: str, body: Any, **how: Any) -> Reply:
    try:
        reply = session.send(method, path, body, **how)
    except Lost as lost:
        raise Unfinished("no answer", str(lost), started=False) from None
    except Denied as denied:
        raise Unfinished(denied.code, str(denied), started=False) from None
    if reply.status >= 500:
        raise Unfinished("server", f"{reply.status} {reply.said()}", started=False)
    if not reply.ok:
        raise Unfinished(*problem(reply), started=False)
    return reply


def _ended(session: Session, kind: str, job: str) -> Mapping[str, Any]:
    """The job once it has ended; one that takes too long is aborted, so that its rows are settled."""
    deadline = time.monotonic() + session.options.bulk_wait_s
    wait = min(0.1, session.options.poll_s)
    while True:
        info = session.read("GET", f"/jobs/{kind}/{job}").json()
        if info["state"] in ENDED:
            return info
        if time.monotonic() > deadline:
            session.read("PATCH", f"/jobs/{kind}/{job}", {"state": "Aborted"})
            deadline = float("inf")
        session.sleep(wait)
        wait = min(session.options.poll_s, wait * 2)


def _results(session: Session, job: str, part: str) -> list[Cells]:
    return read_csv(session.read("GET", f"/jobs/ingest/{job}/{part}"))


def _quietly(session: Session, method: str, path: str, body: Any = None) -> None:
    """Tidying up: the job expires by itself where this fails."""
    try:
        session.send(method, path, body)
    except (Lost, Denied):
        return
