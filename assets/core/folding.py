"""Deliveries and repeated bundles folded into one row a session, in the shape of a bundle.

Folding is Python and therefore the slow part of the engine's way in; each day's folded deliveries are kept and used
again until its raw file or the catalog's mapping of engine fields changes.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import orjson

from assets.contracts.raw import BUNDLE_PARTS, BUNDLES, DELIVERIES
from assets.duck import desk, file_list, literal
from assets.lake import Lake
from integrations.engine.assemble import RubricFields, assemble
from integrations.engine.bundle import merge

VERSION = "1"  # raise it when folding changes, so that kept foldings are made anew
KEPT = "core/.folded"
TYPES: dict[str, str] = {
    "tenant": "varchar",
    "session_id": "varchar",
    "day": "date",
    **{column.name: column.type for column in BUNDLE_PARTS},
    "withheld": "integer",
    "policy_version": "varchar",
    "first_received_at": "timestamptz",
    "last_received_at": "timestamptz",
    "raw_ref": "varchar",
    "parts_seen": "varchar[]",
    "parts_expected": "varchar[]",
    "closed": "boolean",
}
PART_NAMES = [column.name for column in BUNDLE_PARTS]


def folded_days(con: duckdb.DuckDBPyConnection, lake: Lake, days: Iterable[date], fields: RubricFields) -> list[Path]:
    """Files of folded deliveries, one a day that has any; made where they are missing or out of date."""
    mapping = hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
    files = []
    for day in sorted(set(days)):
        file_id = lake.file_id(DELIVERIES.path, day)
        folder = lake.folder(KEPT) / f"day={day}"
        wanted = None
        if file_id is not None:
            name = hashlib.sha256(f"{VERSION}|{file_id}|{mapping}".encode()).hexdigest()[:24]
            wanted = folder / f"{name}.parquet"
            if not wanted.is_file():
                _fold_day(con, lake, day, fields, wanted)
            files.append(wanted)
        for old in folder.glob("*.parquet"):
            if old != wanted:
                old.unlink()
    return files


def _fold_day(con: duckdb.DuckDBPyConnection, lake: Lake, day: date, fields: RubricFields, target: Path) -> None:
    source = f"read_parquet({literal(str(lake.path(DELIVERIES.path, day)))})"
    with lake.staging() as folder, desk(con) as reading:
        found = reading.execute(f"select * from {source} order by tenant, session_id, event_key")
        columns = [name for name, *_ in found.description or ()]
        lines = folder / "folded.jsonl"
        with lines.open("wb") as out:
            out.writelines(line(folded(rows, day, fields)) for rows in _sessions(found, columns))
        write(con, lines, folder / "folded.parquet")
        target.parent.mkdir(parents=True, exist_ok=True)
        (folder / "folded.parquet").replace(target)


def _sessions(found: duckdb.DuckDBPyConnection, columns: list[str]) -> Iterator[list[dict[str, Any]]]:
    def rows() -> Iterator[dict[str, Any]]:
        while some := found.fetchmany(2_000):
            for row in some:
                yield dict(zip(columns, row, strict=True))

    for _, group in groupby(rows(), key=lambda row: (row["tenant"], row["session_id"])):
        yield list(group)


def folded(rows: list[dict[str, Any]], day: date, fields: RubricFields) -> dict[str, Any]:
    """One session's deliveries as one row of ``TYPES``."""
    session = assemble(rows, fields)
    newest = max(rows, key=lambda row: (row["received_at"], row["event_key"]))
    return {
        "tenant": rows[0]["tenant"],
        "session_id": rows[0]["session_id"],
        "day": day,
        **{name: session.get(name) for name in PART_NAMES},
        "withheld": sum(row.get("withheld") or 0 for row in rows),
        "policy_version": newest["policy_version"],
        "first_received_at": min(row["received_at"] for row in rows),
        "last_received_at": newest["received_at"],
        "raw_ref": f"{DELIVERIES.path}:{rows[0]['session_id']}",
        "parts_seen": session["parts_seen"],
        "parts_expected": session["parts_expected"],
        "closed": session["closed"],
    }


def merged(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Several rows of ``TYPES`` of one session (bundles, and perhaps its folded deliveries) as one."""
    ordered = sorted(rows, key=lambda row: row["raw_ref"])
    engine_side = [row for row in ordered if row["closed"] is not None]
    newest = max(ordered, key=lambda row: (row["last_received_at"], row["raw_ref"]))
    session = merge([{name: row[name] for name in PART_NAMES} for row in ordered])
    return {
        **{name: ordered[0][name] for name in ("tenant", "session_id")},
        "day": min(row["day"] for row in ordered),
        **{name: session.get(name) for name in PART_NAMES},
        "withheld": sum(row["withheld"] for row in ordered),
        "policy_version": newest["policy_version"],
        "first_received_at": min(row["first_received_at"] for row in ordered),
        "last_received_at": newest["last_received_at"],
        "raw_ref": ordered[0]["raw_ref"],
        # A bundle tells the whole session: with one at hand nothing is waited for any more.
        "parts_seen": None,
        "parts_expected": None,
        "closed": None if len(engine_side) < len(ordered) else engine_side[0]["closed"],
    }


def line(row: Mapping[str, Any]) -> bytes:
    """A row as a JSON line; a signal's payload is JSON text and goes in as what it holds."""
    signals = row.get("signals")
    if signals is not None:
        row = {**row, "signals": [_opened(signal) for signal in signals]}
    return orjson.dumps(row) + b"\n"


def _opened(signal: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if signal is None or not isinstance(signal.get("payload"), str):
        return signal
    return {**signal, "payload": orjson.Fragment(signal["payload"])}


def write(con: duckdb.DuckDBPyConnection, lines: Path, target: Path) -> None:
    """JSON lines of rows of ``TYPES`` as Parquet."""
    columns = ", ".join(f"{name}: {literal(type_)}" for name, type_ in TYPES.items())
    source = (
        f"read_json({literal(str(lines))}, format = 'newline_delimited', columns = {{{columns}}},"
        " maximum_object_size = 268435456)"
    )
    con.execute(f"copy (from {source}) to '{target}' (format parquet, compression lz4)")


def bundle_rows(files: list[Path], where: str = "true") -> str:
    """Rows of raw/bundles in the shape of ``TYPES``."""
    own = {
        "first_received_at": "received_at",
        "last_received_at": "received_at",
        "raw_ref": f"'{BUNDLES.path}:' || content_sha256",
        "parts_seen": "null::varchar[]",
        "parts_expected": "null::varchar[]",
        "closed": "null::boolean",
    }
    columns = ", ".join(f"{own[name]} as {name}" if name in own else name for name in TYPES)
    return f"(select {columns} from read_parquet({file_list(files)}) where {where})"
