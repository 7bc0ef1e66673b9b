"""A run whose process died gives its place in the writer's pool back, and only such a run."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._daemon.types import DaemonHeartbeat

from assets.partitions import WRITER_POOL
from governance.settings import Settings
from pipelines import abandoned, environment
from pipelines.problems import STARTED_BY

NOW = datetime(2026, 11, 26, 7, tzinfo=UTC)
OURS = {STARTED_BY: "rolecall run"}


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with environment.instance(Settings(home=tmp_path / "home")) as opened:
        yield opened


def under_way(instance: dg.DagsterInstance, tags: dict[str, str], run_id: str = "dead") -> None:
    """A run that holds the writer's pool, as a killed process leaves it."""
    instance.add_run(dg.DagsterRun("publish_marts", run_id=run_id, status=dg.DagsterRunStatus.STARTED, tags=tags))
    instance.event_log_storage.initialize_concurrency_limit_to_default(WRITER_POOL)
    claim = instance.event_log_storage.claim_concurrency_slot(WRITER_POOL, run_id, "marts")
    assert claim.is_claimed


def daemon_heard(instance: dg.DagsterInstance, at: datetime) -> None:
    instance.add_daemon_heartbeat(DaemonHeartbeat(at.timestamp(), "SENSOR", "one", []))


def holders(instance: dg.DagsterInstance) -> set[str]:
    return set(instance.event_log_storage.get_concurrency_info(WRITER_POOL).active_run_ids)


def test_a_killed_run_of_the_command_line_gives_its_place_back(instance: dg.DagsterInstance) -> None:
    under_way(instance, OURS)
    daemon_heard(instance, NOW)
    assert abandoned.release_before_run(instance, NOW) == ["dead"]
    assert holders(instance) == set()
    ended = instance.get_run_by_id("dead")
    assert ended is not None
    assert ended.status is dg.DagsterRunStatus.FAILURE
    assert abandoned.release_before_run(instance, NOW) == []


@pytest.mark.parametrize(("silent_s", "held"), [(30, {"daemons"}), (600, set())])
def test_a_daemons_run_lives_while_a_daemon_is_heard(
    instance: dg.DagsterInstance, silent_s: int, held: set[str]
) -> None:
    under_way(instance, {}, "daemons")
    daemon_heard(instance, NOW - timedelta(seconds=silent_s))
    abandoned.release_before_run(instance, NOW)
    assert holders(instance) == held


def test_serving_anew_ends_the_runs_of_the_last_service_once(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    under_way(instance, {}, "daemons")
    daemon_heard(instance, datetime.now(UTC))
    assert abandoned.release_before_serving(instance, tmp_path) == ["daemons"]
    under_way(instance, {}, "new")
    assert abandoned.release_before_serving(instance, tmp_path) == [], "the first service still holds the lock"
    assert holders(instance) == {"new"}
