"""Writes properties of people's records in HubSpot, a hundred in a call, by a property with unique values.

A batch upsert makes a record where it finds none, and people are never made: ``batch/update`` takes the same unique
property and leaves alone whom it does not find. Each input carries a trace id, which HubSpot needs to answer record by
record; where it refuses the whole batch all the same, the engine splits it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from integrations.crm.base import Found, PersonSink, Unseen
from integrations.crm.config import Writing
from integrations.crm.cursors import shared
from integrations.crm.hubspot.portal import REMEDIES, Portal, Spent, problem
from integrations.crm.hubspot.properties import MERGED, Catalogue, typed, wire
from integrations.sources import FieldInfo, SourceError
from integrations.sync import answers
from integrations.sync.base import Answer, Fate, Limits, Outgoing, Result, SyncError, Verdict, Whole
from integrations.sync.transport import Lost, Reply

BATCH = 100
UNTIL_TOMORROW_S = 3_600.0
FATES = {"VALIDATION_ERROR": Fate.REFUSED, "CONFLICT": Fate.REFUSED, "OBJECT_NOT_FOUND": Fate.REFUSED}
# about the portal or the connector's file, not about a record
DENIALS = frozenset(REMEDIES) - {"OBJECT_NOT_FOUND", "RATE_LIMIT"}


class HubspotSink(PersonSink):
    """A ``PersonSink``. ``addresses`` hold record ids, e-mail addresses or values of a unique property."""

    def __init__(self, portal: Portal, catalogue: Catalogue, writing: Writing, addresses: Mapping[str, str]) -> None:
        super().__init__(writing, addresses)
        self._portal, self._infos = portal, catalogue.fields(writing.object)
        self._unique = None if writing.key in ("id", "hs_object_id") else writing.key
        self._shared = shared(addresses)
        if not catalogue.unique(writing.object, writing.key):
            raise SyncError(
                f"{writing.key} of {writing.object} may stand on several records, so it cannot say whose is whose",
                "Match by email, hs_object_id or a property with the rule 'require unique values'",
            )

    def catalogue(self) -> Mapping[str, FieldInfo]:
        """Properties of the object type."""
        return self._infos

    def limits(self) -> Limits:
        """A batch is a hundred inputs."""
        return Limits(batch_count=BATCH)

    def look(self, batch: Sequence[Outgoing]) -> Sequence[Found | None]:
        """People's records; one that was merged away is found as its winner."""
        wanted = sorted({address for record in batch if (address := self._address(record))})
        found: dict[str, Found] = {}
        for start in range(0, len(wanted), BATCH):
            found |= self._read(wanted[start : start + BATCH])
        return [found.get(self._address(record).casefold()) for record in batch]

    def write(self, batch: Sequence[Outgoing]) -> Answer:
        """Update the batch in one call."""
        refused = {record.key: self._unfit(record) for record in batch}
        fit = [record for record in batch if refused[record.key] is None]
        answer = self._update(fit) if fit else []
        if isinstance(answer, Whole):
            return answer
        results = refused | {record.key: result for record, result in zip(fit, answer, strict=True)}
        return [result for record in batch if (result := results[record.key]) is not None]

    def _address(self, record: Outgoing) -> str:
        return self.addresses.get(record.key, "")

    def _unfit(self, record: Outgoing) -> Result | None:
        """Two inputs for one record would refuse the batch, and nobody knows whose values it should hold."""
        if record.key in self._shared:
            return Result(Fate.REFUSED, "shared_address", f"several learners have the same {self.writing.key}")
        if not self._address(record):
            return Result(Fate.REFUSED, "no_record", f"the learner has no {self.writing.key}")
        return None

    def _update(self, batch: Sequence[Outgoing]) -> Answer:
        inputs = [self._input(record) for record in batch]
        path = self._portal.path("objects", self.writing.object, "batch", "update")
        try:
            reply = self._portal.send(path, {"inputs": inputs})
        except Lost as lost:
            return answers.lost(lost)
        except Spent as spent:
            return Whole(Verdict.THROTTLED, "RATE_LIMIT", str(spent), UNTIL_TOMORROW_S)
        body = reply.json()
        if not reply.ok or not isinstance(body, dict):
            return _whole(reply)
        return self._results(batch, body)

    def _input(self, record: Outgoing) -> dict[str, Any]:
        properties = {name: wire(value) for name, value in self.values(record).items()}
        found = {"id": self._address(record), "objectWriteTraceId": record.key, "properties": properties}
        return found | ({"idProperty": self._unique} if self._unique else {})

    def _results(self, batch: Sequence[Outgoing], body: Mapping[str, Any]) -> Answer:
        """A 207's errors by the ids they name; what none of them names was stored."""
        wrong: dict[str, Result] = {}
        for error in body.get("errors") or []:
            context = error.get("context") or {}
            traces, ids = context.get("objectWriteTraceId") or [], context.get("ids") or []
            result = _of_error(error)
            for record in batch:
                if record.key in traces or (not traces and self._address(record) in ids):
                    wrong[record.key] = result
        if len(wrong) < int(body.get("numErrors") or 0) and not wrong:
            return Whole(Verdict.REFUSED, "unnamed", "HubSpot refused some records and does not say which")
        return [wrong.get(record.key, Result(Fate.STORED)) for record in batch]

    def _read(self, addresses: Sequence[str]) -> Mapping[str, Found]:
        """Records by folded address; raises ``Unseen``."""
        names = list(dict.fromkeys((*self.writing.fields.values(), self.writing.key, MERGED)))
        names = [name for name in names if name in self._infos]
        body = {"inputs": [{"id": address} for address in addresses], "properties": names, "propertiesWithHistory": []}
        path = self._portal.path("objects", self.writing.object, "batch", "read")
        try:
            found, _ = self._portal.read("POST", path, body | ({"idProperty": self._unique} if self._unique else {}))
        except SourceError as error:
            raise Unseen(next((code for code in REMEDIES if code in str(error)), "unreadable"), str(error)) from None
        rows: dict[str, Found] = {}
        for row in found["results"]:
            properties = row["properties"]
            values = {name: typed(self._infos[name], properties.get(name)) for name in names}
            seen = Found(str(row["id"]), values, row.get("updatedAt"))
            merged = (properties.get(MERGED) or "").split(";") if self._unique is None else []
            address = str(properties.get(self._unique)) if self._unique else seen.remote_id
            rows |= {each.casefold(): seen for each in (*merged, address) if each}
        return rows


def _of_error(error: Mapping[str, Any]) -> Result:
    category = str(error.get("category") or "unknown")
    details = error.get("errors") or [{}]
    code = str(details[0].get("code") or category)
    said = " ".join(str(details[0].get("message") or error.get("message") or "").split())
    if category == "OBJECT_NOT_FOUND":
        return Result(Fate.REFUSED, "no_record", said)
    return Result(FATES.get(category, Fate.RETRY), code, said)


def _whole(reply: Reply) -> Whole:
    code, said = problem(reply)
    if code in DENIALS:
        return Whole(Verdict.DENIED, code, said)
    if code == "OBJECT_NOT_FOUND":  # of a record in the batch: an address that is wrong was found by the preflight
        return Whole(Verdict.REFUSED, "no_record", said)
    if reply.status == 409:  # a value that must be unique stands elsewhere: of one record, yet the batch is refused
        return Whole(Verdict.REFUSED, code, said)
    found = answers.whole(reply, said)
    wait = UNTIL_TOMORROW_S if found.verdict is Verdict.THROTTLED and "DAILY" in said else found.retry_after_s
    return Whole(found.verdict, code, said, wait)
