"""The examples of docs/gateway.md are run as they stand, by a shell, against a real gateway."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import rig
from governance.settings import PROJECT

TEXT = (PROJECT / "docs" / "gateway.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"<!-- checked: (\w+) -->\n```sh\n(.*?)```", TEXT, flags=re.DOTALL))
TIMED = ("webhook", "relay")  # the others carry no time and count anew in another minute
TAKEN = {"webhook": 1, "objective": 1, "guardrail": 1, "tool": 1, "relay": 2}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rig.Gateway]:
    gateway = rig.Gateway(tmp_path_factory.mktemp("gateway"))
    gateway.start()
    yield gateway
    gateway.stop()


def shell(gateway: rig.Gateway, script: str, relay_url: str = "") -> dict[str, object]:
    variables = {
        "GATEWAY": f"http://127.0.0.1:{gateway.port}",
        "TOKEN": rig.TOKEN,
        "TOOL_SECRET": rig.TOOL_SECRET,
        "RELAY_URL": relay_url,
        "PATH": "/usr/bin:/bin:/usr/local/bin",
    }
    done = subprocess.run(["/bin/sh", "-c", script], env=variables, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="curl and openssl run the examples")
def test_every_example_works_as_it_stands(running: rig.Gateway) -> None:
    assert EXAMPLES.keys() == TAKEN.keys() | {"launch"}
    recorded = shell(running, EXAMPLES["launch"])
    assert recorded["recorded"] == {"new": 1, "changed": 0, "same": 0}
    relay_url = recorded["launches"][0]["relay_url"]  # type: ignore[index]
    for name, count in TAKEN.items():
        answer = shell(running, EXAMPLES[name], relay_url)
        assert answer == {"accepted": count, "repeated": 0, "refused": 0}, name
        if name in TIMED:
            assert shell(running, EXAMPLES[name], relay_url) == {"accepted": 0, "repeated": count, "refused": 0}


def test_every_route_metric_and_status_is_described(running: rig.Gateway) -> None:
    routes = json.loads(running.get("/openapi.json"))["paths"]
    assert [route for route in routes if route not in TEXT] == []
    metrics = re.findall(r"# TYPE (rolecall_\w+)", running.get("/metrics"))
    for metric in metrics:
        short = metric.removeprefix("rolecall_gateway_").removesuffix("_created")
        assert short in TEXT, metric


def test_no_token_reaches_the_log(running: rig.Gateway) -> None:
    assert rig.TOKEN not in running.log()


def test_the_document_is_where_the_refusals_point() -> None:
    assert (Path(PROJECT) / "docs" / "gateway.md").is_file()
