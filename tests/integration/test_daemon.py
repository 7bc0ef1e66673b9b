"""``rolecall serve dagster``: Dagster's pages and daemon with ``dagster.yaml``, started and ended as a service is."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from governance.settings import PROJECT

SENSORS = """{ sensorsOrError(repositorySelector: {
    repositoryName: "__repository__", repositoryLocationName: "pipelines.definitions"
}) { ... on Sensors { results { name sensorState { status } } } } }"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answered(address: str, until: float) -> dict[str, str]:
    """Status of each sensor by name, once the server answers."""
    while time.monotonic() < until:
        try:
            found = httpx.post(f"{address}/graphql", json={"query": SENSORS}, timeout=30).json()["data"]
        except httpx.TransportError:
            time.sleep(0.5)
            continue
        return {each["name"]: each["sensorState"]["status"] for each in found["sensorsOrError"]["results"]}
    raise AssertionError("Dagster's server never answered")


@pytest.mark.timeout(240)
def test_it_serves_with_every_sensor_on_and_ends_when_it_is_told_to(tmp_path: Path) -> None:
    """A script's background process is born with Ctrl-C ignored; Dagster would ignore SIGTERM too, then."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ROLECALL_")}
    server = subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", "serve", "dagster", "--port", str(port)],
        cwd=PROJECT,
        env=environment | {"ROLECALL_HOME": str(tmp_path / "home")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
        start_new_session=True,
    )
    try:
        sensors = answered(f"http://127.0.0.1:{port}", time.monotonic() + 180)
        assert set(sensors) == {
            "alert_on_failure", "automate_exports", "automate_marts", "inbox", "registries", "stale_days",
        }  # fmt: skip
        assert set(sensors.values()) == {"RUNNING"}
        server.terminate()
        assert server.wait(60) is not None
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)
