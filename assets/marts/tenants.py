"""Which tenants have data: read from the lake, and only from files that were not read before."""

import json
from pathlib import Path

from assets.duck import connect, file_list
from assets.lake import Lake

CACHE = ".tenants.json"
TABLES = ("core/sessions", "core/outcomes")


def tenants(lake: Lake, folder: Path) -> list[str]:
    """Tenants with a session or an outcome, in order; ``folder`` (the marts' root) keeps what was seen by file.

    A tenant whose last row is gone but who has a working file is still listed, so that its marts become empty
    instead of staying as they were.
    """
    seen = _read(folder / CACHE)
    found: dict[str, list[str]] = {}
    fresh: dict[str, tuple[str, Path]] = {}
    for table in TABLES:
        for day, file_id in lake.file_ids(table).items():
            key = f"{table}/{day}@{file_id}"
            if key in seen:
                found[key] = seen[key]
            else:
                fresh[str(lake.path(table, day))] = (key, lake.path(table, day))
    if fresh:
        found |= {key: [] for key, _ in fresh.values()}
        for name, tenant in _distinct([path for _, path in fresh.values()]):
            found[fresh[name][0]].append(tenant)
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f"{CACHE}.draft"
        draft.write_text(json.dumps(found), "utf-8")
        draft.replace(folder / CACHE)
    standing = {path.parent.name for path in folder.glob("*/working.duckdb")}
    return sorted({tenant for listed in found.values() for tenant in listed} | standing)


def _distinct(paths: list[Path]) -> list[tuple[str, str]]:
    con = connect()
    try:
        return con.sql(
            f"select distinct filename, tenant from read_parquet({file_list(paths)}, filename = true,"
            " hive_partitioning = false) order by all"
        ).fetchall()
    finally:
        con.close()


def _read(path: Path) -> dict[str, list[str]]:
    try:
        return json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return {}  # a cache: read everything again
