"""The contract of every table: columns, types, meaning, personal-data class and row rules."""

from assets.contracts.comparisons import COMPARISONS
from assets.contracts.core import CORE, JUDGED, QUARANTINES, quarantine_of
from assets.contracts.effects import EFFECTS
from assets.contracts.exports import EXPORTS, XAPI_STATEMENTS
from assets.contracts.lms import LMS_ISSUED, LMS_RECONCILIATION, LMS_UNMATCHED
from assets.contracts.marts import BOARDS, INTAKE
from assets.contracts.raw import RAW
from assets.contracts.results import RESULTS
from assets.contracts.sync import SYNC_TABLES
from assets.contracts.table import Column, Table

# In the order in which they are built: a mart may be made of marts before it.
MARTS: tuple[Table, ...] = (*BOARDS, *COMPARISONS, *EFFECTS, LMS_RECONCILIATION)

# What the registers say, taken over as it stands.
REGISTERS: tuple[Table, ...] = (*SYNC_TABLES, LMS_UNMATCHED, LMS_ISSUED)
OVERVIEWS: tuple[Table, ...] = (*INTAKE, *REGISTERS)

TABLES: dict[str, Table] = {table.path: table for table in (*RAW, *CORE, *RESULTS, *MARTS, *OVERVIEWS, *EXPORTS)}

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

# Every table of the published file: nothing else may reach it.
PUBLISHED: dict[str, Table] = {
    **{name: TABLES[f"core/{name}"] for name in PUBLISHED_CORE},
    **{table.name: table for table in (*RESULTS, *MARTS, *OVERVIEWS)},
}

__all__ = [
    "CORE",
    "EFFECTS",
    "EXPORTS",
    "JUDGED",
    "LMS_RECONCILIATION",
    "MARTS",
    "OVERVIEWS",
    "PUBLISHED",
    "PUBLISHED_CORE",
    "QUARANTINES",
    "RAW",
    "REGISTERS",
    "RESULTS",
    "TABLES",
    "XAPI_STATEMENTS",
    "Column",
    "Table",
    "quarantine_of",
]
