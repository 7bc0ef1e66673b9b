"""Outcomes that connectors reported: derived from the newest version of every record, with the mapping in force.

They lie by the day they occurred beside core, as core/outcomes' second input, and are derived again when a record, a
mapping or the identity store changed: a reopened deal loses its outcome, and a learner who enters the directory gains
those of last year. Only days whose rows differ are written.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from assets.contracts.raw import CRM_RECORDS, OUTCOMES
from assets.core.employment import ramps, retentions
from assets.duck import connect, file_list
from assets.lake import Lake
from assets.raw.merge import PARQUET, settle
from governance.identities import Identities
from integrations.mapping import Feed

TABLE = "core/.reported"
UNMATCHED = "core/.unmatched"
RECORD = "core/.reported.json"
SQL = Path(__file__).parent / "sql"
CODE_VERSION = "1"  # raise it when the SQL changes meaning
WAIT_S = 600.0
COLUMNS = (*OUTCOMES.column_names, "attribution_rule")


@dataclass(frozen=True)
class Reported:
    """What the records of one entity came to. ``records`` = ``outcomes`` + ``open`` + ``undated`` + ``unmatched``."""

    tenant: str
    connector: str
    entity: str
    records: int
    outcomes: int
    open: int
    undated: int
    unmatched: int
    unknown_stages: tuple[str, ...] = ()

    @property
    def share_unmatched(self) -> float:
        """Outcomes without a learner among all that could have one."""
        counted = self.outcomes + self.unmatched
        return self.unmatched / counted if counted else 0.0


def refresh(lake: Lake, feeds: Sequence[Feed], identities: Identities, now: datetime) -> tuple[date, ...]:
    """Derive again where something changed; the days whose outcomes differ now."""
    if idle(lake):
        return ()
    people = _People.of(feeds, identities)
    inputs = _inputs(lake, feeds, people, now)
    if _record(lake).get("inputs") == inputs:
        return ()
    with lake.writing("deriving reported outcomes", WAIT_S), lake.staging() as folder:
        con = connect(folder)
        try:
            _define(con, lake, feeds, people)
            _follow(con, feeds, people, now)
            changed = _replace(con, lake, folder)
            counts = _counts(con)
            unmatched = folder / "unmatched.parquet"
            con.execute(f"copy (from unmatched) to '{unmatched}' (format parquet)")
            lake.put(UNMATCHED, unmatched)
        finally:
            con.close()
        _remember(lake, {"inputs": inputs, "counts": counts})
    return changed


def idle(lake: Lake) -> bool:
    """No connector has ever landed a record, or what was derived from the last one is gone as well."""
    return not (lake.files(CRM_RECORDS.path) or lake.days(TABLE) or lake.path(UNMATCHED).is_file())


def summary(lake: Lake) -> list[Reported]:
    """What the last derivation counted, one entry an entity."""
    return [
        Reported(**{**each, "unknown_stages": tuple(each["unknown_stages"])})
        for each in _record(lake).get("counts", [])
    ]


def unmatched(lake: Lake, connector: str | None = None) -> pl.DataFrame:
    """Persons whom no learner matched: tenant, connector, entity, token, outcomes; the most frequent first."""
    path = lake.path(UNMATCHED)
    if not path.is_file():
        return pl.DataFrame(schema={"tenant": pl.String, "connector": pl.String, "entity": pl.String,
                                    "token": pl.String, "outcomes": pl.Int64})  # fmt: skip
    frame = pl.read_parquet(path)
    return frame if connector is None else frame.filter(pl.col("connector") == connector)


@dataclass(frozen=True)
class _People:
    """Who can be matched (tenant, match, token, learner_key) and employed (tenant, learner_key, role, dates)."""

    tokens: pl.DataFrame
    learners: pl.DataFrame

    @classmethod
    def of(cls, feeds: Sequence[Feed], identities: Identities) -> "_People":
        tenants = sorted({feed.tenant for feed in feeds})
        tokens = [identities.tokens(tenant).with_columns(tenant=pl.lit(tenant)) for tenant in tenants]
        learners = [identities.learners(tenant) for tenant in tenants]
        if not tenants:
            return cls(_empty("match", "token", "learner_key", "tenant"), identities.learners().clear())
        return cls(pl.concat(tokens), pl.concat(learners))

    def digest(self) -> str:
        """The same for the same people, whatever their order."""
        parts = (frame.hash_rows(seed=1).sort().to_numpy().tobytes() for frame in (self.tokens, self.learners))
        return hashlib.sha256(b"|".join(parts)).hexdigest()


def _define(con: duckdb.DuckDBPyConnection, lake: Lake, feeds: Sequence[Feed], people: _People) -> None:
    """Table ``reported``: every living record with its outcome, learner and state; view ``unmatched``."""
    con.execute("create macro iso(moment) as strftime(moment, '%Y-%m-%dT%H:%M:%S.%gZ')")
    files = lake.files(CRM_RECORDS.path)
    columns = ", ".join(f"null::{column.type} as {column.name}" for column in CRM_RECORDS.columns)
    source = f"from read_parquet({file_list(files)})" if files else f"select {columns} where false"
    con.execute(f"create view records as {source}")
    entities = [(feed.tenant, feed.name, name) for feed in feeds for name in feed.read]
    stages = [
        (feed.tenant, feed.name, name, stage, state)
        for feed in feeds
        for name, entity in feed.read.items()
        for stage, state in entity.stages.items()
    ]
    con.register("entities", _rows(entities, "tenant", "connector", "entity"))
    con.register("stages", _rows(stages, "tenant", "connector", "entity", "stage", "state"))
    con.register("tokens", people.tokens)
    con.execute(f"create temp table reported as {(SQL / 'reported.sql').read_text('utf-8')}")
    con.execute("""
        create temp view unmatched as
        select tenant, connector, entity, unmatched as token, count(*) as outcomes
        from reported
        where kind is not null and day is not null and learner_key is null
        group by all
        order by outcomes desc, tenant, connector, entity, token
    """)


def _follow(con: duckdb.DuckDBPyConnection, feeds: Sequence[Feed], people: _People, now: datetime) -> None:
    """Table ``following``: ramp and retention, which follow from hire dates and the outcomes found."""
    con.execute(f"create temp table following as select {', '.join(COLUMNS)} from reported where false")
    for feed in feeds:
        for frame in (ramps(con, feed, people.tokens, people.learners), retentions(feed, people.learners, now)):
            if frame is not None and frame.height:
                con.register("more", frame)
                con.execute("insert into following by name from more")
                con.unregister("more")


def _replace(con: duckdb.DuckDBPyConnection, lake: Lake, folder: Path) -> tuple[date, ...]:
    """Put the days in place whose rows differ from what lies there."""
    staged = folder / "staged"
    staged.mkdir()
    columns = ", ".join(COLUMNS)
    con.execute(f"""
        create temp table outcomes as
        select {columns} from reported
        where kind is not null and day is not null and learner_key is not null
        union all by name
        select {columns} from following
    """)
    files = lake.files(TABLE)
    before = f"read_parquet({file_list(files)})" if files else "(from outcomes where false)"
    changed = [
        day
        for (day,) in con.sql(f"""
            with
            new as ({_digest("outcomes")}),
            old as ({_digest(before)})
            select coalesce(new.day, old.day) from new full join old using (day)
            where new.rows is distinct from old.rows or new.digest is distinct from old.digest
            order by 1
        """).fetchall()
    ]
    if changed:
        con.register("changed", pl.DataFrame({"day": changed}))
        con.execute(
            f"copy (select {columns} from outcomes semi join changed using (day)"
            f" order by day, tenant, reference) to '{staged}' ({PARQUET})"
        )
        settle(con, staged, ("day", "tenant", "reference"))
        lake.replace_days(TABLE, staged, changed)
    return tuple(changed)


def _digest(relation: str) -> str:
    """Rows and content of each day, the receipt apart: a version that came again as it was changes nothing."""
    names = [name for name in COLUMNS if name not in ("day", "received_at", "batch_id")]
    row = ", ".join(f"{name}::varchar" for name in names)
    return f"select day, count(*) as rows, bit_xor(hash([{row}])) as digest from {relation} group by day"


def _counts(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    rows = con.sql("""
        select
            tenant,
            connector,
            entity,
            count(*) as records,
            count(*) filter (kind is not null and day is not null and learner_key is not null) as outcomes,
            count(*) filter (kind is null) as open,
            count(*) filter (kind is not null and day is null) as undated,
            count(*) filter (kind is not null and day is not null and learner_key is null) as unmatched,
            list_sort(list(distinct stage) filter (role = 'deal' and state is null and stage is not null)) as stages
        from reported
        group by tenant, connector, entity
        order by tenant, connector, entity
    """).fetchall()
    names = ("tenant", "connector", "entity", "records", "outcomes", "open", "undated", "unmatched", "unknown_stages")
    return [dict(zip(names, (*row[:-1], row[-1] or []), strict=True)) for row in rows]


def _inputs(lake: Lake, feeds: Sequence[Feed], people: _People, now: datetime) -> str:
    """Digest of everything that the derivation reads; retention also follows the calendar."""
    dated = any(feed.retention for feed in feeds)
    parts = [
        {str(day): file for day, file in lake.file_ids(CRM_RECORDS.path).items()},
        sorted(feed.model_dump_json(include={"name", "tenant", "read", "ramp", "retention"}) for feed in feeds),
        people.digest(),
        str(now.date()) if dated else None,
        CODE_VERSION,
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _record(lake: Lake) -> dict[str, Any]:
    try:
        return json.loads((lake.root / RECORD).read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return {}


def _remember(lake: Lake, record: Mapping[str, Any]) -> None:
    """After the days are in place: a crash before it derives once more and finds nothing to change."""
    path = lake.root / RECORD
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(dict(record), sort_keys=True), "utf-8")
    draft.replace(path)


def _rows(rows: Sequence[tuple[str, ...]], *names: str) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row") if rows else _empty(*names)


def _empty(*names: str) -> pl.DataFrame:
    return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
