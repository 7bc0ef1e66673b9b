"""Writes fields of people's records in Salesforce, by Id: collections of 200, or Bulk 2.0 where they are many.

An upsert by External ID makes a record where it finds none, and people are never made. So the key, which may be an
External ID, first finds the Ids, and those are updated.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from integrations.crm.base import Found, PersonSink, Unseen
from integrations.crm.config import Writing
from integrations.crm.cursors import shared
from integrations.crm.salesforce.bulk import Query, Unfinished, Uploaded, upload
from integrations.crm.salesforce.fields import Catalogue, cell, from_json, literal, long_id, typed
from integrations.crm.salesforce.session import REMEDIES, Denied, Session, exact, problem
from integrations.sources import FieldInfo, SourceError
from integrations.sync import answers
from integrations.sync.base import Answer, Fate, Limits, Outgoing, Preflight, Result, SyncError, Verdict, Whole
from integrations.sync.transport import Lost, Reply

COLLECTION = 200
BULK_ROWS, BULK_BYTES = 10_000, 90 << 20
WHOLE_FROM = 1_000  # keys from which reading the whole object is cheaper than asking for them
QUERY_CHARACTERS = 6_000  # an address of 16 KiB is refused, and every character may take three
LATER_S = 3_600.0
# refusals of a row that have nothing to do with its values
FOR_NOW = frozenset({
    "UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "QUERY_TIMEOUT", "REQUEST_LIMIT_EXCEEDED", "REQUEST_RUNNING_TOO_LONG",
    "UNKNOWN_EXCEPTION", "STORAGE_LIMIT_EXCEEDED",
})  # fmt: skip
GONE = frozenset({"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "NOT_FOUND"})
NOT_OURS = frozenset({"INVALID_FIELD", "INVALID_TYPE", "NOT_FOUND", "INVALIDJOB", "private_key"})


class SalesforceSink(PersonSink):
    """A ``PersonSink``. ``addresses`` hold values of ``writing.key``: ``Id``, an External ID, an e-mail address."""

    def __init__(self, session: Session, catalogue: Catalogue, writing: Writing, addresses: Mapping[str, str]) -> None:
        if writing.key.lower() == "id":
            addresses = {key: long_id(address) for key, address in addresses.items()}
        super().__init__(writing, addresses)
        self._session, self._catalogue = session, catalogue
        self._key = "Id" if writing.key.lower() == "id" else writing.key
        self._infos = catalogue.fields(writing.object)
        self._shared = shared(addresses)
        self._columns = (self._key, *(name for name in writing.fields.values() if name != self._key))
        if self._key not in self._infos:
            raise SyncError(f"{writing.object} has no field {self._key}", REMEDIES["INVALID_FIELD"])

    def catalogue(self) -> Mapping[str, FieldInfo]:
        """Fields of the object, as it stands."""
        return self._infos

    def limits(self) -> Limits:
        """Collections for few people, jobs for many."""
        if len(self.addresses) >= self._session.options.write_bulk_from:
            return Limits(batch_count=BULK_ROWS, batch_bytes=BULK_BYTES)
        return Limits(batch_count=COLLECTION)

    def preflight(self) -> Preflight:
        """As every CRM's; notes where a key may find several records."""
        found = super().preflight()
        notes = found.notes
        if not self._catalogue.external_id(self.writing.object, self._key):
            notes = (*notes, f"{self._key} is not unique in {self.writing.object}: people found twice are left out")
        return Preflight(found.limits, notes)

    def look(self, batch: Sequence[Outgoing]) -> Sequence[Found | None]:
        """People's records; None also where a key finds several, since nobody knows whose is whose."""
        found = self._matches(batch)
        return [rows[0] if len(rows := found.get(self._address(record), [])) == 1 else None for record in batch]

    def write(self, batch: Sequence[Outgoing]) -> Answer:
        """Find the records, then update them in one call or one job."""
        try:
            found = self._matches(batch)
        except Unseen as why:
            denied = why.code in REMEDIES
            return Whole(Verdict.DENIED if denied else Verdict.UNSENT, why.code, str(why))
        results = {record.key: self._unfit(record, found.get(self._address(record), [])) for record in batch}
        fit = [record for record in batch if results[record.key] is None]
        ids = {record.key: found[self._address(record)][0].remote_id for record in fit}
        answer = self._update(fit, ids) if fit else []
        if isinstance(answer, Whole):
            return answer
        results |= {record.key: result for record, result in zip(fit, answer, strict=True)}
        return [result for record in batch if (result := results[record.key]) is not None]

    def _address(self, record: Outgoing) -> str:
        return self.addresses.get(record.key, "").casefold()

    def _unfit(self, record: Outgoing, rows: Sequence[Found]) -> Result | None:
        address = self._address(record)
        if record.key in self._shared:
            return Result(Fate.REFUSED, "shared_address", f"several learners have the same {self._key}")
        if not address or not rows:
            return Result(Fate.REFUSED, "no_record", f"no {self.writing.object} with this {self._key}")
        if len(rows) > 1:
            ids = ", ".join(sorted(row.remote_id for row in rows))
            return Result(
                Fate.REFUSED, "several_records", f"{self._key} finds {ids}; merge them or match by another field"
            )
        return None

    def _update(self, batch: Sequence[Outgoing], ids: Mapping[str, str]) -> Answer:
        if len(batch) > COLLECTION:
            return self._by_job(batch, ids)
        records = [
            {"attributes": {"type": self.writing.object}, "id": ids[record.key], **self.values(record)}
            for record in batch
        ]
        try:
            reply = self._session.send("PATCH", "/composite/sobjects", {"allOrNone": False, "records": records})
        except Lost as lost:
            return answers.lost(lost)
        except Denied as denied:
            return _denied(denied.code, str(denied))
        if not reply.ok:
            return _whole(reply)
        rows = reply.json()
        if not isinstance(rows, list) or len(rows) != len(batch):
            return Whole(Verdict.UNKNOWN, "answer", f"{len(batch)} records were sent, the answer is about others")
        return [_result(row) for row in rows]

    def _by_job(self, batch: Sequence[Outgoing], ids: Mapping[str, str]) -> Answer:
        payloads = [self.values(record) for record in batch]
        columns = sorted({name for payload in payloads for name in payload})
        rows = [
            [ids[record.key], *(cell(payload[name]) if name in payload else "" for name in columns)]
            for record, payload in zip(batch, payloads, strict=True)
        ]
        try:
            done = upload(self._session, self.writing.object, ["Id", *columns], rows)
        except Unfinished as why:
            if why.started:
                return Whole(Verdict.UNKNOWN, why.code, str(why))
            return _denied(why.code, str(why)) if why.code in REMEDIES else Whole(Verdict.UNSENT, why.code, str(why))
        if done.error.startswith("InvalidBatch"):  # a column that the object no longer has
            return Whole(Verdict.DENIED, "InvalidBatch", f"job {done.job}: {done.error}")
        return [_of_job(done, ids[record.key]) for record in batch]

    def _matches(self, batch: Sequence[Outgoing]) -> Mapping[str, list[Found]]:
        """Records by the key's value, without regard to case; raises ``Unseen``."""
        wanted = sorted({address for record in batch if (address := self.addresses.get(record.key, ""))})
        found: dict[str, list[Found]] = {}
        try:
            for key, row in self._all() if len(wanted) > WHOLE_FROM else self._some(wanted):
                known = found.setdefault(key.casefold(), [])
                if all(row.remote_id != other.remote_id for other in known):
                    known.append(row)
        except SourceError as error:
            code = next((code for code in REMEDIES if code in str(error)), "unreadable")
            raise Unseen(code, str(error)) from None
        return found

    def _some(self, wanted: Sequence[str]) -> Iterator[tuple[str, Found]]:
        for keys in _fitting(wanted):
            listed = ", ".join(literal(key) for key in keys)
            text = f"{self._select()} WHERE {self._key} IN ({listed})"
            path: str | None = "/query"
            params: dict[str, str | int] | None = {"q": text}
            while path is not None:
                body = exact(self._session.read("GET", path, params=params))
                for row in body["records"]:
                    yield (
                        str(row[self._key]),
                        self._found(row["Id"], lambda name, info, row=row: from_json(row, name, info)),
                    )
                path, params = body.get("nextRecordsUrl"), None

    def _all(self) -> Iterator[tuple[str, Found]]:
        job = Query(self._session, f"{self._select()} WHERE {self._key} != null", deleted=False)
        for rows in job.pages(self._session.options.bulk_page):
            for row in rows:
                yield row[self._key], self._found(row["Id"], lambda name, info, row=row: typed(info, row.get(name)))
        job.remove()

    def _select(self) -> str:
        names = dict.fromkeys(("Id", *self._columns))
        return f"SELECT {', '.join(names)} FROM {self.writing.object}"  # noqa: S608 - names of the catalogue

    def _found(self, identity: str, value: Any) -> Found:
        return Found(identity, {name: value(name, self._infos[name]) for name in self._columns if name in self._infos})


def _fitting(keys: Sequence[str]) -> Iterator[list[str]]:
    """Keys in groups that fit an address."""
    group: list[str] = []
    length = 0
    for key in keys:
        size = len(literal(key).encode()) + 2
        if group and length + size > QUERY_CHARACTERS:
            yield group
            group, length = [], 0
        group.append(key)
        length += size
    if group:
        yield group


def _result(row: Mapping[str, Any]) -> Result:
    if row.get("success"):
        return Result(Fate.STORED, remote_id=row.get("id"))
    first = (row.get("errors") or [{}])[0]
    return _refused(str(first.get("statusCode", "unknown")), str(first.get("message", "")))


def _of_job(done: Uploaded, identity: str) -> Result:
    if identity in done.stored:
        return Result(Fate.STORED, remote_id=identity)
    if identity in done.failed:
        code, _, said = done.failed[identity].partition(":")
        return _refused(code, said.removesuffix("--").rstrip(":"))
    if identity in done.unprocessed:
        return Result(Fate.RETRY, "unprocessed", f"job {done.job} ended {done.state} before this row: {done.error}")
    return Result(Fate.UNKNOWN, "unreported", f"job {done.job} says nothing about this row")


def _refused(code: str, said: str) -> Result:
    if code in GONE:
        return Result(Fate.REFUSED, "no_record", f"{code}: {said}")
    return Result(Fate.RETRY if code in FOR_NOW else Fate.REFUSED, code, said)


def _whole(reply: Reply) -> Whole:
    code, said = problem(reply)
    if code in REMEDIES or code in NOT_OURS:
        return _denied(code, said)
    found = answers.whole(reply, said)
    return Whole(found.verdict, code, said, found.retry_after_s)


def _denied(code: str, said: str) -> Whole:
    """Nothing that a record could be blamed for; the daily allowance comes back by itself."""
    if code == "REQUEST_LIMIT_EXCEEDED":
        return Whole(Verdict.THROTTLED, code, said, LATER_S)
    return Whole(Verdict.DENIED, code, said)
