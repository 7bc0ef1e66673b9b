"""Publish a tenant's working file: an immutable copy with a manifest, and one link that readers follow.

Readers open the real path behind ``current``, so a new version never pulls the file from under them, and the
writer never waits for a reader (DuckDB lets nobody read a file that another process writes).
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from assets.contracts import PUBLISHED

FORMAT = "rolecall.marts/1"
CURRENT = "current"
MANIFEST = "manifest.json"
_FICLONE = 0x40049409  # ioctl of Linux that shares a file's blocks instead of copying them


@dataclass(frozen=True)
class Published:
    """One published version. ``new`` is False where the content equals the version that is current already."""

    path: Path
    manifest: dict[str, Any]
    new: bool


def publish(
    working: Path, folder: Path, digests: Mapping[str, str], *, now: datetime, keep: int, facts: Mapping[str, Any]
) -> Published:
    """Copy ``working`` to ``folder/marts-<id>.duckdb`` and swap ``current``, unless nothing changed.

    ``digests`` gives a content digest per table that marts are made of, ``facts`` what else decides them (minimum
    cell, catalog, rules). Marts themselves are left out: sums of doubles differ in the last bit from run to run.

    Raises ``ValueError`` where the working file is not exactly the contract.
    """
    folder.mkdir(parents=True, exist_ok=True)
    identity = _identity(digests, facts)
    standing = manifest_of(folder)
    if standing is not None and standing["content"] == identity:
        return Published(folder / standing["file"], standing, new=False)
    described = describe(working)
    name = f"marts-{now.astimezone(UTC):%Y%m%dT%H%M%S}Z-{identity[:12]}"
    target, draft = folder / f"{name}.duckdb", folder / f".{name}.draft"
    sha256 = clone(working, draft)
    manifest = {
        "format": FORMAT,
        "id": name.removeprefix("marts-"),
        "file": target.name,
        "created_at": now.astimezone(UTC).isoformat(),
        "sha256": sha256,
        "bytes": draft.stat().st_size,
        "content": identity,
        **described,
        **facts,
        "sources": dict(sorted(digests.items())),
    }
    draft.rename(target)
    _write(folder / f"{name}.json", json.dumps(manifest, indent=2, default=str) + "\n")
    _swap(folder, target.name)
    _write(folder / MANIFEST, json.dumps(manifest, indent=2, default=str) + "\n")
    _prune(folder, keep)
    return Published(target, manifest, new=True)


def manifest_of(folder: Path) -> dict[str, Any] | None:
    """The manifest of the version behind ``current``; None where nothing was published yet.

    It is the one beside the file, not ``manifest.json``: a run killed between the two writes must not make
    yesterday's manifest speak for today's file.
    """
    link = folder / CURRENT
    if not link.exists():
        return None
    beside = link.resolve().with_suffix(".json")
    return json.loads(beside.read_text("utf-8")) if beside.exists() else None


def describe(working: Path) -> dict[str, Any]:
    """Row counts and versions of a working file; refuses one that holds anything but the contract's tables."""
    with duckdb.connect(str(working), read_only=True) as con:
        found = dict(con.sql(_COLUMNS).fetchall())
        check_contract(found)
        counted = " union all ".join(f"select '{name}', count(*) from \"{name}\"" for name in sorted(PUBLISHED))
        return {
            "tables": dict(con.sql(counted).fetchall()),
            "policy_versions": _values(con, "select distinct policy_version from sessions order by 1"),
            "rubric_versions": _values(
                con, "select distinct rubric_id || ':' || rubric_version from session_scores order by 1"
            ),
            "days": [str(day) for day in con.sql("select min(day), max(day) from sessions").fetchall()[0]],
        }


_COLUMNS = """
    select table_name, list(column_name order by ordinal_position)
    from information_schema.columns
    where table_catalog = current_database()
    group by table_name
"""


def check_contract(found: Mapping[str, list[str]]) -> None:
    """Raise ``ValueError`` where tables or columns are not exactly those of the contract."""
    missing, alien = sorted(PUBLISHED.keys() - found.keys()), sorted(found.keys() - PUBLISHED.keys())
    if missing or alien:
        raise ValueError(
            f"the working file does not hold exactly the published tables (missing {missing}, unknown {alien});"
            " rebuild it with `rolecall run --full`"
        )
    for name, columns in found.items():
        if columns != PUBLISHED[name].column_names:
            raise ValueError(
                f"table {name} has columns {columns}, the contract says {PUBLISHED[name].column_names};"
                " rebuild it with `rolecall run --full`"
            )


def clone(source: Path, target: Path) -> str:
    """Copy a file, sharing its blocks where the file system can; returns the SHA-256 of its content.

    The hash is of the source, which nobody writes meanwhile: it is computed while the copy goes to the disk.
    """
    with ThreadPoolExecutor(1) as pool:
        digest = pool.submit(_sha256, source)
        if not _share_blocks(source, target):
            shutil.copyfile(source, target)  # inside the kernel
        with target.open("rb+") as copy:
            os.fsync(copy.fileno())
        return digest.result()


def _share_blocks(source: Path, target: Path) -> bool:
    with source.open("rb") as read, target.open("wb") as write:
        try:
            fcntl.ioctl(write.fileno(), _FICLONE, read.fileno())
        except OSError:
            return False
        return True


def _identity(digests: Mapping[str, str], facts: Mapping[str, Any]) -> str:
    text = json.dumps([FORMAT, sorted(digests.items()), sorted(facts.items())], default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _values(con: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    return [value for (value,) in con.sql(query).fetchall()]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(text, "utf-8")
    draft.replace(path)


def _swap(folder: Path, name: str) -> None:
    draft = folder / f".{CURRENT}.draft"
    draft.unlink(missing_ok=True)
    draft.symlink_to(name)
    draft.replace(folder / CURRENT)


def forget_older(folder: Path) -> None:
    """Keep the current version alone: after an erasure the older ones still hold what was erased."""
    _prune(folder, 1)


def _prune(folder: Path, keep: int) -> None:
    """Remove the oldest versions; names begin with the time, so they sort by age. Open readers keep theirs."""
    current = (folder / CURRENT).resolve().name
    versions = sorted(file for file in folder.glob("marts-*.duckdb"))
    for old in versions[:-keep]:
        if old.name != current:
            old.unlink()
            old.with_suffix(".json").unlink(missing_ok=True)
    for draft in folder.glob(".marts-*.draft"):
        draft.unlink()
