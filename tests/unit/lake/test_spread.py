"""Days are written sorted, whether or not their rows came so."""

import random
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from assets.duck import connect
from assets.raw.spread import FEW, write_days, write_each_day

KEY = ("tenant", "session_id", "ordinal")
Row = tuple[str, str, int, date]


def rows(each_day: int) -> list[Row]:
    """Of three days, in order of day, tenant, session and, against the key, falling ordinal."""
    first = date(2026, 11, 2)
    return [
        (tenant, f"s{number:06d}", ordinal, first + timedelta(days=day))
        for day in range(3)
        for tenant in ("acme", "zeta")
        for number in range(each_day // 4)
        for ordinal in (1, 0)
    ]


def written(into: Path, given: list[Row]) -> list[Row]:
    with connect() as con:
        con.register("given", pl.DataFrame(given, schema=[*KEY, "day"], orient="row"))
        assert write_days(con, "from given", KEY, into) == len(given)
        files = sorted(into.glob("day=*/*.parquet"))
        assert len(files) == 3
        return [row for path in files for row in con.execute(f"select * from '{path}'").fetchall()]


@pytest.mark.parametrize("each_day", [8, 2 * FEW])
def test_rows_in_disorder_are_sorted_by_their_key(tmp_path: Path, each_day: int) -> None:
    expected = rows(each_day)
    shuffled = random.Random(7).sample(expected, len(expected))
    assert written(tmp_path, shuffled) == sorted(expected, key=lambda row: (row[3], *row[:3]))


@pytest.mark.parametrize("each_day", [8, 2 * FEW])
def test_rows_sorted_by_tenant_and_session_stay_as_they_come(tmp_path: Path, each_day: int) -> None:
    assert written(tmp_path, rows(each_day)) == rows(each_day)


@pytest.mark.parametrize("place", [0, -1])
def test_one_row_out_of_place_is_noticed(tmp_path: Path, place: int) -> None:
    expected = rows(2 * FEW)
    moved = expected.copy()
    moved.insert(len(moved) // 6, moved.pop(place))
    assert written(tmp_path, moved) == sorted(expected, key=lambda row: (row[3], *row[:3]))


def test_day_by_day_the_same_rows_are_written_as_they_come_and_a_day_without_any_has_no_file(tmp_path: Path) -> None:
    expected = rows(2 * FEW)
    days = [date(2026, 11, 1) + timedelta(days=day) for day in range(5)]
    with connect(threads=1) as con:
        con.register("given", pl.DataFrame(expected, schema=[*KEY, "day"], orient="row"))
        assert write_each_day(con, "select * from given where day = $day", days, tmp_path) == len(expected)
        files = sorted(tmp_path.glob("day=*/*"))
        assert [path.parent.name for path in files] == [f"day={day}" for day in days[1:4]]
        assert [row for path in files for row in con.execute(f"from '{path}'").fetchall()] == expected
    assert len(list(tmp_path.iterdir())) == 3
