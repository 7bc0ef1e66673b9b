"""Kill the gateway with SIGKILL under load, again and again: what was answered 2xx is there, exactly once.

A delivery whose answer was cut off is sent again after the restart, as a careful sender would do, so that
repeats are met as well.
"""

import argparse
import asyncio
import random
import tempfile
import time
from collections import Counter
from pathlib import Path

import sqlalchemy as sa

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


def soak(gateway: rig.Gateway, kills: int, seed: int = 7) -> results.Figures:
    """``kills`` rounds of load and SIGKILL, then the count; raises ``AssertionError`` when anything is lost."""
    choose = random.Random(seed)
    answered: set[str] = set()
    cut: list[str] = []
    started = time.monotonic()
    for round_number in range(kills):
        gateway.start()
        done, cut = asyncio.run(load(gateway, f"k{round_number}", choose.uniform(0.05, 0.8), cut))
        answered |= done
    figures = count(gateway, answered)
    return {"kills": kills, **figures, "seconds": round(time.monotonic() - started, 1)}


def count(gateway: rig.Gateway, answered: set[str]) -> results.Figures:
    """Compare what was answered with what the inbox holds."""
    state = State.open(gateway.state_url or f"sqlite:///{gateway.home / 'state.db'}")
    try:
        with state.reading() as session:
            rows = session.execute(sa.select(InboxRecord.session_id, InboxRecord.repeats)).all()
    finally:
        state.close()
    held = Counter(row.session_id.removeprefix("cvi:") for row in rows)
    lost = [name for name in answered if held[name] == 0]
    doubled = [name for name, times in held.items() if times > 1]
    if lost or doubled:
        raise AssertionError(f"{len(lost)} answered deliveries lost, {len(doubled)} stored twice")
    return {
        "answered": len(answered),
        "stored": len(rows),
        "stored_unanswered": len(rows) - len(answered),
        "repeats": sum(row.repeats for row in rows),
        "lost": 0,
        "stored_twice": 0,
    }


def main() -> None:
    """Run the soak and record its figures in benchmarks/soak.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--state-url", default=None, help="a PostgreSQL address; SQLite otherwise")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rolecall-soak-") as folder:
        gateway = rig.Gateway(Path(folder), options.state_url)
        figures = soak(gateway, options.kills, options.seed)
    database = "postgresql" if options.state_url else "sqlite"
    results.record(f"gateway_kill9_{database}", figures, results.SOAK)


if __name__ == "__main__":
    main()
