"""The words of one session: the only way from a page to a transcript.

Turns are kept out of the published marts on purpose, so whoever shows them comes through here, one session at a
time, after ``authorize``. Read from the lake's core layer, read-only.
"""

from datetime import date
from pathlib import Path

import duckdb
import polars as pl

SCHEMA = {
    "ordinal": pl.Int32,
    "speaker": pl.String,
    "text": pl.String,
    "start_s": pl.Float64,
    "duration_s": pl.Float64,
    "words": pl.Int32,
    "response_gap_s": pl.Float64,
    "overlap_s": pl.Float64,
    "interrupted": pl.Boolean,
    "language": pl.String,
}


class NoEvidenceError(Exception):
    """The lake has no turns of that day; the text says which file was looked for."""


def transcript(lake: Path, tenant: str, session_id: str, day: date) -> pl.DataFrame:
    """One row per speech turn of the session, in order; empty where nobody spoke.

    ``day`` is the session's partition. ``start_s`` and ``duration_s`` are seconds from the session's start and
    null where the engine gave no timing.

    Raises:
        NoEvidenceError: the day's partition is not in the lake, for example because its retention has ended.
    """
    path = lake / "core" / "turns" / f"day={day.isoformat()}" / "data.parquet"
    if not path.is_file():
        raise NoEvidenceError(f"the lake holds no transcripts of {day.isoformat()}: {path} is not there")
    columns = ", ".join(SCHEMA)
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        frame = connection.sql(
            f"select {columns} from read_parquet($path, hive_partitioning = false)"  # noqa: S608 - own column names
            " where tenant = $tenant and session_id = $session order by ordinal",
            params={"path": str(path), "tenant": tenant, "session": session_id},
        ).pl()
    return frame.cast(SCHEMA)  # type: ignore[arg-type]
