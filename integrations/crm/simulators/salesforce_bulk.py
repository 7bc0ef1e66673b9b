"""Bulk API 2.0 of the simulated Salesforce: ingest and query jobs with all their result files.

A job is worked off when its upload is closed; its state says so only after ``Org.bulk_polls`` looks, so that a
client has to poll. All rows of a job carry one SystemModstamp, as in the real organisation. An empty cell leaves a
field alone, ``#N/A`` clears it.
"""

import csv
import io
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from integrations.crm.salesforce.fields import long_id
from integrations.crm.simulators.salesforce_org import Org, bulk_error, csv_value
from integrations.crm.simulators.salesforce_rest import encoded, select, table_of, upsert
from integrations.crm.simulators.store import Record, Refused, Table

DELIMITERS = {"BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}
ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
NULL = "#N/A"
WRITES = frozenset({"insert", "update", "upsert", "delete", "hardDelete"})
RESULTS = {"successfulresults": "done", "failedresults": "failed", "unprocessedrecords": "left"}
Row = dict[str, Any]


@dataclass
class Job:
    """One job; ``polls`` counts down to the state it has reached."""

    id: str
    operation: str
    object: str
    delimiter: str
    ending: str
    created: datetime
    external_id: str | None = None
    state: str = "Open"
    polls: int = 0
    error: str | None = None
    upload: str | None = None
    sent: list[str] = field(default_factory=list)
    done: list[tuple[str, str, list[str]]] = field(default_factory=list)
    failed: list[tuple[str, str, list[str]]] = field(default_factory=list)
    left: list[list[str]] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)


class Bulk:
    """Handlers over one organisation; ingest and query jobs live apart."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._jobs: dict[str, Job] = {}

    def routes(self) -> list[BaseRoute]:
        """Addresses below ``/services/data/vXX.X``."""
        job = "/jobs/{kind}/{job}"
        return [
            Route("/jobs/ingest", self.open_ingest, methods=["POST"]),
            Route("/jobs/query", self.open_query, methods=["POST"]),
            Route("/jobs/{kind}", self.jobs),
            Route(f"{job}/batches", self.upload, methods=["PUT"]),
            Route(f"{job}/results", self.results),
            Route(job, self.status, methods=["GET"]),
            Route(job, self.close, methods=["PATCH"]),
            Route(job, self.remove, methods=["DELETE"]),
            Route(f"{job}/{{file}}", self.file),
        ]

    async def open_ingest(self, request: Request) -> Response:
        body = await _body(request)
        if body.get("operation") not in WRITES:
            raise Refused("INVALIDJOB", f"Unsupported operation: {body.get('operation')}")
        table = table_of(self._org, str(body.get("object", "")))
        name = body.get("externalIdFieldName")
        if body["operation"] == "upsert" and not name:
            raise Refused("INVALIDJOB", "externalIdFieldName is required for upsert")
        if name and (name not in table.fields or not (table.fields[name].unique or name == "Id")):
            raise Refused("INVALIDJOB", f"InvalidJob : Field name provided, {name} does not match an External ID")
        job = self._new(body, table.name)
        job.external_id = name
        return JSONResponse(self._shown(request, job))

    async def open_query(self, request: Request) -> Response:
        body = await _body(request)
        query, rows = select(self._org, str(body.get("query", "")), body.get("operation") == "queryAll")
        job = self._new(body, query.object)
        table = table_of(self._org, query.object)
        job.sent = list(query.fields)
        job.rows = [[csv_value(self._org.value(table, row, name)) for name in job.sent] for row in rows]
        job.state, job.polls = "JobComplete", self._org.bulk_polls
        return JSONResponse(self._shown(request, job))

    def _new(self, body: Row, name: str) -> Job:
        delimiter = DELIMITERS[str(body.get("columnDelimiter") or "COMMA")]
        ending = ENDINGS[str(body.get("lineEnding") or "LF")]
        key = long_id(f"750000{len(self._jobs) + 1:09d}")
        job = Job(key, str(body["operation"]), name, delimiter, ending, self._org.now())
        self._jobs[key] = job
        return job

    async def jobs(self, request: Request) -> Response:
        kind = request.path_params["kind"]
        found = [job for job in self._jobs.values() if (kind == "query") == (job.operation not in WRITES)]
        return JSONResponse({"done": True, "records": [self._shown(request, job) for job in found]})

    async def upload(self, request: Request) -> Response:
        job = self._job(request)
        if job.state != "Open" or job.upload is not None:
            raise Refused("INVALIDJOBSTATE", "Content has already been provided for this job")
        job.upload = (await request.body()).decode("utf-8-sig")
        return Response(status_code=201)

    async def close(self, request: Request) -> Response:
        job, state = self._job(request), (await _body(request)).get("state")
        if state == "Aborted":
            job.state, job.polls = "Aborted", 0
        elif state == "UploadComplete" and job.state == "Open":
            work_off(self._org, job)
            job.polls = self._org.bulk_polls
        else:
            raise Refused("INVALIDJOBSTATE", f"Job cannot go from {job.state} to {state}")
        return JSONResponse(self._shown(request, job))

    async def status(self, request: Request) -> Response:
        job = self._job(request)
        shown = self._shown(request, job)
        job.polls = max(0, job.polls - 1)
        return JSONResponse(shown)

    async def remove(self, request: Request) -> Response:
        del self._jobs[self._job(request).id]
        return Response(status_code=204)

    async def file(self, request: Request) -> Response:
        job = self._finished(request)
        part = RESULTS.get(request.path_params["file"].lower())
        if part is None:
            raise Refused("not_found", "The requested resource does not exist")
        if part == "left":
            return _csv(job, [job.sent, *job.left])
        head = ["sf__Id", "sf__Created" if part == "done" else "sf__Error"]
        rows = job.done if part == "done" else job.failed
        return _csv(job, [[*head, *job.sent], *([key, said, *cells] for key, said, cells in rows)])

    async def results(self, request: Request) -> Response:
        job = self._finished(request)
        most = min(int(request.query_params.get("maxRecords") or self._org.bulk_page_rows), self._org.bulk_page_rows)
        places = {encoded(str(at)): at for at in range(0, len(job.rows) + 1, most)}
        given = request.query_params.get("locator")
        if given and given not in places:
            raise Refused("INVALID_LOCATOR", "invalid query locator")
        start = places[given] if given else 0
        page = job.rows[start : start + most]
        answer = _csv(job, [job.sent, *page])
        answer.headers["sforce-locator"] = encoded(str(start + most)) if start + most < len(job.rows) else "null"
        answer.headers["sforce-numberofrecords"] = str(len(page))
        return answer

    def _job(self, request: Request) -> Job:
        job = self._jobs.get(long_id(request.path_params["job"]))
        if job is None:
            raise Refused("not_found", "The requested resource does not exist")
        return job

    def _finished(self, request: Request) -> Job:
        job = self._job(request)
        if job.polls or job.state not in ("JobComplete", "Failed", "Aborted"):
            raise Refused("INVALIDJOBSTATE", "Job has not reached a final state")
        return job

    def _shown(self, request: Request, job: Job) -> Row:
        ingest = job.operation in WRITES
        version = request.path_params["version"]
        shown: Row = {
            "id": job.id,
            "operation": job.operation,
            "object": job.object,
            "createdById": "005000000000001AAA",
            "createdDate": job.created.strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
            "systemModstamp": job.created.strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
            "state": "InProgress" if job.polls else job.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(version.lstrip("v")),
            "lineEnding": next(name for name, text in ENDINGS.items() if text == job.ending),
            "columnDelimiter": next(name for name, text in DELIMITERS.items() if text == job.delimiter),
            "retries": 0,
            "totalProcessingTime": 1,
        }
        if not ingest:
            return shown | {"numberRecordsProcessed": 0 if job.polls else len(job.rows)}
        shown |= {
            "jobType": "V2Ingest",
            "contentUrl": f"services/data/{version}/jobs/ingest/{job.id}/batches",
            "numberRecordsProcessed": 0 if job.polls else len(job.done) + len(job.failed),
            "numberRecordsFailed": 0 if job.polls else len(job.failed),
        }
        shown |= {"externalIdFieldName": job.external_id} if job.external_id else {}
        return shown | ({"errorMessage": job.error} if job.error and not job.polls else {})


def work_off(org: Org, job: Job) -> None:
    """Save the uploaded rows; each ends among done, failed or left, and the job complete or failed."""
    table = table_of(org, job.object)
    lines = list(csv.reader(io.StringIO(job.upload or "", newline=""), delimiter=job.delimiter))
    job.sent = lines[0] if lines else []
    rows = [line for line in lines[1:] if line]
    unknown = next((name for name in job.sent if name not in table.fields), None)
    if unknown is not None:
        job.state, job.error, job.left = "Failed", f"InvalidBatch : Field name not found : {unknown}", rows
        return
    doubled = _doubled(job, rows)
    at = org.now()
    stop = len(rows) if org.bulk_stops_after is None else org.bulk_stops_after
    for cells in rows[:stop]:
        values = {name: _cell(cell) for name, cell in zip(job.sent, cells, strict=False) if cell != ""}
        key = values.get("Id") or ""
        try:
            row, created = _saved(org, job, table, values, doubled, at)
        except Refused as refused:
            job.failed.append((key, bulk_error(refused), cells))
        else:
            job.done.append((row.id, "true" if created else "false", cells))
    job.left = rows[stop:]
    job.state = "Failed" if job.left else "JobComplete"
    job.error = "InternalServerError : the job was stopped" if job.left else None


def _saved(
    org: Org, job: Job, table: Table, values: dict[str, Any], doubled: set[str], at: datetime
) -> tuple[Record, bool]:
    if job.operation == "insert":
        return table.insert({name: value for name, value in values.items() if name != "Id"}, at), True
    if job.operation == "upsert":
        name = job.external_id or "Id"
        if str(values.get(name)).casefold() in doubled:
            raise Refused("two_rows", f"Duplicate external id specified: {values.get(name)}", name)
        return upsert(org, table, name, values, at)
    key = values.pop("Id", None)
    if not key:
        raise Refused("id_missing", "Id not specified in an update call")
    row = table.get(long_id(key))
    if job.operation == "update":
        return table.update(row.id, values, at), False
    table.delete(row.id, at)
    return row, False


def _doubled(job: Job, rows: list[list[str]]) -> set[str]:
    """External ids that an upload names twice: Salesforce saves neither."""
    if job.external_id is None or job.external_id not in job.sent:
        return set()
    at = job.sent.index(job.external_id)
    keys = [row[at].casefold() for row in rows if len(row) > at and row[at]]
    return {key for key in keys if keys.count(key) > 1} if len(set(keys)) < len(keys) else set()


def _cell(text: str) -> str | None:
    return None if text == NULL else text


def _csv(job: Job, rows: list[list[str]]) -> Response:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=job.delimiter, lineterminator=job.ending, quoting=csv.QUOTE_ALL).writerows(rows)
    return Response(out.getvalue().encode(), media_type="text/csv; charset=UTF-8")


async def _body(request: Request) -> Row:
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        raise Refused("JSON_PARSER_ERROR", "not JSON") from None
    return body if isinstance(body, dict) else {}
