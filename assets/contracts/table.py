"""What a table is: grain, key, columns and the rules that a good row satisfies.

Casts, row rules, Great Expectations suites, Dagster column schemas and the data dictionary are all
derived from these objects, so that a column is described once.
"""

from dataclasses import dataclass, field
from typing import Literal

Layer = Literal["raw", "core", "marts", "exports"]
Personal = Literal["none", "pseudonym", "speech"]


@dataclass(frozen=True)
class Column:
    """One column: its DuckDB type, what it means, and how personal it is.

    ``personal`` is ``none``, ``pseudonym`` (a learner key: linkable only with the identity store) or
    ``speech`` (words that somebody said). Names and e-mail addresses have no column anywhere.
    """

    name: str
    type: str
    meaning: str
    personal: Personal = "none"
    required: bool = False


@dataclass(frozen=True)
class Table:
    """One table of the lake or the published marts.

    ``rules`` maps a rule's name to a DuckDB predicate that a good row satisfies; NULL counts as broken.
    ``reasons`` gives each rule the sentence shown to whoever has to mend the row.
    ``partitioned`` tables keep one file a UTC day; the others are rebuilt whole.
    """

    layer: Layer
    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    rules: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    partitioned: bool = True

    @property
    def path(self) -> str:
        """``layer/name``, the table's folder in the lake and its Dagster asset key."""
        return f"{self.layer}/{self.name}"

    @property
    def column_names(self) -> list[str]:
        """Column names in storage order."""
        return [column.name for column in self.columns]

    @property
    def required(self) -> list[str]:
        """Columns that are never NULL in a good row."""
        return [column.name for column in self.columns if column.required]


def column(name: str, type_: str, meaning: str, *, personal: Personal = "none", required: bool = False) -> Column:
    """Declare an optional column; ``must`` declares a required one."""
    return Column(name, type_, meaning, personal, required)


def must(name: str, type_: str, meaning: str, *, personal: Personal = "none") -> Column:
    """Declare a column that is never NULL in a good row."""
    return Column(name, type_, meaning, personal, required=True)
