"""Opens the published marts: which edition is current, and one locked read-only connection to it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import polars.selectors as cs
import streamlit as st

# A page must not be able to read files, load extensions or change these settings, whatever the query says.
LOCKED: dict[str, Any] = {"enable_external_access": "false", "lock_configuration": "true"}
OPEN_EDITIONS = 6  # a few tenants, each with the edition before the newest still in use by a slow page


@dataclass(frozen=True)
class Edition:
    """One published version of a tenant's marts; ``path`` is new with every publish, so it keys the caches."""

    tenant: str
    path: str

    @property
    def id(self) -> str:
        """The id in the file's name, ``marts-<id>.duckdb``."""
        return Path(self.path).stem.removeprefix("marts-")


def published_tenants(marts: Path) -> list[str]:
    """Tenants that have a published version."""
    if not marts.is_dir():
        return []
    return sorted(folder.name for folder in marts.iterdir() if (folder / "current").exists())


def current_edition(marts: Path, tenant: str) -> Edition | None:
    """The edition that ``current`` points at, or ``None`` before the first publish."""
    link = marts / tenant / "current"
    if tenant not in published_tenants(marts):
        return None
    return Edition(tenant, str(link.resolve()))


def manifest(edition: Edition) -> dict[str, Any]:
    """What ``publish`` wrote beside the file: when, from what, and its digest. Empty where it was removed."""
    path = Path(edition.path).with_suffix(".json")
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


@st.cache_resource(max_entries=OPEN_EDITIONS, show_spinner=False, on_release=lambda connection: connection.close())
def _connection(path: str) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(path, read_only=True, config=LOCKED)


def ask(edition: Edition, query: str, parameters: dict[str, Any]) -> pl.DataFrame:
    """The rows of one query; a cursor each, because the cursor is DuckDB's unit of concurrency.

    Times come back in UTC whatever zone the server runs in: DuckDB would show them in its session's zone, which a
    locked connection cannot set.
    """
    frame = _connection(edition.path).cursor().sql(query, params=parameters).pl()
    return frame.with_columns(cs.datetime(time_zone="*").dt.convert_time_zone("UTC"))
