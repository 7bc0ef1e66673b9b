"""Processes that are killed at any step of their work.

The process calls ``step`` at each step of the ledger: it prints a line before the next call goes out, and goes on when
it is given one; once its input has ended it asks no more. So it is killed at a counted step, however fast the machine.
"""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from governance.settings import PROJECT

STEP_S = 60


def step(done: int, total: int, note: str) -> None:
    """Tell the parent of a step, and wait for its word."""
    sys.stdout.write(f"{done}/{total} {note}\n")
    sys.stdout.flush()
    sys.stdin.readline()


def repeatedly(one: Callable[[int | None, float | None], bool], kills: int, draw: random.Random) -> int:
    """Processes that are killed at random steps, then one that may end; how many were killed."""
    done = sum(one(draw.randint(1, 12), draw.choice((None, 0.0, draw.random() * 0.05))) for _ in range(kills))
    assert one(None, None) is False
    return done


def run(words: Sequence[str], variables: Mapping[str, str], steps: int | None, within_s: float | None) -> bool:
    """One process (a module and its words); whether it was killed: at that many steps, or so long after.

    Without ``within_s`` it dies before the call, and with it while it goes on; it waits at the step after, so that it
    cannot end first.
    """
    paths = os.pathsep.join([str(PROJECT), str(PROJECT / "tests")])
    environment = {**os.environ, "PYTHONPATH": paths, **variables}
    pipe = subprocess.PIPE
    command = [sys.executable, "-u", "-m", *words]
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None
        if steps is not None:
            reached = _walk(process, steps)
            if reached and within_s is not None:
                _let_go_on(process)
                time.sleep(within_s)
            process.kill()
        _, errors = process.communicate(timeout=STEP_S)
    assert process.returncode in (0, -9), errors.decode()
    return process.returncode == -9


def _walk(process: subprocess.Popen[bytes], steps: int) -> bool:
    """Let it take steps up to that one, where it waits; False where it ended before."""
    assert process.stdout is not None
    for step in range(1, steps + 1):
        if not process.stdout.readline():
            process.wait(timeout=STEP_S)
            return False
        if step < steps:
            _let_go_on(process)
    return True


def _let_go_on(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.write(b"\n")
    process.stdin.flush()
