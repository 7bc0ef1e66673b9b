"""What `rolecall run` does when a check stops it, when it was cut off, for one tenant and for one kind of day."""

import shutil
from pathlib import Path

import duckdb
import pytest
from support.command import Command
from support.sessions import bundle, write

from assets.lake import Lake
from governance.settings import PROJECT
from pipelines.mark import Mark


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with sixteen sessions on eight days, run and published: not to be changed."""
    folder = tmp_path_factory.mktemp("runs")
    command = Command(folder / "home")
    command("ingest", str(write(folder / "good.jsonl", [bundle(number) for number in range(16)])))
    command("run")
    return command.home


@pytest.fixture
def rolecall(published: Path, tmp_path: Path) -> Command:
    return Command(shutil.copytree(published, tmp_path / "home", symlinks=True))


def current(rolecall: Command, tenant: str = "acme") -> Path:
    return (rolecall.home / "marts" / tenant / "current").resolve()


def days_of_core(rolecall: Command) -> set[str]:
    return {str(day) for day in Lake(rolecall.home / "lake").days("core/sessions")}


def test_a_failing_check_stops_publishing_until_it_passes(tmp_path: Path, rolecall: Command) -> None:
    before = current(rolecall)
    broken = [bundle(number, ended_at="2026-11-01T00:00:00Z") for number in range(100, 130)]  # ends before it starts
    rolecall("ingest", str(write(tmp_path / "broken.jsonl", broken)))

    said = rolecall.fails("run")
    assert said.count("\n") == 2, "one line, and its remedy"
    assert "Nothing was published, because a check failed: core/sessions: quarantine_stop" in said
    assert current(rolecall) == before
    assert set(map(str, Mark.read(rolecall.home).unchecked)) == days_of_core(rolecall)

    assert "quarantine_stop" in rolecall.fails("run"), "the unchecked days are checked again, though nothing is stale"
    assert current(rolecall) == before

    rolecall.env["ROLECALL_QUARANTINE_STOP"] = "0.9"  # somebody looked and allows it
    assert "30 in quarantine" in rolecall("run")
    assert current(rolecall) != before
    assert Mark.read(rolecall.home).unchecked == ()
    assert "Nothing new" in rolecall("run")


def test_a_core_file_that_lost_a_row_stops_publishing(tmp_path: Path, rolecall: Command) -> None:
    lake, before = Lake(rolecall.home / "lake"), current(rolecall)
    day = lake.days("core/sessions")[3]
    file = lake.path("core/sessions", day)
    fewer = tmp_path / "fewer.parquet"
    duckdb.sql(f"copy (from read_parquet('{file}', hive_partitioning = false) offset 1) to '{fewer}' (format parquet)")
    fewer.replace(file)
    Mark(None, (day,)).write(rolecall.home)  # as after a run that ended between building and checking
    assert "core/sessions: counts_add_up" in rolecall.fails("run")
    assert current(rolecall) == before
    assert "core/sessions: counts_add_up" in rolecall.fails("run")
    rolecall("run", "--full")
    assert rolecall.value("select count(*) from sessions") == 16


def test_days_that_were_cut_off_half_way_are_built_again(rolecall: Command) -> None:
    lake = Lake(rolecall.home / "lake")
    day = lake.days("core/sessions")[0]
    lake.path("core/turns", day).unlink()  # lost where the machine stopped; the record of the day says built
    Mark(None).begun([day]).write(rolecall.home)
    assert "Rebuilt 1 day" in rolecall("run")
    assert lake.path("core/turns", day).is_file()
    assert "Nothing new" in rolecall("run")


def test_one_tenant_is_published_alone(tmp_path: Path, rolecall: Command) -> None:
    mine = current(rolecall)
    both = [bundle(number, tenant) for number in range(40, 44) for tenant in ("acme", "globex")]
    rolecall("ingest", str(write(tmp_path / "both.jsonl", both)))
    said = rolecall("run", "--tenant", "globex")
    assert "Published globex" in said
    assert "acme" not in said
    assert current(rolecall) == mine
    assert rolecall.value("select count(*) from sessions", "--tenant", "globex") == 4
    assert "Published acme" in rolecall("run")
    assert current(rolecall) != mine
    assert "Nothing new" in rolecall("run")
    assert "Nothing new" in rolecall("run", "--tenant", "globex")
    assert "no data" in rolecall.fails("run", "--tenant", "initech")


def test_changed_rules_reach_the_readers_without_new_data(tmp_path: Path, rolecall: Command) -> None:
    config = tmp_path / "config"
    shutil.copytree(PROJECT / "config", config)
    rolecall.env["ROLECALL_CONFIG"] = str(config)
    rolecall("run")
    before = current(rolecall)
    assert "Nothing new" in rolecall("run")
    rules = config / "rolecall.yaml"
    rules.write_text(rules.read_text("utf-8").replace("level: 0.05", "level: 0.01"), "utf-8")
    assert "Published acme" in rolecall("run")
    assert current(rolecall) != before
    assert "Nothing new" in rolecall("run")


def test_a_day_of_outcomes_alone_builds_no_session_table(tmp_path: Path, rolecall: Command) -> None:
    lines = [
        {
            "tenant": "acme",
            "learner_id": "e1",
            "kind": "csat",
            "value": 4,
            "occurred_at": f"2026-{month}-02T09:00:00Z",
            "reference": f"r{month}",
        }
        for month in ("05", "11")
    ]
    rolecall("ingest", "--outcomes", str(write(tmp_path / "outcomes.jsonl", lines)))
    built = Lake(rolecall.home / "lake").file_ids("core/sessions")
    assert "Rebuilt 2 days" in rolecall("run")
    assert Lake(rolecall.home / "lake").file_ids("core/sessions") == built
    assert rolecall.value("select count(*) from outcomes") == 2
    assert "Nothing new" in rolecall("run")


def test_learners_alone_reach_the_readers(tmp_path: Path, rolecall: Command) -> None:
    person = {"tenant": "acme", "learner_id": "e1", "role": "closer"}
    rolecall("ingest", "--learners", str(write(tmp_path / "learners.jsonl", [person])))
    assert "Rebuilt 0 days" in rolecall("run")
    assert rolecall.value("select count(*) from learners where role = 'closer'") == 1
    assert "Nothing new" in rolecall("run")
