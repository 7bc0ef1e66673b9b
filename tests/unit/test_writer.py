"""One writer at a time, across processes; a killed one leaves nothing behind."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from assets.lake import Lake, LakeBusyError

CHILD = """
import sys, time
from pathlib import Path
from assets.lake import Lake
with Lake(Path(sys.argv[1])).writing("rolecall run"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    yield child
    child.kill()
    child.wait()


def test_the_second_is_told_who_holds_it(tmp_path: Path, other: subprocess.Popen[str]) -> None:
    with pytest.raises(LakeBusyError, match=rf"process {other.pid} \(rolecall run\)"), Lake(tmp_path).writing("x"):
        pass
    assert str(other.pid) in (Lake(tmp_path).writer() or "")


def test_a_killed_holder_frees_it(tmp_path: Path, other: subprocess.Popen[str]) -> None:
    other.send_signal(signal.SIGKILL)
    other.wait()
    started = time.monotonic()
    with Lake(tmp_path).writing("x", wait_s=5):
        assert time.monotonic() - started < 2
    assert Lake(tmp_path).writer() is None


def test_it_may_be_asked_for_again_inside(tmp_path: Path) -> None:
    with Lake(tmp_path).writing("run"):
        with Lake(tmp_path).writing("drain"):
            pass
        assert Lake(tmp_path).writer() is not None
    assert Lake(tmp_path).writer() is None
