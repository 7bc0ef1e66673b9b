"""Taking back what was stated about a learner: voidings for every statement in force, and a request for hard deletion.

Voiding is not erasure: a voided statement can still be read by its id. Destroying the learner's identity makes the
pseudonym point at nobody; deletion at an LRS is its operator's, and the ledger keeps the request until it is confirmed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import polars as pl

from assets.contracts import XAPI_STATEMENTS
from assets.duck import file_list
from assets.exports.statements import SCHEMA
from assets.lake import Lake
from integrations.sync.erasures import Erasures
from integrations.sync.ledger import Ledger
from integrations.xapi.issuing import Issued, voiding

PATH = XAPI_STATEMENTS.path


@dataclass(frozen=True)
class TakenBack:
    """Statements voided now, and how many of the learner's each target has or may have."""

    voided: int
    targets: dict[str, int]


def take_back(lake: Lake, ledger: Ledger, tenant: str, learner_key: str, *, reason: str, now: datetime) -> TakenBack:
    """Void the learner's statements and ask each target that has any for their hard deletion.

    Call it once the learner's sessions are gone from core, or the next issue states them anew. The voidings go out
    with the next sync; what a target never received is not sent to it any more. A second call does nothing new.
    """
    with lake.writing("taking back statements"):
        about = _about(lake, tenant, learner_key)
        standing = about.filter(~pl.col("voided"))
        for (day,), rows in standing.group_by("day"):
            _void(lake, day, rows.rows(named=True), now)
    held = Erasures(ledger.state).request(tenant, learner_key, about.get_column("statement_id"), reason=reason, now=now)
    return TakenBack(standing.height, held)


def _about(lake: Lake, tenant: str, learner_key: str) -> pl.DataFrame:
    """Statements whose actor or object is the learner: ``day, session_id, statement_id, voided``."""
    files = lake.files(PATH)
    if not files:
        schema = {"day": pl.Date, "session_id": pl.String, "statement_id": pl.String, "voided": pl.Boolean}
        return pl.DataFrame(schema=schema)
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        return con.sql(
            f"""
            with issued as (
                select * from read_parquet({file_list(files)}, hive_partitioning = false) where tenant = $tenant
            ),
            taken_back as (
                select voids from issued where voids is not null
            )
            select day, session_id, statement_id, statement_id in (select voids from taken_back) as voided
            from issued
            where voids is null
                and contains(statement, $key)
                and $key in (
                    statement::json ->> '$.actor.account.name', statement::json ->> '$.object.account.name'
                )
            order by day, session_id, statement_id
            """,
            params={"tenant": tenant, "key": learner_key},
        ).pl()


def _void(lake: Lake, day: object, rows: Sequence[dict], now: datetime) -> None:
    path = lake.path(PATH, day)  # type: ignore[arg-type]
    frozen = pl.read_parquet(path, hive_partitioning=False).cast(SCHEMA)  # type: ignore[arg-type]
    tenants = dict(frozen.select("statement_id", "tenant").iter_rows())
    fresh = [_row(tenants[each["statement_id"]], each, now) for each in rows]
    frame = pl.concat([frozen, pl.DataFrame(fresh, schema=SCHEMA, orient="row")])
    with lake.staging() as folder:
        draft = folder / f"{day}.parquet"
        frame.sort("tenant", "session_id", "issued_at", maintain_order=True).write_parquet(draft)
        lake.put(PATH, draft, day)  # type: ignore[arg-type]


def _row(tenant: str, each: dict, now: datetime) -> tuple:
    made: Issued = voiding(tenant, each["statement_id"], now)
    return (
        tenant, made.id, each["session_id"], each["day"], made.kind, made.template, made.subject, made.revision,
        made.voids, datetime.fromisoformat(made.timestamp), now, made.body.decode(), None,
    )  # fmt: skip
