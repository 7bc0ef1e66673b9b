"""Secrets of the environment, each with a word of its own, are looked for in everything that the commands leave behind.

The partners refuse every login and send back what they were told, headers and all, as careless ones do.
"""

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pikepdf
import pytest
import yaml
from support.command import ROOT, Command
from support.http_stub import Asked, Said, serving
from support.practised import Practised
from support.served import free_port

from benchmarks import rig
from governance.settings import PROJECT, Settings
from pipelines import environment

pytestmark = pytest.mark.timeout(900)  # a dozen commands, each in a process of its own

# A word each, so that one that is found tells which secret got out.
CANARIES = {
    "ROLECALL_SECRET_KEY": "zqvault-key-of-the-home",
    "ROLECALL_ENGINE_KEY": "zqengine-key",
    "ROLECALL_TOOL_SECRET": "zqtool-secret",
    "ROLECALL_GATEWAY_TOKENS": "zqgateway-token",
    "ROLECALL_SMTP_URL": "zqmail-password",
    "ROLECALL_ALERT_WEBHOOK": "zqhook-path",
    "ROLECALL_OIDC_CLIENT_SECRET": "zqlogin-secret",
    "ROLECALL_AN_LRS_KEY": "zqlrs-key",
    "ROLECALL_AN_LRS_SECRET": "zqlrs-secret",
    "ROLECALL_MOODLE_TOKEN": "zqmoodle-token",
    "ROLECALL_CANVAS_TOKEN": "zqcanvas-token",
    "ROLECALL_HUBSPOT_TOKEN": "zqhubspot-token",
}
WRONG = "zqguessed-token"  # somebody else's mistake is no reason to show it either
PAIRS = [("ROLECALL_AN_LRS_KEY", "ROLECALL_AN_LRS_SECRET")]
CROSSED = {"conversation_id": "c1", "guardrail": "no_guarantee_of_returns", "guardrail_uuid": "g1"}
PERIOD = ("--from", "2026-01-01", "--to", "2026-12-31")


def spellings() -> dict[str, str]:
    """Every spelling of a secret that could be found, and the variable it is of."""
    found = {word: name for name, word in CANARIES.items()} | {WRONG: "a wrong token"}
    for one, other in PAIRS:
        found[base64.b64encode(f"{CANARIES[one]}:{CANARIES[other]}".encode()).decode()] = one
    return found


class Place:
    """A home, its configuration, and everything that was said about it."""

    def __init__(self, folder: Path, partner: str) -> None:
        self.home, self.config = folder / "home", folder / "config"
        said = {
            **CANARIES,
            "ROLECALL_ENGINE_URL": partner,
            "ROLECALL_GATEWAY_TOKENS": f"acme={CANARIES['ROLECALL_GATEWAY_TOKENS']}",
            "ROLECALL_SMTP_URL": f"smtp://rolecall:{CANARIES['ROLECALL_SMTP_URL']}@127.0.0.1:{free_port()}",
            "ROLECALL_ALERT_WEBHOOK": f"{partner}/hooks/{CANARIES['ROLECALL_ALERT_WEBHOOK']}",
            "ROLECALL_ALERT_TO": "officer@example.com",
            "ROLECALL_CONFIG": str(self.config),
            "ROLECALL_LOG_LEVEL": "DEBUG",
            "ROLECALL_RECONCILE_AFTER_S": "0",
        }
        self.command = Command(self.home, **said)
        self.said: dict[str, str] = {}
        self.told_partner = ""

    def connect(self, name: str, **content: object) -> None:
        example = self.config / "connectors" / f"{name}-example.yaml"
        known = yaml.safe_load(example.read_text("utf-8")) if example.exists() else {}
        path = self.config / "connectors" / f"{name}.yaml"
        path.write_text(yaml.safe_dump({**known, **content, "enabled": True}), "utf-8")

    def run(self, *words: str, code: int | None) -> str:
        """Run a command with all that it can tell; ``None`` for one that may end either way."""
        done = self.command.run("--debug", *words)
        self.said[" ".join(words)] = done.stdout + done.stderr
        assert code is None or done.returncode == code, self.said[" ".join(words)]
        return self.said[" ".join(words)]

    def job(self, name: str) -> None:
        """A job as Dagster's own command runs it: its events and the output of its steps are kept."""
        variables = self.command.env | environment.variables(
            Settings(_env_file=None, home=self.home, config=self.config)  # type: ignore[call-arg]
        )
        words = [sys.executable, "-m", "dagster", "job", "execute", "-m", "pipelines.definitions", "-j", name]
        done = subprocess.run(words, env=variables, cwd=ROOT, capture_output=True, text=True, check=False, timeout=280)
        self.said[f"job {name}"] = done.stdout + done.stderr

    def written(self) -> Iterator[tuple[str, bytes]]:
        """Everything that was said or written, by place; PDFs are unpacked."""
        for words, text in self.said.items():
            yield words, text.encode()
        for path in self.home.parent.rglob("*"):
            if path.is_file() and not path.is_symlink():
                yield str(path.relative_to(self.home.parent)), path.read_bytes()
                if path.suffix == ".pdf":
                    yield f"{path.name}, unpacked", _unpacked(path)


def _unpacked(path: Path) -> bytes:
    plain = path.with_suffix(".plain")
    with pikepdf.open(path) as pdf:
        pdf.save(plain, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.all)
    try:
        return plain.read_bytes()
    finally:
        plain.unlink()


class Careless:
    """A partner that refuses everything, and repeats what it was told."""

    def __init__(self) -> None:
        self.heard = ""

    def answer(self, asked: Asked) -> Said:
        told = "\n".join(
            [asked.path, *(f"{name}: {text}" for name, text in asked.headers.items()), asked.body.decode()]
        )
        self.heard += told
        return Said(401, f"not authorised: {told}".encode(), {"www-authenticate": f"Bearer error={told[:40]!r}"})


@pytest.fixture(scope="module")
def place(practised: Practised, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("canaries")
    careless = Careless()
    with serving(careless.answer) as partner:
        made = Place(folder, partner)
        practised.copy(made.home)
        shutil.copytree(PROJECT / "config", made.config)
        made.connect("moodle", url=partner)
        made.connect("canvas", url=partner)
        made.connect("an-lrs", kind="xapi", url=f"{partner}/xapi")
        gateway(made)
        made.run("ingest", str(practised.delivered), "--tenant", "acme", code=None)
        made.run("run", code=None)
        made.run("sync", "lrs", "--connector", "an-lrs", code=1)
        made.run("sync", "lms", "--connector", "moodle", code=1)
        made.run("sync", "lms", "--connector", "canvas", code=1)
        made.run("doctor", code=1)
        made.run("audit", "report", *PERIOD, "--out", str(folder / "report.pdf"), code=0)
        made.run("audit", "bundle", *PERIOD, "--out", str(folder / "bundle.zip"), code=0)
        made.job("deliver_statements")
        made.told_partner = careless.heard
        yield made


def gateway(place: Place) -> None:
    """Deliveries with right, wrong and no tokens; one opens a case, which cannot be told by hook or mail."""
    kept = {name: value for name, value in place.command.env.items() if name.startswith("ROLECALL_")}
    running = rig.Gateway(place.home, extra=kept)
    running.start()
    try:
        right = CANARIES["ROLECALL_GATEWAY_TOKENS"]
        for path, token, status in (
            ("/v1/engine/guardrails", right, 200),
            ("/v1/engine/guardrails", WRONG, 401),
            ("/v1/engine/webhook", right, 422),
            ("/v1/launches", WRONG, 401),
        ):
            address = f"http://127.0.0.1:{running.port}{path}"
            body = CROSSED if path.endswith("guardrails") else {}
            assert httpx.post(f"{address}?t={token}", json=body, timeout=30).status_code in (status, status + 1)
            httpx.post(address, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=30)
        place.said["gateway"] = running.get("/metrics") + running.get("/healthz")
    finally:
        running.stop()


def test_no_secret_is_in_anything_that_was_said_or_written(place: Place) -> None:
    words = {word.encode(): name for word, name in spellings().items()}
    found = {
        f"{name} in {where}" for where, content in place.written() for word, name in words.items() if word in content
    }
    assert found == set()


def test_the_search_would_find_one_wherever_it_looks(place: Place) -> None:
    """Every login was tried, and each kind of place holds something that is known to be there."""
    tried = {name for word, name in spellings().items() if word in place.told_partner}
    assert tried == {
        "ROLECALL_ENGINE_KEY", "ROLECALL_ALERT_WEBHOOK", "ROLECALL_AN_LRS_KEY", "ROLECALL_MOODLE_TOKEN",
        "ROLECALL_CANVAS_TOKEN",
    }  # fmt: skip
    content = dict(place.written())
    assert "RUN_FAILURE" in place.said["job deliver_statements"]
    assert any(where.startswith("home/dagster/") and b"an-lrs" in text for where, text in content.items())
    assert b"acme" in content["home/state.db"]
    assert b"Rolecall" in content["report.pdf, unpacked"]
    assert any("gateway.log" in where for where in content)


def test_dagster_is_given_no_address_of_a_database_that_the_environment_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a resource is given stands on Dagster's pages, and the address may hold a password."""
    monkeypatch.setenv("ROLECALL_HOME", str(tmp_path))
    monkeypatch.setenv("ROLECALL_STATE_URL", f"postgresql://rolecall:{WRONG}@127.0.0.1/rolecall")
    workspace = environment.resources(Settings())["workspace"]
    assert WRONG not in repr(workspace)
    assert workspace.settings().database_url == os.environ["ROLECALL_STATE_URL"]
    elsewhere = Settings(state_url=f"sqlite:///{tmp_path / 'other.db'}")
    assert environment.resources(elsewhere)["workspace"].settings().database_url == elsewhere.database_url


def test_a_database_that_does_not_answer_is_told_without_its_password(tmp_path: Path) -> None:
    address = f"postgresql://rolecall:{WRONG}@127.0.0.1:{free_port()}/rolecall"
    command = Command(tmp_path / "home", ROLECALL_STATE_URL=address)
    for words in (("doctor",), ("--debug", "audit", "verify"), ("serve", "gateway")):
        done = command.run(*words)
        assert done.returncode == 1, words
        assert WRONG not in done.stdout + done.stderr, words
