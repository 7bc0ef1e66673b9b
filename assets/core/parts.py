"""The input of core for a set of days: one row a session, from bundles, deliveries, or both."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import duckdb

from assets.contracts.raw import BUNDLES
from assets.core.folding import TYPES, bundle_rows, folded_days, line, merged, write
from assets.duck import file_list
from assets.lake import Lake
from integrations.engine.assemble import RubricFields


def gather(
    con: duckdb.DuckDBPyConnection, lake: Lake, days: Sequence[date], fields: RubricFields, folder: Path
) -> bool:
    """Make the view ``parts``; True where it comes sorted by day, tenant and session without being asked to.

    A session with one bundle is read straight from its file; only sessions told more than once go through Python.
    """
    bundles = lake.files(BUNDLES.path, days)
    deliveries = folded_days(con, lake, days, fields)
    heads = []
    if bundles:
        heads.append(f"select tenant, session_id from read_parquet({file_list(bundles)})")
    if deliveries:
        heads.append(f"select tenant, session_id from read_parquet({file_list(deliveries)})")
    if not heads:
        columns = ", ".join(f"null::{type_} as {name}" for name, type_ in TYPES.items())
        con.execute(f"create or replace temp view parts as select {columns} where false")
        return True
    con.execute(f"""
        create or replace temp table told_again as
        select tenant, session_id from ({" union all ".join(heads)}) group by all having count(*) > 1
    """)
    again = con.sql("select count(*) from told_again").fetchall()[0][0]
    once = "(tenant, session_id) not in (from told_again)" if again else "true"
    sources = []
    if bundles:
        sources.append(f"from {bundle_rows(bundles, once)}")
    if deliveries:
        sources.append(f"select {', '.join(TYPES)} from read_parquet({file_list(deliveries)}) where {once}")
    if again:
        sources.append(f"from read_parquet('{_merge_again(con, bundles, deliveries, folder)}')")
    con.execute(f"create or replace temp view parts as {' union all by name '.join(sources)}")
    return len(sources) == 1


def _merge_again(
    con: duckdb.DuckDBPyConnection, bundles: Sequence[Path], deliveries: Sequence[Path], folder: Path
) -> Path:
    where = "(tenant, session_id) in (from told_again)"
    sources = []
    if bundles:
        sources.append(f"from {bundle_rows(list(bundles), where)}")
    if deliveries:
        sources.append(f"select {', '.join(TYPES)} from read_parquet({file_list(deliveries)}) where {where}")
    found = con.execute(f"from ({' union all by name '.join(sources)}) order by tenant, session_id, raw_ref")
    lines = folder / "merged.jsonl"
    group: list[dict] = []
    with lines.open("wb") as out:
        while some := found.fetchmany(1_000):
            for values in some:
                row = dict(zip(TYPES, values, strict=True))
                if group and (group[0]["tenant"], group[0]["session_id"]) != (row["tenant"], row["session_id"]):
                    out.write(line(merged(group)))
                    group = []
                group.append(row)
        if group:
            out.write(line(merged(group)))
    target = folder / "merged.parquet"
    write(con, lines, target)
    return target
