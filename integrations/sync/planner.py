"""What is due: desired state against the last acknowledged one. Pure functions of frames, quick at a million rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import duckdb
import orjson
import polars as pl

from integrations.sync.base import Action, Outgoing

DESIRED = {"key": pl.String, "digest": pl.String, "tenant": pl.String, "source": pl.String}
RECORDS = {
    "key": pl.String,
    "tenant": pl.String,
    "digest": pl.String,
    "remote_id": pl.String,
    "remote_version": pl.String,
}
INTENTS = {
    "key": pl.String,
    "action": pl.String,
    "digest": pl.String,
    "state": pl.String,
    "attempts": pl.Int64,
    "next_try_at": pl.Datetime("us", "UTC"),
}
KINDS = ("create", "update", "remove", "unchanged", "waiting", "refused")
REMOVED = "removed"  # the digest of a record that is gone
CAP_FLOOR = 20  # of a handful of records half may well change

Removal = Literal["keep", "clear", "delete"]


@dataclass(frozen=True, slots=True)
class Rules:
    """What a plan may do. ``removal`` decides about records that left the source; ``change_cap`` is a share.

    ``again`` sends what the target refused for good once more.
    """

    removal: Removal = "keep"
    change_cap: float = 0.5
    again: bool = False


@dataclass(frozen=True)
class Plan:
    """``due`` has one row per record to send, in the order of the source; ``stopped`` says why nothing may be sent."""

    due: pl.DataFrame
    counts: Mapping[str, int]
    stopped: str | None = None
    notes: tuple[str, ...] = field(default_factory=tuple)


def plan(desired: pl.DataFrame, records: pl.DataFrame, intents: pl.DataFrame, rules: Rules, now: datetime) -> Plan:
    """Decide record by record.

    Args:
        desired: ``key, digest, tenant, source``; keys are unique. Further columns stay behind.
        records: what the target acknowledged (``RECORDS``), of the tenants that ``desired`` speaks for.
        intents: what was sent or refused without an acknowledgement (``INTENTS``).
        rules: removal, caps, whether to repeat refusals.
        now: aware; records whose next try lies later wait.
    """
    decided = _decided(desired, records, intents, rules, now)
    gone = _gone(desired, records, intents, rules, now)
    due = pl.concat([_due(desired, decided, records, intents), gone], how="vertical")
    found: dict[str, int] = dict(decided.group_by("kind").len().iter_rows())
    counts = {kind: found.get(kind, 0) for kind in KINDS}
    counts["remove"] = gone.height
    notes = ()
    if desired.is_empty() and not records.is_empty():
        notes = (f"the source is empty: {records.height:,} records at the target stay as they are",)
    return Plan(due, counts, _over_cap(counts, records.height, rules), notes)


def _decided(
    desired: pl.DataFrame, records: pl.DataFrame, intents: pl.DataFrame, rules: Rules, now: datetime
) -> pl.DataFrame:
    """``place`` of each desired row and its ``kind``: of a million rows, only what decides goes through the joins.

    A join promises no order, hence the place.
    """
    return (
        desired.lazy()
        .select("key", "digest")
        .with_row_index("place")
        .join(records.lazy().select("key", acknowledged=pl.col("digest")), on="key", how="left")
        .join(_intended(intents), on="key", how="left")
        .select("place", _kind(rules, now))
        .collect()
    )


def _intended(intents: pl.DataFrame) -> pl.LazyFrame:
    return intents.lazy().select(
        "key", "state", "attempts", "next_try_at", intended=pl.col("digest"), intended_action=pl.col("action")
    )


def _kind(rules: Rules, now: datetime) -> pl.Expr:
    same = pl.col("intended") == pl.col("digest")
    refused = same & (pl.col("state") == "refused") & (not rules.again)
    waiting = same & (pl.col("next_try_at") > now)
    unchanged = (pl.col("acknowledged") == pl.col("digest")) & pl.col("state").is_null()
    return (
        pl.when(unchanged).then(pl.lit("unchanged"))
        .when(refused).then(pl.lit("refused"))
        .when(waiting).then(pl.lit("waiting"))
        .when(pl.col("acknowledged").is_null()).then(pl.lit("create"))
        .otherwise(pl.lit("update"))
        .alias("kind")
    )  # fmt: skip


def _due(desired: pl.DataFrame, decided: pl.DataFrame, records: pl.DataFrame, intents: pl.DataFrame) -> pl.DataFrame:
    changed = decided.filter(pl.col("kind").is_in(["create", "update"]))
    return (
        pl.concat([desired.select(list(DESIRED))[changed.get_column("place")], changed], how="horizontal")
        .lazy()
        .join(records.lazy().select("key", "remote_id", "remote_version"), on="key", how="left")
        .join(_intended(intents), on="key", how="left")
        .sort("place")
        .select(*DESIRED, "remote_id", "remote_version", *_tried("kind"))
        .collect()
    )


def _tried(action: str | pl.Expr) -> list[pl.Expr]:
    return [
        (pl.col(action) if isinstance(action, str) else action).alias("action"),
        pl.col("attempts").fill_null(0).cast(pl.Int64).alias("attempt"),
        (pl.col("state") == "open").fill_null(value=False).alias("doubtful"),
    ]


def _gone(
    desired: pl.DataFrame, records: pl.DataFrame, intents: pl.DataFrame, rules: Rules, now: datetime
) -> pl.DataFrame:
    """Records that the source no longer has. An empty source is a failed read until proven otherwise."""
    left = records if rules.removal != "keep" and not desired.is_empty() else records.clear()
    waits = (pl.col("intended_action") == Action.REMOVE.value) & (
        ((pl.col("state") == "refused") & (not rules.again)) | (pl.col("next_try_at") > now)
    )
    return (
        left.lazy()
        .join(desired.lazy().select("key"), on="key", how="anti")
        .join(_intended(intents), on="key", how="left")
        .filter(waits.fill_null(value=False).not_())
        .with_columns(source=pl.lit("no longer in the source"), digest=pl.lit(REMOVED))
        .select(*DESIRED, "remote_id", "remote_version", *_tried(pl.lit(Action.REMOVE.value)))
        .collect()
    )


def _over_cap(counts: Mapping[str, int], held: int, rules: Rules) -> str | None:
    changed = counts["update"] + counts["remove"]
    if changed <= CAP_FLOOR or changed <= rules.change_cap * held:
        return None
    return (
        f"{changed:,} of {held:,} records at the target would change, more than {rules.change_cap:.0%}:"
        " look at the dry run, then allow it with --force"
    )


def digests(frame: pl.DataFrame, fields: Sequence[str]) -> pl.Series:
    """SHA-256 of the fields of each row, absent ones included; equal rows give equal digests.

    The names count too, so that a field mapped anew is sent again.
    """
    listed = ", ".join('"' + name.replace('"', '""') + '"' for name in fields)
    pairs = ", ".join(f'"{name}" := "{name}"' for name in (each.replace('"', '""') for each in fields))
    con = duckdb.connect()
    try:
        con.register("rows_given", frame.select(fields))
        query = (
            f"select sha256(to_json(struct_pack({pairs}))::varchar) as digest from (select {listed} from rows_given)"  # noqa: S608
        )
        return con.sql(query).pl().get_column("digest")
    finally:
        con.close()


@dataclass(frozen=True, slots=True)
class Narrowed:
    """``outgoing`` are records with a real change; ``same`` are those whose change was nothing but absent values."""

    outgoing: list[Outgoing]
    same: list[Outgoing]


def narrow(due: pl.DataFrame, wanted: Mapping[str, Mapping[str, Any]], remembered: Mapping[str, bytes]) -> Narrowed:
    """Due rows as records, each with the fields that differ from what the target acknowledged.

    A null never overwrites: it is left out of the payload and of what is remembered.

    Args:
        due: rows of ``Plan.due``.
        wanted: fields by key, values that ``orjson`` takes.
        remembered: the acknowledged fields by key, as JSON.
    """
    outgoing: list[Outgoing] = []
    same: list[Outgoing] = []
    for row in due.iter_rows(named=True):
        held = orjson.loads(remembered.get(row["key"]) or b"{}")
        fresh = orjson.loads(orjson.dumps(wanted.get(row["key"], {})))  # as JSON gives them back: comparable
        changed = {name: value for name, value in fresh.items() if value is not None and held.get(name) != value}
        record = _record(row, orjson.dumps(changed), orjson.dumps(held | changed, option=orjson.OPT_SORT_KEYS))
        (outgoing if changed or record.action is not Action.UPDATE else same).append(record)
    return Narrowed(outgoing, same)


def _record(row: Mapping[str, Any], payload: bytes, becomes: bytes | None) -> Outgoing:
    return Outgoing(
        key=row["key"],
        payload=payload,
        digest=row["digest"],
        action=Action(row["action"]),
        tenant=row["tenant"],
        source=row["source"],
        becomes=becomes,
        remote_id=row["remote_id"],
        remote_version=row["remote_version"],
        attempt=row["attempt"],
        doubtful=row["doubtful"],
    )


def frozen(row: Mapping[str, Any], payload: bytes) -> Outgoing:
    """A due row whose payload is a document sent whole and never remembered."""
    return _record(row, payload, None)
