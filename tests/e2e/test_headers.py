"""Every answer of the dashboards carries its headers, and a browser that reads them loads nothing from elsewhere."""

import urllib.error
import urllib.request
from email.message import Message

import pytest
from playwright.sync_api import Page
from support.http_stub import Asked, Said, serving
from support.pages import settle, visit

from governance.web_headers import ALWAYS

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


SLIPPED = """async (elsewhere) => {
    const refused = [];
    document.addEventListener("securitypolicyviolation", (event) => refused.push(event.effectiveDirective));
    const script = document.createElement("script");
    script.textContent = "window.ran = true";
    document.body.append(script);
    const picture = document.createElement("img");
    picture.src = `${elsewhere}/picture`;
    document.body.append(picture);
    await fetch(`${elsewhere}/taken`).catch(() => {});
    try { new WebSocket(`${elsewhere.replace("http", "ws")}/`); } catch (error) { }
    await new Promise((done) => setTimeout(done, 500));
    return [window.ran === true, refused];
}"""


def ask(address: str, **headers: str) -> tuple[int, Message]:
    request = urllib.request.Request(address, headers={name.replace("_", "-"): text for name, text in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.headers


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/session-replay", 200),
        ("/_stcore/health", 200),
        ("/_stcore/metrics", 404),
        ("/media/guessed.mp4", 404),
        ("/recordings/guessed?tenant=acme&session=x", 400),
        ("/captions/guessed?tenant=acme&session=x&expires=soon&mark=1", 400),
        ("/reports/acme/2020-01.pdf", 404),
    ],
)
def test_every_answer_carries_them(server: str, path: str, status: int) -> None:
    code, carried = ask(server + path)
    assert code == status
    assert {name: carried[name] for name in ALWAYS} == ALWAYS
    policy = carried["content-security-policy"]
    for part in ("default-src 'self'", "frame-ancestors 'none'", "object-src 'none'"):
        assert part in policy
    assert "unsafe-eval" not in policy
    assert "'unsafe-inline'" not in policy.split("style-src")[0]
    assert carried["strict-transport-security"] is None
    assert ask(server + path, X_Forwarded_Proto="https")[1]["strict-transport-security"] == "max-age=31536000"


def test_a_strange_host_adds_nothing_to_the_policy(server: str) -> None:
    _, carried = ask(server, Host="localhost; script-src *")
    assert "script-src *" not in carried["content-security-policy"]


def test_a_browser_neither_runs_nor_sends_what_slips_into_a_page(page: Page, server: str) -> None:
    """What an escape that fails would let in: a script, a picture elsewhere, an address that takes data away."""
    reached: list[str] = []

    def taken(asked: Asked) -> Said:
        reached.append(asked.path)
        return Said()

    visit(page, server, "")
    with serving(taken) as elsewhere:
        assert urllib.request.urlopen(f"{elsewhere}/it-answers").status == 200
        ran, refused = page.evaluate(SLIPPED, elsewhere)
    assert ran is False
    assert sorted(refused) == ["connect-src", "connect-src", "img-src", "script-src-elem"]
    assert reached == ["/it-answers"]
    settle(page)
