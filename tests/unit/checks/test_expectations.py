"""Expectations that remember their configuration say what the library's own say."""

import copy
import importlib
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from assets.checks import expectations, suites
from assets.checks.expectations import remembering
from assets.contracts import TABLES, Table

library: Any = importlib.import_module("great_expectations.expectations")
SESSIONS = TABLES["core/sessions"]
BREAKAGES = (
    "set completeness = 'secret-word' where attempt = 1",
    "set raw_ref = null where attempt = 2",
    "set ended_at = started_at - interval 1 hour where attempt = 1",
    "set duration_s = 90000",
)
DIFFERS = re.compile(
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{32}|\d{8}T\d{6}\.\d+Z|20\d\d-\d\d-\d\d[^<]*"
)


def librarys_own(name: str) -> Any:
    return getattr(library, name)


@pytest.mark.parametrize("broken", [False, True])
def test_verdicts_are_the_librarys(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, broken: bool
) -> None:
    for change in BREAKAGES if broken else ():
        con.execute(f"update sessions {change}")
    tables = [TABLES[f"core/{name}"] for name in ("sessions", "criterion_scores", "session_scores")]
    frames = [(table, suites.frame_of(con, table, table.name)) for table in tables]
    told = verdicts(frames)
    monkeypatch.setattr(expectations, "remembering", librarys_own)
    assert told == verdicts(frames)
    assert all(result["success"] for result in told) is not broken


def verdicts(frames: Iterable[tuple[Table, pd.DataFrame]]) -> list[dict[str, Any]]:
    return [result.to_json_dict() for table, frame in frames for result in suites.validate(table, frame).results]


def test_data_docs_are_the_librarys(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for change in BREAKAGES:
        con.execute(f"update sessions {change}")
    frame = suites.frame_of(con, SESSIONS, "sessions")
    told = pages(suites.build_data_docs([(SESSIONS, frame)], tmp_path / "told"))
    monkeypatch.setattr(expectations, "remembering", librarys_own)
    assert told == pages(suites.build_data_docs([(SESSIONS, frame)], tmp_path / "own"))
    assert any("completeness" in page for page in told)


def pages(index: Path) -> list[str]:
    """The site's pages without ids and times."""
    return sorted(DIFFERS.sub("", page.read_text("utf-8")) for page in index.parent.rglob("*.html"))


def test_a_changed_expectation_has_another_configuration() -> None:
    expectation = remembering("ExpectColumnValuesToNotBeNull")(column="a")
    before = expectation.configuration
    assert expectation.configuration is before
    assert before.to_domain_obj() is expectation
    copied = copy.copy(expectation)
    copied.severity = "warning"
    assert (copied.configuration.severity, before.severity) == ("warning", "critical")
    expectation.id = "1"
    assert (expectation.configuration.id, before.id) == ("1", None)


def test_a_changed_configuration_has_another_expectation() -> None:
    expectation = remembering("ExpectColumnValuesToNotBeNull")(column="a")
    configuration = copy.deepcopy(expectation.configuration)
    configuration.kwargs["batch_id"] = "memory"
    made = configuration.to_domain_obj()
    assert (made.batch_id, expectation.batch_id) == ("memory", None)
    assert type(made) is type(expectation)
    assert configuration.to_domain_obj() is made
    configuration.kwargs["batch_id"] = "other"
    assert configuration.to_domain_obj().batch_id == "other"


def test_the_librarys_registry_keeps_its_own_classes() -> None:
    remembering("ExpectColumnValuesToBeInSet")
    config = library.ExpectColumnValuesToBeInSet(column="a", value_set=["b"]).configuration
    assert type(config.to_domain_obj()) is library.ExpectColumnValuesToBeInSet


def test_dagster_learns_of_the_checks_without_the_library() -> None:
    code = "import sys, assets.checks.definitions, assets.checks.docs, assets.checks.expectations\n"
    told = "print('great_expectations' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code + told], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
