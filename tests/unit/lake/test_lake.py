"""The lake: whole days, one rename each, one writer."""

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from assets.core.built import Built
from assets.core.plan import days_rescaled, outdated
from assets.lake import Lake, LakeBusyError, fingerprint
from governance.settings import PROJECT

DAY, NEXT = date(2026, 11, 2), date(2026, 11, 3)
HOLD = """
import sys
from pathlib import Path
from assets.lake import Lake

with Lake(Path(sys.argv[1])).writing("the other one"):
    print("held", flush=True)
    sys.stdin.read()
"""


def staged(folder: Path, *days: date, text: str = "x") -> Path:
    for day in days:
        (folder / f"day={day}").mkdir(parents=True)
        (folder / f"day={day}" / "data_0.parquet").write_text(text)
    return folder


def test_days_are_replaced_whole_and_a_day_without_rows_goes(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    lake.replace_days("core/turns", staged(tmp_path / "a", DAY, NEXT), [DAY, NEXT])
    first = lake.file_ids("core/turns")
    lake.replace_days("core/turns", staged(tmp_path / "b", DAY, text="longer"), [DAY, NEXT])
    assert lake.days("core/turns") == [DAY]
    assert lake.file_id("core/turns", DAY) != first[DAY]
    assert lake.path("core/turns", DAY).read_text() == "longer"
    assert lake.file_id("core/turns", NEXT) is None


def test_two_staged_files_of_one_day_are_an_error(tmp_path: Path) -> None:
    folder = staged(tmp_path / "a", DAY)
    (folder / f"day={DAY}" / "data_1.parquet").write_text("y")
    with pytest.raises(ValueError, match="expected one"):
        Lake(tmp_path / "lake").replace_days("core/turns", folder, [DAY])


def test_staging_is_gone_whatever_happens(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    with pytest.raises(RuntimeError), lake.staging() as folder:
        raise RuntimeError
    assert not folder.exists()


def test_a_crashed_writers_staging_is_cleared_by_the_next(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    leftover = tmp_path / ".staging" / "dead" / "day=2026-11-02"
    leftover.mkdir(parents=True)
    with lake.writing("a test"):
        assert not leftover.exists()


def test_a_second_writer_is_told_who_writes(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=PROJECT) as other:
        assert other.stdout
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(LakeBusyError, match=r"the other one.*try again"), Lake(tmp_path).writing("me"):
            pass
    with Lake(tmp_path).writing("me"):
        pass


def test_fingerprint_does_not_depend_on_order() -> None:
    assert fingerprint({"a": "1", "b": None}) == fingerprint({"b": None, "a": "1"})
    assert fingerprint({"a": "1"}) != fingerprint({"a": "2"})


def test_outdated_days_are_new_changed_or_gone() -> None:
    assert outdated({DAY: "1", NEXT: "2"}, {DAY: "1"}) == [NEXT]
    assert outdated({DAY: "1"}, {DAY: "0"}) == [DAY]
    assert outdated({}, {DAY: "1"}) == [DAY]


def test_a_larger_score_makes_older_days_stale() -> None:
    records = {DAY: Built("x", 0, None, {"clarity": 3.0}), NEXT: Built("x", 0, None, {"clarity": 5.0})}
    assert days_rescaled(records, {"clarity": 5.0}) == [DAY]
