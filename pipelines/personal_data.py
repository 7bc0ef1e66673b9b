"""The scan of what was said, and of what models wrote about it, for personal data: counts, and never the words.

Nothing is kept: pages and bundles mask when they are read, and the next scan knows who became known since.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from assets.lake import Lake
from governance.privacy.scan import Scanner

if TYPE_CHECKING:
    from pipelines.privacy import Desk

TEXTS = {
    "core/turns": ("text",),
    "core/signals": ("reason", "variables"),
    "core/criterion_scores": ("comment",),
}
FOUND = {
    "session_id": pl.String, "day": pl.Date, "table": pl.String, "kind": pl.String, "texts": pl.Int64,
    "findings": pl.Int64,
}  # fmt: skip
ABOUT = {"session_id": pl.String, "scenario_id": pl.String, "language": pl.String}
MOST = 50  # sessions that are listed, those with most first
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Scan:
    """What was read, and ``found``: one row per session, table and kind, with scenario and language."""

    texts: int
    sessions: int
    found: pl.DataFrame

    def by_kind(self) -> pl.DataFrame:
        """One row per table, kind, scenario and language, those with most sessions first."""
        place = ["table", "kind", "scenario_id", "language"]
        counted = self.found.group_by(place).agg(
            pl.col("session_id").n_unique().alias("sessions"), pl.col("texts").sum(), pl.col("findings").sum()
        )
        return counted.sort("sessions", *place, descending=[True, *[False] * len(place)], nulls_last=True)

    def by_session(self) -> pl.DataFrame:
        """One row per session, those with most findings first, at most ``MOST``."""
        kinds = pl.col("kind").unique().sort().str.join(", ")
        counted = self.found.group_by("session_id", "day", "scenario_id", "language").agg(
            kinds.alias("kinds"), pl.col("texts").sum(), pl.col("findings").sum()
        )
        return counted.sort("findings", "session_id", descending=[True, False]).head(MOST)


def scan(
    desk: "Desk", first: date | None = None, last: date | None = None, progress: Progress = lambda _: None
) -> Scan:
    """Read every text of the tenant's sessions that started in these days, both included; all without."""
    scanner = Scanner.of(desk.identities, desk.tenant)
    rows: list[tuple[str, date, str, str, int, int]] = []
    read, sessions = 0, set[str]()
    for table, columns in TEXTS.items():
        for day in _within(desk.lake.days(table), first, last):
            progress(f"{table}, {day.isoformat()}")
            texts: Counter[tuple[str, str]] = Counter()
            findings: Counter[tuple[str, str]] = Counter()
            for session_id, text in _texts(desk.lake, table, columns, day, desk.tenant):
                read += 1
                sessions.add(session_id)
                kinds = Counter(each.kind for each in scanner.find(text))
                texts.update((session_id, kind) for kind in kinds)
                findings.update({(session_id, kind): count for kind, count in kinds.items()})
            rows += [(session, day, table, kind, count, findings[session, kind])
                     for (session, kind), count in texts.items()]  # fmt: skip
    found = pl.DataFrame(rows, schema=FOUND, orient="row")
    return Scan(read, len(sessions), found.join(_about(desk, first, last), on="session_id", how="left"))


def _within(days: list[date], first: date | None, last: date | None) -> list[date]:
    return [day for day in days if (first is None or day >= first) and (last is None or day <= last)]


def _texts(lake: Lake, table: str, columns: tuple[str, ...], day: date, tenant: str) -> Iterator[tuple[str, str]]:
    """Session and text of one day, without those that say nothing."""
    frame = pl.scan_parquet(lake.path(table, day), hive_partitioning=False).filter(pl.col("tenant") == tenant)
    for session_id, *values in frame.select("session_id", pl.col(*columns).cast(pl.String)).collect().iter_rows():
        yield from ((session_id, value) for value in values if value)


def _about(desk: "Desk", first: date | None, last: date | None) -> pl.DataFrame:
    """Scenario and language of each session."""
    files = desk.lake.files("core/sessions", _within(desk.lake.days("core/sessions"), first, last))
    if not files:
        return pl.DataFrame(schema=ABOUT)
    rows = pl.scan_parquet(files, hive_partitioning=False).filter(pl.col("tenant") == desk.tenant)
    return rows.select(*ABOUT).unique("session_id", keep="any").collect()
