"""The contract of every table: columns, types, meaning, personal-data class and row rules."""

from assets.contracts.core import CORE, JUDGED, QUARANTINES, quarantine_of
from assets.contracts.marts import MARTS
from assets.contracts.raw import RAW
from assets.contracts.table import Column, Table

TABLES: dict[str, Table] = {table.path: table for table in (*RAW, *CORE, *MARTS)}

# Session-grain tables that the published file holds beside the marts, for drill-down and `rolecall query`.
PUBLISHED_CORE: tuple[str, ...] = (
    "sessions",
    "session_scores",
    "criterion_scores",
    "signals",
    "outcomes",
    "learners",
    "launches",
    "media",
)

__all__ = [
    "CORE",
    "JUDGED",
    "MARTS",
    "PUBLISHED_CORE",
    "QUARANTINES",
    "RAW",
    "TABLES",
    "Column",
    "Table",
    "quarantine_of",
]
