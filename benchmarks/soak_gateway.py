"""Kill the gateway with SIGKILL under load, again and again: what was answered 2xx is there, exactly once.

A delivery whose answer was cut off is sent again after the restart, as a careful sender would do, so that
repeats are met as well.
"""

import argparse
import asyncio
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import duckdb
import sqlalchemy as sa

from assets.lake import Lake
from assets.raw import deliveries
from benchmarks import results, rig
from governance.state import State
from governance.state.inbox_model import InboxRecord

SENDERS = 16


async def load(gateway: rig.Gateway, prefix: str, seconds: float, again: list[str]) -> tuple[set[str], list[str]]:
    """Send distinct deliveries until the gateway is killed after ``seconds``: those answered, those cut off."""
    answered: set[str] = set()
    cut: list[str] = []
    numbers = iter(range(10**9))
    backlog = list(again)

    async def sender() -> None:
        connection = rig.Connection(gateway.port)
        while True:
            name = backlog.pop() if backlog else f"{prefix}-{next(numbers)}"
            try:
                status, body = await connection.send(rig.request("/v1/engine/webhook", rig.shutdown_body(name)))
            except ConnectionError:
                cut.append(name)
                return
            if status != 200:
                raise AssertionError(f"{name} was answered {status}: {body[:200]!r}")
            answered.add(name)

    async def killer() -> None:
        await asyncio.sleep(seconds)
        await asyncio.to_thread(gateway.kill)

    await asyncio.gather(killer(), *(sender() for _ in range(SENDERS)))
    return answered, cut + backlog


def soak(gateway: rig.Gateway, kills: int, seed: int = 7, *, core: bool = False) -> results.Figures:
    """``kills`` rounds of load and SIGKILL, then the count in inbox and raw, with ``core`` in core as well.

    Raises:
        AssertionError: An answered delivery is lost, or one is stored twice.
    """
    choose = random.Random(seed)
    answered: set[str] = set()
    cut: list[str] = []
    started = time.monotonic()
    for round_number in range(kills):
        gateway.start()
        done, cut = asyncio.run(load(gateway, f"k{round_number}", choose.uniform(0.05, 0.8), cut))
        answered |= done
    held = inbox_of(gateway)
    figures: results.Figures = {
        "kills": kills,
        "answered": len(answered),
        "stored": len(held),
        "stored_unanswered": len(held) - len(answered),
        "repeats": sum(held.values()),
        "inbox": compare("inbox", answered, Counter(held.keys())),
        "raw": compare("raw", answered, raw_of(gateway)),
    }
    if core:
        figures["core"] = compare("core", answered, core_of(gateway))
    return {**figures, "seconds": round(time.monotonic() - started, 1)}


def compare(layer: str, answered: set[str], held: Counter[str]) -> dict[str, int]:
    """What of the answered deliveries is missing and what is there twice: nothing, or it raises."""
    lost = sum(held[name] == 0 for name in answered)
    twice = sum(times > 1 for times in held.values())
    if lost or twice:
        raise AssertionError(f"{layer}: {lost} answered deliveries lost, {twice} stored twice")
    return {"rows": held.total(), "lost": lost, "twice": twice}


def inbox_of(gateway: rig.Gateway) -> dict[str, int]:
    """Repeats of each delivery in the inbox; the inbox itself refuses a second row of the same key."""
    state = State.open(gateway.database_url)
    try:
        with state.reading() as session:
            rows = session.execute(sa.select(InboxRecord.session_id, InboxRecord.repeats)).all()
    finally:
        state.close()
    compare("inbox", set(), Counter(_name(row.session_id) for row in rows))
    return {_name(row.session_id): row.repeats for row in rows}


def raw_of(gateway: rig.Gateway) -> Counter[str]:
    """Deliveries in raw, after the drain that the pipeline uses."""
    lake = Lake(gateway.home / "lake")
    state = State.open(gateway.database_url)
    try:
        with lake.writing("soak"):
            deliveries.drain(lake, state)
    finally:
        state.close()
    return _sessions(gateway.home / "lake" / "raw" / "deliveries")


def core_of(gateway: rig.Gateway) -> Counter[str]:
    """Sessions in core after `rolecall run`; each delivery of the soak is a session of its own."""
    command = [sys.executable, "-m", "pipelines.cli", "run"]
    done = subprocess.run(command, env=gateway.environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"rolecall run ended with {done.returncode}: {done.stderr[-2000:]}")
    return _sessions(gateway.home / "lake" / "core" / "sessions")


def _sessions(folder: Path) -> Counter[str]:
    files = [str(file) for file in folder.glob("day=*/*.parquet")]
    rows = duckdb.read_parquet(files).select("session_id").fetchall() if files else []
    return Counter(_name(row[0]) for row in rows)


def _name(session_id: str) -> str:
    return session_id.removeprefix("cvi:")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the soak and record its figures in benchmarks/soak.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--state-url", default=None, help="a PostgreSQL address; SQLite otherwise")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="rolecall-soak-") as folder:
        gateway = rig.Gateway(Path(folder), options.state_url)
        figures = soak(gateway, options.kills, options.seed, core=True)
    database = "postgresql" if options.state_url else "sqlite"
    results.record(f"gateway_kill9_{database}", figures, results.SOAK)


if __name__ == "__main__":
    main()
