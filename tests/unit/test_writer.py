"""One writer at a time, across processes; a killed one leaves nothing behind."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assets import writer

CHILD = """
import sys, time
from pathlib import Path
from assets import writer
with writer.writing(Path(sys.argv[1]), "rolecall run"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other(tmp_path: Path) -> subprocess.Popen[str]:
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    yield child
    child.kill()
    child.wait()


def test_the_second_is_told_who_holds_it(tmp_path: Path, other: subprocess.Popen[str]) -> None:
    with pytest.raises(writer.BusyError, match=rf"`rolecall run` \(process {other.pid}\)"), writer.writing(tmp_path, "x"):
        pass
    found = writer.holder(tmp_path)
    assert found is not None
    assert found.pid == other.pid


def test_a_killed_holder_frees_it(tmp_path: Path, other: subprocess.Popen[str]) -> None:
    other.send_signal(signal.SIGKILL)
    other.wait()
    started = time.monotonic()
    with writer.writing(tmp_path, "x", wait_s=5):
        assert time.monotonic() - started < 2
    assert writer.holder(tmp_path) is None


def test_it_may_be_asked_for_again_inside(tmp_path: Path) -> None:
    with writer.writing(tmp_path, "run"), writer.writing(tmp_path, "drain"):
        pass
    assert writer.holder(tmp_path) is None
