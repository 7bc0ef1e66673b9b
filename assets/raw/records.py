"""raw/crm_records: what a connector reads, page by page into the lake, with its cursor.

Pages land first and the cursor after them: a process that dies in between reads the last pages again and finds their
versions there already. So nothing is lost, and nothing is landed twice. The cursor lies in the lake beside what it
covers: whoever loses or moves the one loses or moves the other.
"""

import fcntl
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import polars as pl
from pydantic import ValidationError

from assets.contracts.raw import CRM_RECORDS
from assets.duck import connect
from assets.lake import Lake
from assets.raw.landing import LandingError
from assets.raw.merge import PARQUET, merge
from assets.raw.outcomes import impersonal
from assets.raw.persons import Person, Persons, refusal
from assets.raw.versions import HELD, SCHEMA, newest, news
from governance.batches import Batches, Reject
from governance.identities import DirectoryEntry, Identities
from governance.state import State
from integrations.mapping import Entity, Fact, Feed, MappingError, directory_entry, fact
from integrations.sources import Page, Record, Source, SourceError, Unreadable

CHUNK = 20_000  # records that land at once; the cursor follows them
FEW = 20  # living records below which a share says nothing
CURSORS = "raw/.cursors"
WAIT_S = 600.0
Clock = Callable[[], datetime]
Progress = Callable[[str, int], None]  # entity, records read so far


@dataclass
class EntityLanding:
    """What became of one entity's records; ``read == accepted + repeated + refused``.

    ``gone`` are the tombstones among the accepted; ``held_back`` says why missing records were not taken for deleted.
    """

    entity: str
    read: int = 0
    accepted: int = 0
    repeated: int = 0
    refused: int = 0
    gone: int = 0
    withheld: int = 0
    whole: bool = False
    held_back: str | None = None
    reasons: list[Reject] = field(default_factory=list)


def land(
    source: Source,
    feed: Feed,
    *,
    lake: Lake,
    state: State,
    identities: Identities,
    clock: Clock = lambda: datetime.now(UTC),
    progress: Progress | None = None,
    full: bool = False,
    accept_deletes: bool = False,
) -> list[EntityLanding]:
    """Read every entity of a connector from its cursor and land what is new; people go to the identity store.

    ``full`` forgets the cursors; ``accept_deletes`` takes missing records for deleted whatever their share.

    Raises:
        SourceError: reading failed; what has landed stays, and the next call goes on from there.
        LakeBusyError: another process writes the lake.
        LandingError: another process reads this connector.
    """
    landings = []
    with _alone(lake, feed):
        ordered = sorted(feed.read.items(), key=lambda item: item[1].role != "people")  # who, before whose
        for name, entity in ordered:
            desk = _Desk(source, feed, name, entity, lake, state, identities, clock, progress or (lambda *_: None))
            landings.append(desk.people() if entity.role == "people" else desk.records(full, accept_deletes))
    return landings


class Cursors:
    """Where reading goes on, one file an entity."""

    def __init__(self, lake: Lake, feed: Feed) -> None:
        self.folder = lake.root / CURSORS / feed.tenant / feed.name

    def get(self, entity: str, query: str) -> dict[str, Any]:
        """The cursors that were kept for this entity; none where its query has changed since."""
        try:
            kept = json.loads((self.folder / f"{entity}.json").read_text("utf-8"))
        except FileNotFoundError:
            return {}
        return kept if kept.get("query") == query else {}

    def put(self, entity: str, kept: Mapping[str, Any]) -> None:
        """Replace them, by rename."""
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / f".{entity}.draft"
        draft.write_text(json.dumps(dict(kept), sort_keys=True), "utf-8")
        draft.replace(self.folder / f"{entity}.json")


class _Desk:
    """One entity of one read."""

    def __init__(
        self,
        source: Source,
        feed: Feed,
        name: str,
        entity: Entity,
        lake: Lake,
        state: State,
        identities: Identities,
        clock: Clock,
        progress: Progress,
    ) -> None:
        self.source, self.feed, self.name, self.entity = source, feed, name, entity
        self.lake, self.state, self.identities, self.clock = lake, state, identities, clock
        self.query = entity.query()
        self.progress = progress
        self.cursors = Cursors(lake, feed)
        self.done = EntityLanding(name)
        self.batches = Batches(state)
        self.persons = Persons(feed, identities)

    def people(self) -> EntityLanding:
        """Directory entries of a source's people; all of them, since a directory is small."""
        self.done.whole = True
        batch_id = self._open()
        for page in self.source.read(self.query, None):
            entries: list[DirectoryEntry] = []
            refused = [_reject(each) for each in page.unreadable]
            for record in page.records:
                if record.deleted:
                    continue
                try:
                    fields = directory_entry(self.entity, record, self.feed.tenant, self.feed.name)
                    entries.append(DirectoryEntry.model_validate(fields))
                except (MappingError, ValidationError) as error:
                    refused.append(_why(self.name, record.id, error))
            admitted, erased = self.persons.admitted(entries, self.name)
            known = self.identities.record(admitted)
            self._count(len(admitted), known.same, [*refused, *erased])
            self.progress(self.name, self.done.read)
        self._close(batch_id)
        return self.done

    def records(self, full: bool, accept_deletes: bool) -> EntityLanding:
        """Records since the cursor, then what is gone."""
        mark = _mark(self.entity)
        kept = {} if full else self.cursors.get(self.name, mark)
        began = self.clock()
        cursor = kept.get("cursor") if self.source.capabilities.cursor else None
        self.done.whole = cursor is None
        held = newest(self.lake, self.feed, self.name)
        batch_id = self._open()
        kept = {**kept, "query": mark}
        seen: set[str] = set()
        for pages in _chunks(self._pages(cursor, seen)):
            held = self._land(pages, held, batch_id)
            if pages[-1].cursor is not None:
                kept["cursor"] = pages[-1].cursor
                self.cursors.put(self.name, kept)
        held = self._deleted(held, kept, batch_id)
        if self._wants_keys(kept, began):
            self._missing(held, None if self.done.whole and not self.source.capabilities.keys else self._keys(),
                          seen, batch_id, accept_deletes)  # fmt: skip
        self.cursors.put(self.name, {**kept, "read_at": began.isoformat()})
        self._close(batch_id)
        return self.done

    def _pages(self, cursor: str | None, seen: set[str]) -> Iterator[Page]:
        for page in self.source.read(self.query, cursor):
            if self.done.whole:
                seen.update(record.id for record in page.records if not record.deleted)
            yield page

    def _deleted(self, held: pl.DataFrame, kept: dict[str, Any], batch_id: str) -> pl.DataFrame:
        """Tombstones that the source keeps apart."""
        if not self.source.capabilities.tombstones:
            return held
        for pages in _chunks(self.source.deleted(self.query, kept.get("deleted_cursor"))):
            held = self._land(pages, held, batch_id)
            if pages[-1].cursor is not None:
                kept["deleted_cursor"] = pages[-1].cursor
        return held

    def _wants_keys(self, kept: Mapping[str, Any], now: datetime) -> bool:
        """Whether what is gone has to be found by comparison: no tombstones, or a gap longer than they are kept."""
        able = self.source.capabilities
        if not able.tombstones:
            return able.keys or self.done.whole
        if "read_at" not in kept or able.tombstones_kept is None:
            return able.keys and self.done.whole
        return able.keys and now - datetime.fromisoformat(kept["read_at"]) > able.tombstones_kept

    def _keys(self) -> set[str]:
        return {key for page in self.source.keys(self.query) for key in page}

    def _missing(
        self, held: pl.DataFrame, keys: set[str] | None, seen: set[str], batch_id: str, accept_deletes: bool
    ) -> None:
        """Tombstones of living records that the source no longer lists; too many of them are not believed."""
        living = set(held.filter(~pl.col("deleted"))["record_id"])
        present = seen if keys is None else keys | seen
        gone = sorted(living - present)
        if not gone:
            return
        unbelievable = not present or (len(living) > FEW and len(gone) > self.feed.deleted_cap * len(living))
        if unbelievable and not accept_deletes:
            self.done.held_back = (
                f"{len(gone):,} of {len(living):,} {self.name} are missing at the source, more than"
                f" {self.feed.deleted_cap:.0%}: they were kept; if they really are gone, sync with --accept-deletes"
            )
            return
        for start in range(0, len(gone), CHUNK):
            stones = [Record(key, {}, deleted=True) for key in gone[start : start + CHUNK]]
            held = self._land([Page(stones)], held, batch_id)

    def _land(self, pages: Sequence[Page], held: pl.DataFrame, batch_id: str) -> pl.DataFrame:
        """Land the versions that differ from the newest one held; the held versions afterwards."""
        now = self.clock()
        facts: list[Fact] = []
        refused = [_reject(each) for page in pages for each in page.unreadable]
        for record in (record for page in pages for record in page.records):
            try:
                facts.append(fact(self.entity, record))
            except MappingError as error:
                refused.append(_why(self.name, record.id, error))
        rows: list[tuple[Any, ...]] = []
        noted: list[Person] = []
        for found, people in zip(facts, self.persons.named(facts), strict=True):
            if people is None:
                refused.append(refusal(f"{self.name} {found.record_id}"))
                continue
            rows.append(self._row(found, people))
            noted += people
        arriving = pl.DataFrame(rows, schema=SCHEMA, orient="row")
        fresh = news(arriving, held)
        if fresh.height:
            self.persons.note(noted, now)
            self._write(fresh, now, batch_id)
        self.done.gone += int(fresh["deleted"].sum())
        self._count(len(rows), len(rows) - fresh.height, refused)
        self.batches.reject(batch_id, refused)
        self.progress(self.name, self.done.read)
        kept = held.join(fresh.select("record_id"), on="record_id", how="anti")
        return pl.concat([kept, fresh.select(HELD)])

    def _row(self, found: Fact, people: Sequence[Person]) -> tuple[Any, ...]:
        named = [{"rule": each.rule, "match": each.match, "token": each.token} for each in people]
        kept = impersonal({name: _plain(value) for name, value in found.attributes.items() if value is not None})
        self.done.withheld += sum(value is not None for value in found.attributes.values()) - len(kept)
        attributes = orjson.dumps(kept, option=orjson.OPT_SORT_KEYS).decode() if kept else None
        content = (
            found.deleted,
            found.kind,
            found.stage,
            found.value,
            found.unit,
            found.count,
            found.opened_at,
            found.occurred_at,
            named,
            attributes,
        )
        version = sha256(orjson.dumps([self.entity.role, *content], default=str)).hexdigest()[:32]
        return (found.record_id, version, found.modified_at, *content)

    def _write(self, fresh: pl.DataFrame, now: datetime, batch_id: str) -> None:
        named = fresh.with_columns(
            tenant=pl.lit(self.feed.tenant),
            day=pl.lit(now.date()),
            connector=pl.lit(self.feed.name),
            entity=pl.lit(self.name),
            role=pl.lit(self.entity.role),
            received_at=pl.lit(now).cast(pl.Datetime("us", "UTC")),
            batch_id=pl.lit(batch_id),
        )
        with self.lake.writing(f"landing {self.feed.name}", WAIT_S), self.lake.staging() as folder:
            con = connect(folder)
            try:
                con.register("arriving", named)
                columns = ", ".join(f"{column.name}::{column.type} as {column.name}" for column in CRM_RECORDS.columns)
                staged = folder / "staged"
                staged.mkdir()
                order = ", ".join(CRM_RECORDS.key)
                con.execute(f"copy (select {columns} from arriving order by {order}) to '{staged}' ({PARQUET})")
                merge(con, self.lake, CRM_RECORDS, staged)
            finally:
                con.close()

    def _open(self) -> str:
        return self.batches.open("crm", f"{self.feed.name}/{self.name}", None, self.feed.tenant, self.clock())

    def _count(self, good: int, repeated: int, refused: Sequence[Reject]) -> None:
        self.done.read += good + len(refused)
        self.done.accepted += good - repeated
        self.done.repeated += repeated
        self.done.refused += len(refused)
        self.done.reasons += refused

    def _close(self, batch_id: str) -> None:
        if self.entity.role == "people":
            self.batches.reject(batch_id, self.done.reasons)
        done = self.done
        self.batches.close(
            batch_id,
            read=done.read,
            accepted=done.accepted,
            repeated=done.repeated,
            refused=done.refused,
            withheld=done.withheld,
        )


def _chunks(pages: Iterator[Page]) -> Iterator[list[Page]]:
    """Pages in groups of about ``CHUNK`` records; no page is split, since a cursor belongs to a whole one."""
    group: list[Page] = []
    size = 0
    for page in pages:
        group.append(page)
        size += len(page.records) + len(page.unreadable)
        if size >= CHUNK:
            yield group
            group, size = [], 0
    if group:
        yield group


def _mark(entity: Entity) -> str:
    """Digest of what is asked for: other fields or another condition mean reading everything again."""
    return sha256(entity.model_dump_json(exclude={"stages", "constants"}).encode()).hexdigest()[:16]


def _reject(row: Unreadable) -> Reject:
    return Reject(None, row.rule, f"{row.place}: {row.reason}")


def _why(entity: str, record_id: str, error: MappingError | ValidationError) -> Reject:
    if isinstance(error, MappingError):
        return Reject(None, error.rule, f"{entity} {record_id}: {error}")
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return Reject(None, f"{where}_valid", f"{entity} {record_id}: {where}: {first['msg']}; mend it at the source")


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value) if not _is_json(value) else value


def _is_json(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


@contextmanager
def _alone(lake: Lake, feed: Feed) -> Iterator[None]:
    """One reader a connector; the operating system frees the lock of a process that dies."""
    folder = Path(lake.root) / CURSORS / feed.tenant
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f".{feed.name}.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LandingError(
                f"connector {feed.name} is being read by another process; wait until it ends and try again"
            ) from None
        yield


__all__ = ["Cursors", "EntityLanding", "SourceError", "land"]
