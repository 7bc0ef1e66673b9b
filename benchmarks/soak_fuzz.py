"""Damaged bodies over every route of a real gateway: no 5xx, no crash, each accepted delivery accounted for."""

import argparse
import asyncio
import json
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from benchmarks import mutations, results, rig
from governance.state import State
from governance.state.inbox_model import InboxRecord

SENDERS = 8


async def fire(gateway: rig.Gateway, shots: Sequence[mutations.Shot]) -> Counter[str]:
    """Send every shot once; counts of statuses, and of what the answers say was accepted and repeated."""
    seen: Counter[str] = Counter()
    waiting = list(reversed(shots))

    async def sender() -> None:
        connection = rig.Connection(gateway.port)
        while waiting:
            shot = waiting.pop()
            status, body = await connection.send(shot.raw)
            if status >= 500:
                raise AssertionError(f"{shot.route} answered {status}: {body[:300]!r} to {shot.raw[:2000]!r}")
            seen[str(status)] += 1
            answer = json.loads(body)
            if status >= 400 and not {"rule", "reason", "remedy"} <= answer.keys() and "refusals" not in answer:
                raise AssertionError(f"{shot.route} refused without a reason: {body[:300]!r}")
            if shot.route != mutations.ROUTES["launches"] and status == 200:
                seen["accepted"] += answer["accepted"]
                seen["repeated"] += answer["repeated"]
        connection.close()

    await asyncio.gather(*(sender() for _ in range(SENDERS)))
    return seen


def account(gateway: rig.Gateway, seen: Counter[str]) -> results.Figures:
    """The inbox's own count must equal what the answers promised."""
    state = State.open(gateway.database_url)
    try:
        with state.reading() as session:
            query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(InboxRecord.repeats), 0))
            stored, repeats = session.execute(query).one()
    finally:
        state.close()
    if (stored, repeats) != (seen["accepted"], seen["repeated"]):
        raise AssertionError(
            f"answers say {seen['accepted']} new and {seen['repeated']} repeated, the inbox {stored} and {repeats}"
        )
    return {"stored": stored, "repeats": int(repeats)}


def soak(gateway: rig.Gateway, bodies: int, seed: int = 11) -> results.Figures:
    """Start, fire, count, stop; raises ``AssertionError`` at the first 5xx or when the counts differ."""
    gateway.start()
    started = time.monotonic()
    try:
        seen = asyncio.run(fire(gateway, list(mutations.shots(bodies, seed))))
        if not gateway.alive():
            raise AssertionError(f"the gateway is gone: {gateway.log()[-2000:]}")
        gateway.get("/healthz")
    finally:
        gateway.stop()
    statuses = {status: count for status, count in sorted(seen.items()) if status.isdigit()}
    figures = account(gateway, seen)
    return {"bodies": bodies, "statuses": statuses, **figures, "seconds": round(time.monotonic() - started, 1)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the soak and record its figures in benchmarks/soak.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bodies", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--state-url", default=None, help="a PostgreSQL address; SQLite otherwise")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="rolecall-fuzz-") as folder:
        figures = soak(rig.Gateway(Path(folder), options.state_url), options.bodies, options.seed)
    database = "postgresql" if options.state_url else "sqlite"
    results.record(f"gateway_fuzz_{database}", figures, results.SOAK)


if __name__ == "__main__":
    main()
