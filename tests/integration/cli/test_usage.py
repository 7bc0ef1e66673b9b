"""The command line says what it can do quickly, and every failure is one line with a remedy."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.command import ROOT, Command
from support.sessions import bundle, write


@pytest.fixture
def rolecall(tmp_path: Path) -> Command:
    return Command(tmp_path / "home")


def test_help_loads_nothing_heavy() -> None:
    script = "import sys; from pipelines.cli import main; sys.argv = ['rolecall', '--help']\n"
    script += (
        "try:\n    main()\nexcept SystemExit:\n    pass\nprint(sorted(HEAVY & sys.modules.keys()), file=sys.stderr)"
    )
    heavy = {"dagster", "duckdb", "fastapi", "great_expectations", "pandas", "polars", "sqlalchemy", "streamlit"}
    done = subprocess.run(
        [sys.executable, "-c", f"HEAVY = {heavy!r}\n{script}"], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert "simulate" in done.stdout
    assert done.stderr.strip() == "[]"


def test_version(rolecall: Command) -> None:
    assert rolecall("--version").startswith("rolecall ")


@pytest.mark.parametrize(
    "words",
    [
        ("fly",),
        ("query",),
        ("simulate",),
        ("run", "--days", "yesterday"),
        ("run", "--days", "2026-11-05..2026-11-01"),
        ("query", "select 1", "--format", "xml"),
        ("serve", "dashboard", "--port", "0"),
        ("simulate", "--out", "x", "--start", "2026-11-05", "--end", "2026-11-01"),
    ],
)
def test_wrong_usage_ends_with_2(rolecall: Command, words: tuple[str, ...]) -> None:
    assert "Usage:" in rolecall.fails(*words, code=2)


def test_nothing_is_published_yet(rolecall: Command) -> None:
    assert "rolecall demo" in rolecall.fails("query", "select 1")


def test_a_failure_shows_its_traceback_only_with_debug(rolecall: Command) -> None:
    done = rolecall.run("query", "select 1", "--debug")
    assert done.returncode == 1
    assert "Traceback" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("ingest",), "nothing to ingest"),
        (("ingest", "missing.jsonl"), "missing.jsonl"),
        (("ingest", "nowhere/*.jsonl"), "Nothing matches"),
        (("ingest", "pyproject.toml"), "none of"),
        (("ingest", "README.md", "--tenant", "../up"), "cannot be a tenant"),
    ],
)
def test_ingest_says_what_it_cannot_take(rolecall: Command, words: tuple[str, ...], said: str) -> None:
    assert said in rolecall.fails(*words)


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    said = Command(tmp_path / "home", ROLECALL_MINIMUM_CELL="3").fails("run")
    assert "ROLECALL_MINIMUM_CELL" in said


def test_a_home_that_is_a_file(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("")
    bundles = write(tmp_path / "x.jsonl", [bundle(1)])
    assert str(home) in Command(home).fails("ingest", str(bundles))


def test_a_state_database_that_is_away_and_its_password(tmp_path: Path) -> None:
    url = "postgresql+psycopg://rolecall:hunter2@127.0.0.1:9/state"
    said = Command(tmp_path / "home", ROLECALL_STATE_URL=url).fails("run")
    assert "ROLECALL_STATE_URL" in said
    assert "hunter2" not in said


def test_doctor_on_a_fresh_home_passes_with_warnings(rolecall: Command) -> None:
    said = rolecall("doctor")
    assert "ok   catalog" in said
    assert "ok   dagster" in said
    assert "ROLECALL_GATEWAY_TOKENS" in said


def test_doctor_tells_every_fault_with_its_remedy(tmp_path: Path) -> None:
    rolecall = Command(
        tmp_path / "home",
        ROLECALL_STATE_URL="postgresql+psycopg://rolecall:hunter2@127.0.0.1:9/state",
        ROLECALL_CONFIG=str(tmp_path / "nowhere"),
        ROLECALL_GATEWAY_TOKENS="acme=short",
    )
    said = rolecall.fails("doctor")
    assert "fail catalog" in said
    assert "fail policy" in said
    assert "fail state database" in said
    assert "short tokens: acme" in said
    assert "hunter2" not in said


def test_doctor_sees_a_wrong_setting_and_a_key_that_others_can_read(tmp_path: Path) -> None:
    assert "ROLECALL_KEEP_VERSIONS" in Command(tmp_path / "home", ROLECALL_KEEP_VERSIONS="0").fails("doctor")
    (tmp_path / "home").mkdir(exist_ok=True)
    key = tmp_path / "home" / "secret.key"
    key.write_text("00" * 32)
    key.chmod(0o644)
    assert f"chmod 600 {key}" in Command(tmp_path / "home").fails("doctor")


def test_bad_lines_are_told_with_file_and_line_and_good_ones_go_on(tmp_path: Path, rolecall: Command) -> None:
    naive = bundle(2, started_at="2026-11-02T09:00:00")
    path = write(tmp_path / "mixed.jsonl", [bundle(1), "{oops", naive, bundle(3), bundle(3)])
    said = rolecall("ingest", str(path), "--tenant", "acme")
    assert f"{path}:2: " in said
    assert f"{path}:3: " in said
    assert "5" in said.splitlines()[1]
    again = rolecall("ingest", str(path), "--tenant", "acme")
    assert again.splitlines()[1].split()[2:6] == ["5", "0", "3", "2"]


def test_another_tenants_rows_are_refused(tmp_path: Path, rolecall: Command) -> None:
    path = write(tmp_path / "theirs.jsonl", [bundle(1, tenant="globex")])
    said = rolecall.fails("ingest", str(path), "--tenant", "acme")
    assert "tenant_matches" in said
    assert "Every row was refused" in said


def test_a_dry_run_keeps_nothing(tmp_path: Path, rolecall: Command) -> None:
    path = write(tmp_path / "x.jsonl", [bundle(1), "{oops"])
    said = rolecall("ingest", str(path), "--tenant", "acme", "--dry-run")
    assert f"{path}:2: " in said
    assert not (rolecall.home / "lake").exists()
    assert not (rolecall.home / "state.db").exists()


def test_bare_deliveries_need_a_tenant(tmp_path: Path, rolecall: Command) -> None:
    event = {
        "conversation_id": "c1",
        "event_type": "system.shutdown",
        "message_type": "system",
        "timestamp": "2026-11-02T09:12:30Z",
        "properties": {"shutdown_reason": "participant_left_timeout"},
    }
    path = write(tmp_path / "events.jsonl", [event])
    assert "--tenant" in rolecall.fails("ingest", str(path))
    assert json.dumps(event)  # the same line, with a tenant, is taken
    rolecall("ingest", str(path), "--tenant", "acme")
    assert "repeated" in rolecall("ingest", str(path), "--tenant", "acme")
