"""Processes of the command line that begin where the imports end.

A test run starts hundreds of commands, and each would spend seconds of a core on importing the same modules. Here one
process a worker imports them once and forks for each command. The command still is a process of its own: its
environment, output and exit code, its threads and its end are nobody else's.

    python -m support.warm CHANNEL

is that process. For each command it gets a byte over the socket ``CHANNEL``, and with it three files (what is asked as
JSON, the command's output, its errors) and a pipe, which is told the process id and then the exit code. It ends when
the other end of the socket is closed.
"""

import atexit
import gc
import importlib
import json
import logging
import os
import pkgutil
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

ROOT = Path(__file__).resolve().parents[2]
# What commands import on their way, besides our own. None of it starts a thread that a command needs: that would not
# survive the fork.
HEAVY = (
    "dagster._core.instance.factory", "great_expectations.expectations", "statsmodels.api", "lifelines",
    "pyfixest.estimation",
)  # fmt: skip
OURS = ("pipelines", "assets", "integrations")
NUMBER = struct.Struct("i")


class Warm:
    """A process that holds the imports; ``environment`` is what modules may read while they are imported."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._channel, theirs = socket.socketpair()
        self._turn = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "support.warm", str(theirs.fileno())],
                env={**environment, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        atexit.register(self._close)

    def run(
        self, words: Sequence[str], environment: Mapping[str, str], out: BinaryIO, err: BinaryIO, patience_s: float
    ) -> int:
        """Run a command to its end, with this environment and no other; its exit code.

        Raises:
            subprocess.TimeoutExpired: It took longer than ``patience_s`` and was killed.
        """
        told, telling = os.pipe()
        try:
            self._ask({"words": list(words), "environment": dict(environment)}, out, err, telling)
            pid = _number(told)
            if not select.select([told], [], [], patience_s)[0]:
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(list(words), patience_s)
            return _number(told)
        finally:
            os.close(told)

    def _ask(self, asked: Mapping[str, object], out: BinaryIO, err: BinaryIO, telling: int) -> None:
        with tempfile.TemporaryFile() as file:
            file.write(json.dumps(asked).encode())
            file.seek(0)
            with self._turn:
                socket.send_fds(self._channel, [b"."], [file.fileno(), out.fileno(), err.fileno(), telling])
        os.close(telling)

    def _close(self) -> None:
        self._channel.close()
        self._process.wait()


def _number(pipe: int) -> int:
    told = os.read(pipe, NUMBER.size)
    if not told:
        raise RuntimeError("the process that holds the imports has ended; what ended it stands on standard error")
    return NUMBER.unpack(told)[0]


def _next_command(channel: socket.socket) -> list[str]:
    """Serve until a command has to run *in this process*, which then is a new one: its words."""
    while True:
        note, files, _, _ = socket.recv_fds(channel, 1, 4)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        if not note:
            sys.exit()
        if os.fork() == 0:
            channel.close()
            return _watched(*files)
        for file in files:
            os.close(file)


def _watched(asked: int, out: int, err: int, telling: int) -> list[str]:
    """Split once more: one process stays behind to tell how the other, which runs the command, ends."""
    pid = os.fork()
    if pid:
        os.write(telling, NUMBER.pack(pid))
        _, status = os.waitpid(pid, 0)
        os.write(telling, NUMBER.pack(os.waitstatus_to_exitcode(status)))
        os._exit(0)
    os.close(telling)
    os.dup2(out, 1)
    os.dup2(err, 2)
    with os.fdopen(asked, "rb") as file:
        found = json.load(file)
    os.environ.clear()
    os.environ.update(found["environment"])
    return found["words"]


def _import_all() -> None:
    """Everything that a command may ask for."""
    for package in map(importlib.import_module, OURS):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    for name in HEAVY:
        importlib.import_module(name)
    logging.getLogger().handlers.clear()  # pyfixest, which few commands import, lets every library talk
    logging.getLogger().setLevel(logging.WARNING)
    gc.freeze()  # what is here stays: no collection of a command has to look at it


class _Leave:
    """Ends the process when all else is done; taking thousands of modules apart would cost more than most commands."""

    code = 0

    def __call__(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(self.code)


def _main(channel: int) -> None:
    leave = _Leave()
    atexit.register(leave)  # before any other, hence called after all of them

    from governance.settings import Settings
    from pipelines import cli, environment

    os.environ.update(environment.variables(Settings()))
    environment.quiet()
    _import_all()
    words = _next_command(socket.socket(fileno=channel))
    sys.argv = ["rolecall", *words]
    try:
        cli.main(words)
    except BaseException as ended:
        leave.code = int(ended.code or 0) if isinstance(ended, SystemExit) else 1
        raise


if __name__ == "__main__":
    _main(int(sys.argv[1]))
