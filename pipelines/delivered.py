"""Engine deliveries from files: one JSON object a line, with or without an envelope that says how it came.

An envelope is ``{"channel", "received_at", "body"}``, as the simulator and relays write it. A bare line is the
delivery itself; its channel is told by its fields, and it counts as received when the file was first ingested.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from assets.raw.landing import Refusal
from assets.raw.lines import numbered
from governance.inbox import Inbox, Parcel, UnstorableError
from integrations.engine import delivery
from pipelines.recognise import Kind

if TYPE_CHECKING:
    from pipelines.intake import Desk, Tally

CHUNK = 2_000  # parcels a transaction: large enough that the disk's flush does not count
REPORT_EVERY = 500
LARGEST_DOCUMENT = 256_000_000  # bytes; parsed, they take some 2 GB of memory


@dataclass(frozen=True)
class Owner:
    """Whose session it is, from the launch registry."""

    tenant: str
    jurisdiction: str | None


@dataclass
class _Count:
    accepted: int = 0
    repeated: int = 0
    withheld: int = 0
    read: int = 0
    refusals: dict[int, Refusal] = field(default_factory=dict)  # by line: a line is refused once


def take(desk: "Desk", path: Path, progress: Callable[[int], None]) -> "Tally":
    """Read, gate and store the deliveries of a file; the tally counts deliveries, not lines."""
    from pipelines.intake import Tally, book, first_taken

    count = _Count()
    inbox = Inbox(desk.state)
    reader = Reader(desk, owners(desk), first_taken(desk, Kind.deliveries, path))
    waiting: list[tuple[int, Parcel]] = []
    for line, record in lines(path, desk.settings.max_body_bytes):
        count.read += 1
        try:
            waiting += [(line, parcel) for parcel in reader.parcels(record)]
        except delivery.Refused as refused:
            count.refusals[line] = Refusal(line, refused.rule, str(refused))
        if len(waiting) >= CHUNK:
            _store(inbox, waiting, count)
            waiting = []
        if count.read % REPORT_EVERY == 0:
            progress(count.read)
    _store(inbox, waiting, count)
    refused = len(count.refusals)
    tally = Tally(
        Kind.deliveries,
        path,
        count.accepted + count.repeated + refused,
        count.accepted,
        count.repeated,
        refused,
        count.withheld,
        tuple(count.refusals.values()),
    )
    book(desk, tally)
    return tally


def lines(path: Path, largest: int) -> Iterator[tuple[int, Any]]:
    """Line number and parsed value of each line; a value that is no JSON comes as the ``Refused`` to be told.

    A ``.json`` file may also hold one object over many lines, or an array.
    """
    if path.suffix == ".json":
        whole = _whole(path)
        if whole is not None:
            yield from enumerate(whole, start=1)
            return
    with path.open("rb") as file:
        for number, line in numbered(file, largest):
            if not line.strip():
                continue
            yield number, _parsed(line, largest)


def _whole(path: Path) -> list[Any] | None:
    if path.stat().st_size > LARGEST_DOCUMENT:
        return None  # read line by line, which needs no memory for the whole
    try:
        value = orjson.loads(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        return None  # JSON lines under another name
    return value if isinstance(value, list) else [value]


def _parsed(line: bytes, largest: int) -> Any:
    if len(line) > largest:
        return delivery.Refused("too_large", f"more than {largest:,} bytes (ROLECALL_MAX_BODY_BYTES)")
    try:
        return orjson.loads(line.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        return delivery.Refused("not_json", f"not JSON: {error}; write one object a line")


def owners(desk: "Desk") -> dict[str, list[Owner]]:
    """Tenants and jurisdictions by session id; the same id may be launched by more than one tenant."""
    found: dict[str, list[Owner]] = {}
    frame = desk.launches.frame().select("session_id", "tenant", "jurisdiction")
    for session_id, tenant, jurisdiction in frame.iter_rows():
        found.setdefault(session_id, []).append(Owner(tenant, jurisdiction))
    return found


def owner_of(session_id: str, known: Mapping[str, Sequence[Owner]], given: str | None, only: str | None) -> Owner:
    """Whose session this is: its launch says so, else ``--tenant``, else the only tenant there is.

    Raises ``Refused`` where launch and ``--tenant`` disagree or nothing says it.
    """
    named = [owner for owner in known.get(session_id, ()) if given is None or owner.tenant == given]
    if len(named) == 1:
        return named[0]
    if named:
        tenants = ", ".join(sorted(owner.tenant for owner in named))
        raise delivery.Refused("tenant_ambiguous", f"{session_id} was launched by {tenants}; say which with --tenant")
    if known.get(session_id):
        launched = known[session_id][0].tenant
        raise delivery.Refused("tenant_mismatch", f"{session_id} was launched by {launched}, not {given}")
    tenant = given or only
    if tenant is None:
        raise delivery.Refused("tenant_unknown", f"no launch says whose {session_id} is; say it with --tenant")
    return Owner(tenant, None)


def channel_of(record: Mapping[str, Any]) -> str:
    """The channel of a bare delivery, told by its fields."""
    if "events" in record and "event_type" not in record:
        return "pull"
    if record.get("message_type") == "conversation" and ("seq" in record or "timestamp" in record):
        return "relay"
    properties = record.get("properties")
    inner = properties if isinstance(properties, Mapping) else {}
    if "objective_name" in record or "objective_name" in inner:
        return "objective"
    if "guardrail" in inner or "guardrail" in record:
        return "guardrail"
    return "webhook"


class Reader:
    """Turns one parsed line into gated parcels."""

    def __init__(self, desk: "Desk", known: Mapping[str, Sequence[Owner]], received_at: datetime) -> None:
        self._desk = desk
        self._received_at = received_at
        self._known = known
        tenants = {owner.tenant for found in known.values() for owner in found}
        self._only = next(iter(tenants)) if len(tenants) == 1 else None

    def parcels(self, record: Any) -> list[Parcel]:
        """The parcels of one line. Raises ``Refused`` with the reason."""
        if isinstance(record, delivery.Refused):
            raise record
        if not isinstance(record, Mapping):
            raise delivery.Refused("not_an_object", "a line is one JSON object")
        channel, received_at, body, hint = self._opened(record)
        found = delivery.read_all(body, channel, received_at, hint)
        return [self._sealed(one) for one in found]

    def _opened(self, record: Mapping[str, Any]) -> tuple[str, datetime, Any, str | None]:
        if "body" not in record or "channel" not in record:
            return channel_of(record), self._received_at, record, None
        channel = record["channel"]
        if channel not in delivery.CHANNELS:
            raise delivery.Refused("channel_unknown", f"channel is one of {', '.join(delivery.CHANNELS)}")
        hint = record.get("session_id") or record.get("conversation_id")
        return channel, _moment(record.get("received_at"), self._received_at), record["body"], hint

    def _sealed(self, found: delivery.Delivery) -> Parcel:
        owner = owner_of(found.session_id, self._known, self._desk.tenant, self._only)
        return delivery.seal(found, owner.tenant, owner.jurisdiction, self._desk.policy)


def _moment(text: object, now: datetime) -> datetime:
    """When the envelope says it was received; a naive or unreadable time is refused."""
    if text is None:
        return now
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise delivery.Refused("received_at_unreadable", "received_at is ISO 8601 with an offset") from None
    if moment.tzinfo is None:
        raise delivery.Refused("received_at_naive", "received_at needs an offset, such as Z")
    return moment


def _store(inbox: Inbox, waiting: Sequence[tuple[int, Parcel]], count: _Count) -> None:
    """Store parcels in one transaction; where one can never be stored, each gets its own."""
    try:
        answers = inbox.accept([parcel for _, parcel in waiting])
    except UnstorableError as error:
        if len(waiting) == 1:
            count.refusals[waiting[0][0]] = Refusal(waiting[0][0], "unstorable", str(error))
            return
        for one in waiting:
            _store(inbox, [one], count)
        return
    for (_, parcel), answer in zip(waiting, answers, strict=True):
        count.accepted += answer.new
        count.repeated += not answer.new
        if answer.new:
            count.withheld += sum(number for name, number in parcel.dropped.items() if name != "unknown_field")
