"""The SELECTs of the marts: one a file, explained, and portable to Spark through sqlglot."""

from importlib.resources import files

import pytest
import sqlglot
from sqlglot import exp

from assets.contracts import MARTS
from assets.marts.tables import ESTIMATED, REACH, SELECTED, STAGES, select

NAMES = [*STAGES, *(table.name for table in SELECTED)]


@pytest.mark.parametrize("name", NAMES)
def test_one_lower_case_select_that_spark_can_read(name: str) -> None:
    text = select(name)
    assert text.startswith("-- one row per")
    (statement,) = sqlglot.parse(text, read="duckdb")
    assert isinstance(statement, exp.Select)
    (spark,) = sqlglot.transpile(text, read="duckdb", write="spark", unsupported_level=sqlglot.ErrorLevel.RAISE)
    sqlglot.parse_one(spark, read="spark")
    keywords = [word for word in ("SELECT", "FROM", "WHERE", "GROUP BY") if word in text]
    assert keywords == []


def test_every_file_is_used_and_every_mart_has_a_reach() -> None:
    found = {
        file.name.removesuffix(".sql").removeprefix("_") for file in files("assets.marts").joinpath("sql").iterdir()
    }
    assert found == set(NAMES)
    assert {*REACH, *ESTIMATED} == {table.name for table in MARTS}
    assert not {*REACH} & {*ESTIMATED}
