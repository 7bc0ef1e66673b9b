"""Great Expectations suites from the same rules, run on pandas frames; imported late, since the import costs 3 s.

The suite is the verdict that a reviewer can read (Data Docs). It sees at most ``SAMPLE`` rows of a table, chosen by a
hash of the key so that the same rows come again; the exact check beside it sees every row. Offending values never
enter a result: they would end up in Dagster's metadata and in the docs.
"""

import functools
import importlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd

from assets.checks.expectations import remembering
from assets.checks.rules import Rule, contract_rules, narrow
from assets.contracts import Table

if TYPE_CHECKING:
    import great_expectations as gx
    from great_expectations.core import ExpectationSuiteValidationResult

SAMPLE = 10_000
RESULT_FORMAT: dict[str, Any] = {"result_format": "BASIC", "exclude_unexpected_values": True}


def frame_of(
    con: duckdb.DuckDBPyConnection, table: Table, source: str, rows: int | None = None, sample: int = SAMPLE
) -> pd.DataFrame:
    """The columns that the suite needs, of every row or of a repeatable sample of them.

    ``rows`` is how many the source has; they are counted where that is unknown.
    Lists come as text: no rule looks into one, and Great Expectations would pickle the frame, twice, to tell it from
    others.
    """
    lists = {column.name for column in table.columns if column.type.endswith("[]")}
    columns = ", ".join(f'"{name}"::varchar as "{name}"' if name in lists else f'"{name}"' for name in narrow(table))
    known = rows if rows is not None else con.sql(f"select count(*) from {source} as counted").fetchall()[0][0]
    part = ""
    if known > sample:
        key = ", ".join(f'"{name}"' for name in table.key)
        part = f" where hash({key}) % {known} < {sample}"
    return con.sql(f"select {columns} from {source} as sampled{part}").df()


def suite(table: Table) -> "gx.ExpectationSuite":
    """The table's expectation suite; rules on words that somebody said are left to the exact check."""
    gx = _library()
    shown = set(narrow(table))
    rules = [rule for rule in contract_rules(table) if shown.issuperset(rule.columns)]
    return gx.ExpectationSuite(name=table.path.replace("/", "_"), expectations=[_expectation(rule) for rule in rules])


def _expectation(rule: Rule) -> Any:
    first, severity = rule.columns[0], rule.severity
    if rule.kind == "not_null":
        return remembering("ExpectColumnValuesToNotBeNull")(column=first, severity=severity)
    if rule.kind == "in_set":
        return remembering("ExpectColumnValuesToBeInSet")(column=first, value_set=list(rule.values), severity=severity)
    if rule.kind == "between":
        return remembering("ExpectColumnValuesToBeBetween")(
            column=first, min_value=rule.low, max_value=rule.high, severity=severity
        )
    if rule.kind == "ordered":
        return remembering("ExpectColumnPairValuesAToBeGreaterThanB")(
            column_A=rule.columns[1], column_B=first, or_equal=True, ignore_row_if="either_value_is_missing",
            severity=severity,
        )  # fmt: skip
    if len(rule.columns) == 1:
        return remembering("ExpectColumnValuesToBeUnique")(column=first, severity=severity)
    return remembering("ExpectCompoundColumnsToBeUnique")(column_list=list(rule.columns), severity=severity)


def validate(table: Table, frame: pd.DataFrame) -> "ExpectationSuiteValidationResult":
    """Run the suite over a frame; where something failed, once more to count the rows, which costs as much again."""
    batch = _memory().get_batch({"dataframe": frame})
    report = batch.validate(suite(table), result_format="BOOLEAN_ONLY")
    return report if report.success else batch.validate(suite(table), result_format=RESULT_FORMAT)


@functools.cache
def _memory() -> Any:
    """One in-memory context for the whole process: making one costs as much as a small suite."""
    context = _quiet(_library().get_context(mode="ephemeral"))
    asset = context.data_sources.add_pandas("memory").add_dataframe_asset("frame")
    return asset.add_batch_definition_whole_dataframe("all")


def failures(report: "ExpectationSuiteValidationResult", severity: str) -> list[dict[str, Any]]:
    """The expectations of one severity that failed: type, columns and how many rows, never which values."""
    found = []
    for result in report.results:
        config = result.expectation_config
        if result.success or config is None or config.severity != severity:
            continue
        columns = config.kwargs.get("column_list") or [
            config.kwargs[name] for name in ("column", "column_A", "column_B") if name in config.kwargs
        ]
        found.append(
            {
                "expectation": config.type,
                "columns": list(columns),
                "rows": result.result.get("unexpected_count"),
                "error": _first_error(result),
            }
        )
    return found


def _first_error(result: Any) -> str | None:
    raised = result.exception_info or {}
    nested = [each for each in raised.values() if isinstance(each, dict)] or [raised]
    return next((str(each.get("exception_message")) for each in nested if each.get("raised_exception")), None)


def build_data_docs(frames: Iterable[tuple[Table, pd.DataFrame]], folder: Path) -> Path:
    """Validate the frames and write the Data Docs site below ``folder``; returns its first page."""
    gx = _library()
    folder.mkdir(parents=True, exist_ok=True)
    context = _quiet(gx.get_context(mode="file", project_root_dir=str(folder)))
    source = context.data_sources.add_or_update_pandas("memory")
    for table, frame in frames:
        name = table.path.replace("/", "_")
        asset = source.add_dataframe_asset(name)
        definition = context.validation_definitions.add_or_update(
            gx.ValidationDefinition(
                name=name,
                data=asset.add_batch_definition_whole_dataframe("all"),
                suite=context.suites.add_or_update(suite(table)),
            )
        )
        checkpoint = context.checkpoints.add_or_update(
            gx.Checkpoint(name=name, validation_definitions=[definition], result_format=RESULT_FORMAT)
        )
        checkpoint.run(batch_parameters={"dataframe": frame})
    context.build_data_docs()
    return folder / "gx" / "uncommitted" / "data_docs" / "local_site" / "index.html"


def warm() -> None:
    """Import the library, for a thread that does so while something else is waited for."""
    _library()


def _library() -> Any:
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    return importlib.import_module("great_expectations")


def _quiet(context: Any) -> Any:
    context.variables.progress_bars = {"globally": False}
    return context
