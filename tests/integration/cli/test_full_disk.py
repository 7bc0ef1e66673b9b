"""A full disk is told in one line; what was accepted before stays, and the same command later finishes the work."""

import errno
from pathlib import Path

import pytest
from support.sessions import bundle, write

import assets.lake
from pipelines.cli import main


def test_a_full_disk_during_ingest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("ROLECALL_HOME", str(tmp_path / "home"))
    path = write(tmp_path / "x.jsonl", [bundle(number) for number in range(9)])
    words = ["ingest", str(path), "--tenant", "acme"]

    def full(target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    sync = assets.lake._sync
    monkeypatch.setattr(assets.lake, "_sync", full)
    with pytest.raises(SystemExit) as left:
        main(words)
    monkeypatch.setattr(assets.lake, "_sync", sync)
    said = capsys.readouterr()
    assert left.value.code == 1
    assert "The disk is full" in said.err
    assert "nothing accepted was lost" in said.err
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 0
    assert capsys.readouterr().out.splitlines()[1].split()[2:4] == ["9", "9"]
