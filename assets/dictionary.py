"""The data dictionary, written from the contracts: ``python -m assets.dictionary`` renews docs/data-dictionary.md."""

import sys
from collections.abc import Iterable
from pathlib import Path

from assets.contracts import CORE, EXPORTS, MARTS, OVERVIEWS, PUBLISHED, QUARANTINES, RAW, RESULTS, Table

TARGET = Path(__file__).resolve().parents[1] / "docs" / "data-dictionary.md"
HEAD = """# Data dictionary

Generated from `assets/contracts` by `python -m assets.dictionary`; a test fails when it is stale. Do not edit it here.

- **Required** columns are never null in a good row. Any other column may be, and null is never 0.
- **Personal** says how close a column is to a person: `pseudonym` is linkable with the identity store alone, `speech`
  is what somebody said. Names and e-mail addresses have no column anywhere.
- **Published** tables are in the file that dashboards and `rolecall query` read, under their bare names.
- Times are UTC. `day` is the UTC day a session started (outcomes: the day they occurred).
"""
LAYERS: tuple[tuple[str, str, tuple[Table, ...]], ...] = (
    ("Raw", "As delivered, after the gate; one Parquet file a day.", RAW),
    ("Core", "Typed, deduplicated, pseudonymous. A row that breaks a rule is in `<table>_quarantine`.", CORE),
    ("Results", "What a session came to; marts are made of these two.", RESULTS),
    ("Marts", "One table a question, rebuilt from session-grain tables; small cells are hidden inside.", MARTS),
    ("Overviews", "Where bad input is, for the data health page.", OVERVIEWS),
    ("Exports", "What leaves, frozen as it was first written; one Parquet file a day.", EXPORTS),
)


def render() -> str:
    """The whole document."""
    parts = [HEAD, _contents()]
    for title, meaning, tables in LAYERS:
        parts.append(f"\n## {title}\n\n{meaning}\n")
        parts += [_table(table) for table in tables if table not in QUARANTINES[1:]]
    return "\n".join(parts)


def _contents() -> str:
    lines = []
    for title, _, tables in LAYERS:
        links = ", ".join(f"[{_title(t)}](#{_anchor(t)})" for t in tables if t not in QUARANTINES[1:])
        lines.append(f"- {title}: {links}")
    return "\n".join(lines) + "\n"


def _title(table: Table) -> str:
    return "core/*_quarantine" if table in QUARANTINES else table.path


def _anchor(table: Table) -> str:
    return "".join(letter for letter in _title(table) if letter.isalnum() or letter == "_").lower()


def _table(table: Table) -> str:
    held = table in QUARANTINES
    grain = "one row per row of the judged core table that broke a rule" if held else table.grain
    published = " Published." if PUBLISHED.get(table.name) is table else ""
    lines = [
        f"### {_title(table)}\n",
        f"{grain[0].upper()}{grain[1:]}. Key: {_codes(table.key)}.{published}\n",
        "| column | type | required | personal | meaning |",
        "|---|---|---|---|---|",
    ]
    for column in table.columns:
        kind = "struct[]" if column.type.startswith("struct(") else column.type
        personal = "" if column.personal == "none" else column.personal
        required = "yes" if column.required else ""
        meaning = column.meaning.replace("|", "\\|")
        lines.append(f"| `{column.name}` | {kind} | {required} | {personal} | {meaning} |")
    if table.rules:
        lines += ["", "A good row satisfies:", ""]
        lines += [f"- `{rule}`: otherwise, {table.reasons.get(rule, 'see the contract')}" for rule in table.rules]
    return "\n".join(lines) + "\n"


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def main() -> int:
    """Write the dictionary and say where."""
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(render(), encoding="utf-8")
    sys.stdout.write(f"{TARGET}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
