"""Bodies larger than any delivery: refused by size, with and without a length, and the gateway goes on."""

from collections.abc import Iterator

import httpx
import pytest

from benchmarks import rig

LARGE = 10_000_000
ROUTES = {
    f"/v1/engine/webhook?t={rig.TOKEN}": 413,
    f"/v1/engine/relay?t={rig.TOKEN}": 413,
    f"/v1/engine/tools?t={rig.TOKEN}": 413,
    "/v1/launches": 413,
    "/v1/scorm/result": 400,
    "/v1/engine/webhook": 401,
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rig.Gateway]:
    gateway = rig.Gateway(tmp_path_factory.mktemp("large"))
    gateway.start()
    yield gateway
    gateway.stop()


def in_parts() -> Iterator[bytes]:
    for _ in range(LARGE // 100_000):
        yield b"[" * 100_000


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("told", [True, False])
def test_ten_megabytes_are_refused_everywhere(running: rig.Gateway, path: str, told: bool) -> None:
    content = b"[" * LARGE if told else in_parts()
    headers = {"Authorization": f"Bearer {rig.TOKEN}"} if path == "/v1/launches" else {}
    answer = httpx.post(f"http://127.0.0.1:{running.port}{path}", content=content, headers=headers, timeout=60)
    assert answer.status_code == ROUTES[path]
    assert len(answer.content) < 1_000
    assert running.get("/healthz")
