"""The main job, end to end, through the real command line and a real gateway process.

The files come in over SQLite, the gateway's deliveries over PostgreSQL: both must end in the same tables.
"""

import json
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from support import postgres
from support.command import Command

SESSIONS = 60
SECRET = "5e" * 32  # the same in both homes, so that their pseudonyms compare
TOKEN = "0123456789abcdef0123456789abcdef"
MARTS = ("data_health", "practice_funnel", "competency_trend", "learner_progress", "scenario_items", "pacing",
         "objective_funnel", "guardrail_board")  # fmt: skip
# What does not depend on when a delivery was received: callbacks without a time of their own are placed by receipt.
SAME = {
    "sessions": "session_id, attributed, learner_key, scenario_id, started_at, ended_at, end_reason, turn_count"
    ", is_test",
    "criterion_scores": "session_id, scorer_kind, scorer_id, rubric_id, rubric_version, criterion_id, score",
    "session_scores": "session_id, scorer_kind, scorer_id, rubric_id, rubric_version, overall, passed",
    "signals": "session_id, kind, name, state, severity",
}


@pytest.fixture(scope="module")
def simulation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulation")
    words = ("--sessions", str(SESSIONS), "--seed", "11", "--start", "2026-10-19", "--end", "2026-11-01")
    Command(folder / "home")("simulate", "--out", str(folder / "out"), *words)
    return folder / "out"


@pytest.fixture(scope="module")
def by_file(simulation: Path, tmp_path_factory: pytest.TempPathFactory) -> Command:
    rolecall = Command(tmp_path_factory.mktemp("file") / "home", ROLECALL_SECRET_KEY=SECRET)
    rolecall("ingest", str(simulation))
    rolecall("run")
    return rolecall


@pytest.fixture(scope="module")
def by_gateway(simulation: Path, tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Command:
    home = tmp_path_factory.mktemp("gateway") / "home"
    rolecall = Command(
        home,
        ROLECALL_SECRET_KEY=SECRET,
        ROLECALL_STATE_URL=postgres.create_database(postgres_url, "main_job"),
        ROLECALL_GATEWAY_TOKENS=f"acme={TOKEN}",
        ROLECALL_TOOL_SECRET="simulated-tool-secret",
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    gateway = rolecall.start("serve", "gateway", "--port", str(port))
    try:
        _answers(f"http://127.0.0.1:{port}/healthz", gateway)
        posting = ("--sessions", str(SESSIONS), "--seed", "11", "--start", "2026-10-19", "--end", "2026-11-01")
        again = home.parent / "out"
        said = rolecall.run("simulate", "--out", str(again), *posting, "--post", f"http://127.0.0.1:{port}")
        assert said.returncode == 0, said.stderr
        assert "accepted" in said.stderr
    finally:
        gateway.terminate()
        gateway.communicate(timeout=120)
    pulls = [line for line in (simulation / "deliveries.jsonl").read_text().splitlines() if '"channel":"pull"' in line]
    (home.parent / "pulls.jsonl").write_text("\n".join(pulls) + "\n")  # the gateway takes no pulls: they are fetched
    rolecall("ingest", str(home.parent / "pulls.jsonl"), str(simulation / "bundles.jsonl"), "--tenant", "acme")
    rolecall("ingest", str(simulation / "learners.jsonl"), *map(str, simulation.glob("outcomes.*")))
    rolecall("run")
    return rolecall


def _answers(url: str, server: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        assert server.poll() is None, server.communicate()
        try:
            if httpx.get(url, timeout=5).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.3)
    pytest.fail("the gateway did not come up")


def truth(simulation: Path) -> dict[str, Any]:
    return json.loads((simulation / "truth.json").read_text())


def test_counts_are_those_of_the_truth(simulation: Path, by_file: Command) -> None:
    counts = truth(simulation)["counts"]
    assert by_file.value("select count(*) from sessions") == counts["sessions"] == SESSIONS
    assert by_file.value("select count(*) from sessions where engine = 'generic'") == counts["sessions_generic"]
    assert by_file.value("select count(*) from launches") == counts["launches"]
    launched = {
        json.loads(line)["conversation_id"] for line in (simulation / "launches.jsonl").read_text().splitlines()
    }
    engines = [played["session_id"].split(":") for played in truth(simulation)["played"]]
    lost = sum(engine == "cvi" and session not in launched for engine, session in engines)
    assert by_file.value("select count(*) from sessions where not attributed and engine = 'cvi'") == lost > 0
    outcomes = sum(count for name, count in counts.items() if name.startswith("outcomes_"))
    assert by_file.value("select count(*) from outcomes") == outcomes
    assert by_file.value("select count(*) from learners where in_directory") == counts["learners"]


@pytest.mark.parametrize("mart", MARTS)
def test_every_mart_is_published(by_file: Command, mart: str) -> None:
    assert by_file.value(f"select count(*) from {mart}") > 0


def test_names_and_addresses_are_nowhere_in_lake_and_marts(simulation: Path, by_file: Command) -> None:
    people = [json.loads(line) for line in (simulation / "learners.jsonl").read_text().splitlines()]
    emails = {person["email"].encode() for person in people if person.get("email")}
    for path in [*(by_file.home / "lake").rglob("*.parquet"), *(by_file.home / "marts").rglob("*.duckdb")]:
        content = path.read_bytes()
        assert not any(email in content for email in emails), path


def test_a_second_run_changes_nothing(by_file: Command) -> None:
    before = by_file.rows("select * from sessions order by session_id")
    current = (by_file.home / "marts" / "acme" / "current").resolve()
    assert "Nothing new" in by_file("run")
    assert (by_file.home / "marts" / "acme" / "current").resolve() == current
    assert by_file.rows("select * from sessions order by session_id") == before


def test_the_same_ingest_again_changes_nothing(simulation: Path, by_file: Command) -> None:
    by_file("ingest", str(simulation))
    assert "Nothing new" in by_file("run")


@pytest.mark.parametrize("table", list(SAME))
def test_files_and_gateway_give_the_same_core(by_file: Command, by_gateway: Command, table: str) -> None:
    sql = f"select {SAME[table]} from {table} order by all"
    assert by_file.rows(sql) == by_gateway.rows(sql)


def test_two_runs_at_once(by_file: Command) -> None:
    first, second = by_file.start("run", "--full"), None
    deadline = time.monotonic() + 300
    lock = by_file.home / "lake" / ".writer.lock"
    while time.monotonic() < deadline and "rolecall run" not in lock.read_text():
        time.sleep(0.1)
    second = by_file.run("run")
    first.communicate(timeout=280)
    assert first.returncode == 0
    assert second.returncode == 1
    assert f"process {first.pid}" in second.stderr


def test_the_query_reads_only(by_file: Command) -> None:
    for sql in ("delete from sessions", "copy (select 1) to 'x.csv'", "select * from read_csv('/etc/passwd')", "selec"):
        assert "SQL failed" in by_file.fails("query", sql)
    assert "one statement" in by_file.fails("query", "select 1; select 2")
    assert by_file("query", "select 1 as a, null as b", "--format", "csv") == "a,b\n1,\n"
    assert "globex" in by_file.fails("query", "select 1", "--tenant", "globex")
