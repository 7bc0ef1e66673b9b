"""The real command line over a home of its own, in a process of its own."""

import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from support.warm import ROOT, Warm


class Command:
    """``rolecall`` with ``ROLECALL_HOME`` set; ``env`` adds variables. Nothing of the caller's settings leaks in."""

    def __init__(self, home: Path, **env: str) -> None:
        self.home = home
        self.patience_s = 280.0
        self.env = _unset() | {"ROLECALL_HOME": str(home)} | env

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command as a user does, with nothing imported, and return its process."""
        return subprocess.Popen(
            [sys.executable, "-m", "pipelines.cli", *words],
            env=self.env,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def alone(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end as a user does, with nothing imported, whatever its exit code."""
        child = self.start(*words)
        out, err = child.communicate(timeout=self.patience_s)
        return subprocess.CompletedProcess(words, child.returncode, out, err)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, whatever its exit code, in a process that has the imports behind it."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            code = _warm().run(words, self.env, out, err, self.patience_s)
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(words, code, out.read().decode(), err.read().decode())

    def __call__(self, *words: str) -> str:
        """Run a command that has to succeed; its standard output."""
        done = self.run(*words)
        assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def fails(self, *words: str, code: int = 1) -> str:
        """Run a command that has to fail, without a traceback; what it said."""
        done = self.run(*words)
        assert done.returncode == code, f"{' '.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stdout + done.stderr
        return done.stdout + done.stderr

    def rows(self, sql: str, *options: str) -> list[dict[str, Any]]:
        """The rows of a query."""
        return json.loads(self("query", sql, "--format", "json", *options))

    def value(self, sql: str, *options: str) -> Any:
        """The one value of a query."""
        (row,) = self.rows(sql, *options)
        (value,) = row.values()
        return value


def _unset() -> dict[str, str]:
    """The caller's environment without any setting of Rolecall."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROLECALL_")}
    return kept | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "200"}


@cache
def _warm() -> Warm:
    return Warm(_unset())
