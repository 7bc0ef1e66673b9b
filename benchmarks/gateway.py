"""How many deliveries a second the gateway makes durable, beside the same answers made durable by nobody.

Two peers run in the same minute on the same machine: a bare ASGI application that reads the body and
answers (what HTTP alone costs here), and a bare SQLite writer that commits each delivery by itself
(what durability costs without the gateway's grouping). The sender shares the two cores with all of them.
"""

import argparse
import asyncio
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from benchmarks import results, rig

CONNECTIONS = 64
DELIVERIES = 10_000
TARGET = 1_000  # deliveries a second, each durable before it is answered


async def echo(scope: dict, receive, send) -> None:
    """Read the body, answer 200."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{}"})


async def load(port: int, bodies: list[bytes]) -> tuple[float, list[float]]:
    """Send all bodies over ``CONNECTIONS`` connections: seconds in all, and of each answer."""
    waiting = [rig.request("/v1/engine/webhook", body) for body in reversed(bodies)]
    waits: list[float] = []

    async def sender() -> None:
        connection = rig.Connection(port)
        while waiting:
            raw = waiting.pop()
            started = time.perf_counter()
            status, answer = await connection.send(raw)
            waits.append(time.perf_counter() - started)
            if status != 200:
                raise AssertionError(f"answered {status}: {answer[:200]!r}")
        connection.close()

    started = time.perf_counter()
    await asyncio.gather(*(sender() for _ in range(CONNECTIONS)))
    return time.perf_counter() - started, waits


def through_gateway(
    folder: Path, bodies: list[bytes], state_url: str | None = None
) -> tuple[float, list[float], float]:
    """The gateway as it is served, with its state database in ``folder``; its processor seconds come last.

    Those tell what a delivery costs even while other work keeps the machine busy.
    """
    gateway = rig.Gateway(folder, state_url)
    gateway.start()
    try:
        asyncio.run(load(gateway.port, [rig.shutdown_body(f"warm-{number}") for number in range(500)]))
        process = psutil.Process(gateway.pid)
        before = process.cpu_times()
        seconds, waits = asyncio.run(load(gateway.port, bodies))
        after = process.cpu_times()
    finally:
        gateway.stop()
    return seconds, waits, after.user + after.system - before.user - before.system


def through_echo(bodies: list[bytes]) -> tuple[float, list[float]]:
    """The bare ASGI peer under the same server."""
    port = rig.free_port()
    command = [sys.executable, "-m", "uvicorn", "benchmarks.gateway:echo", "--port", str(port), "--no-access-log"]
    with subprocess.Popen([*command, "--log-level", "warning"]) as process:
        try:
            _wait(port)
            return asyncio.run(load(port, bodies))
        finally:
            process.terminate()


def commit_each(folder: Path, bodies: list[bytes]) -> float:
    """Seconds for a bare SQLite writer with one durable commit a delivery."""
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.execute("pragma journal_mode=wal")
    connection.execute("pragma synchronous=full")
    connection.execute("create table inbox (id integer primary key, key text unique, body text)")
    started = time.perf_counter()
    for number, body in enumerate(bodies):
        connection.execute("begin immediate")
        connection.execute("insert into inbox (key, body) values (?, ?)", (f"{number:064}", body.decode()))
        connection.execute("commit")
    seconds = time.perf_counter() - started
    connection.close()
    return seconds


def measure(deliveries: int = DELIVERIES) -> results.Figures:
    """All three, in one run."""
    bodies = [rig.shutdown_body(f"b-{number}") for number in range(deliveries)]
    with tempfile.TemporaryDirectory(prefix="rolecall-bench-") as folder:
        echo_s, _ = through_echo(bodies)
        seconds, waits, processor_s = through_gateway(Path(folder), bodies)
        bare_s = commit_each(Path(folder), bodies)
    waits.sort()
    return {
        "deliveries": deliveries,
        "connections": CONNECTIONS,
        "durable_per_s": round(deliveries / seconds),
        "target_per_s": TARGET,
        "gateway_cpu_us_per_delivery": round(processor_s / deliveries * 1e6),
        "bare_asgi_per_s": round(deliveries / echo_s),
        "commit_each_sqlite_per_s": round(deliveries / bare_s),
        "ratio_to_bare_asgi": round(echo_s / seconds, 3),
        "ratio_to_commit_each_sqlite": round(bare_s / seconds, 3),
        "answer_ms_p50": round(statistics.median(waits) * 1000, 1),
        "answer_ms_p99": round(waits[int(len(waits) * 0.99)] * 1000, 1),
    }


def _wait(port: int) -> None:
    deadline = time.monotonic() + rig.START_TIMEOUT_S
    while True:
        try:
            asyncio.run(load(port, [b"{}"]))
        except ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and record in benchmarks/results.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deliveries", type=int, default=DELIVERIES)
    results.record("gateway", measure(parser.parse_args(arguments).deliveries))


if __name__ == "__main__":
    main()
