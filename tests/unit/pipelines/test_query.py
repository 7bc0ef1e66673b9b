"""How an answer is written where nobody's screen gives a width."""

import pytest

from pipelines.commands.query import Format, write


def test_a_row_is_one_line_in_a_pipe(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    write(["a", "b", "n"], [("x" * 60, "y z " * 40, 1), ("z", None, 2)], Format.table)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[1].split()[0] == "x" * 60
    assert lines[1].endswith("1")
    assert lines[3] == "2 rows"
