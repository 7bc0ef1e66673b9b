"""Every answer of a running gateway carries the headers that keep a browser from doing anything with it."""

import re
from collections.abc import Iterator

import httpx
import pytest

from benchmarks import rig
from governance.web_headers import ALWAYS, DATA_POLICY
from pipelines.gateway_page import SCRIPTS, policy_of

LMS = "http://127.0.0.1:8090"  # an origin of the shipped destination


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rig.Gateway]:
    gateway = rig.Gateway(tmp_path_factory.mktemp("headers"))
    gateway.start()
    yield gateway
    gateway.stop()


def ask(gateway: rig.Gateway, method: str, path: str, **options: object) -> httpx.Response:
    return httpx.request(method, f"http://127.0.0.1:{gateway.port}{path}", timeout=30, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz", 200),
        ("GET", "/metrics", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/nowhere", 404),
        ("GET", "/v1/launches", 405),
        ("POST", "/v1/engine/webhook", 401),
        ("POST", f"/v1/engine/webhook?t={rig.TOKEN}", 400),
        ("POST", "/v1/scorm/result", 400),
        ("OPTIONS", "/v1/scorm/result", 403),
    ],
)
def test_every_answer_carries_them(running: rig.Gateway, method: str, path: str, status: int) -> None:
    answer = ask(running, method, path)
    assert answer.status_code == status
    carried = answer.headers
    assert {name: carried.get(name) for name in ALWAYS} == ALWAYS
    assert carried["content-security-policy"] == DATA_POLICY
    assert "strict-transport-security" not in carried
    assert "server" not in carried


def test_tls_is_asked_for_where_the_browser_came_by_it(running: rig.Gateway) -> None:
    for forwarded, said in (("https", True), ("https, http", True), ("http", False), ("http, https", False)):
        answer = ask(running, "GET", "/healthz", headers={"X-Forwarded-Proto": forwarded})
        assert ("strict-transport-security" in answer.headers) is said, forwarded


def test_what_a_package_asks_is_still_readable_for_its_lms(running: rig.Gateway) -> None:
    answer = ask(running, "OPTIONS", "/v1/scorm/result", headers={"Origin": LMS})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, LMS)
    assert answer.headers["vary"] == "Origin"
    assert answer.headers["cache-control"] == "no-store"


def test_the_page_of_documentation_runs_its_own_scripts_alone(running: rig.Gateway) -> None:
    page = ask(running, "GET", "/docs")
    policy = page.headers["content-security-policy"]
    assert policy == policy_of(page.text)
    assert len(re.findall(r"'sha256-[0-9A-Za-z+/]{43}='", policy)) == 1
    assert policy_of(page.text.replace("BaseLayout", "Altered")) != policy
    for address in re.findall(r"(?:src|href)=\"(https?://[^\"]+)", page.text):
        assert address.startswith(SCRIPTS)
