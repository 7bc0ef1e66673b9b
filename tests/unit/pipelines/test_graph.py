"""The asset graph as it stands: a change that nobody meant shows here. Renew it with ``pytest --snapshot-update``."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from syrupy.assertion import SnapshotAssertion

from governance.settings import Settings
from pipelines import environment
from pipelines.definitions import build


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    environment.quiet()
    return build(Settings(home=tmp_path_factory.mktemp("home")))


def asset(spec: dg.AssetSpec) -> dict[str, Any]:
    condition = spec.automation_condition
    return {
        "deps": sorted(dep.asset_key.to_user_string() for dep in spec.deps),
        "group": spec.group_name,
        "kinds": sorted(spec.kinds),
        "partitions": None if spec.partitions_def is None else type(spec.partitions_def).__name__,
        "automation": None if condition is None else condition.get_label() or condition.name,
        "code_version": spec.code_version,
        "freshness": spec.freshness_policy is not None,
    }


def test_assets(code: dg.Definitions, snapshot: SnapshotAssertion) -> None:
    assert {spec.key.to_user_string(): asset(spec) for spec in code.resolve_all_asset_specs()} == snapshot


def test_checks(code: dg.Definitions, snapshot: SnapshotAssertion) -> None:
    graph = code.resolve_asset_graph()
    found = {
        f"{key.asset_key.to_user_string()}: {key.name}": graph.get_check_spec(key).blocking
        for key in graph.asset_check_keys
    }
    assert found == snapshot


def test_jobs_schedules_and_sensors(code: dg.Definitions, snapshot: SnapshotAssertion) -> None:
    repository = code.get_repository_def()
    jobs = {job.name: sorted(node.name for node in job.nodes) for job in repository.get_all_jobs()}
    assert {
        "jobs": {name: nodes for name, nodes in sorted(jobs.items()) if not name.startswith("__")},
        "schedules": sorted((each.name, each.cron_schedule) for each in repository.schedule_defs),
        "sensors": sorted((each.name, each.default_status.value) for each in repository.sensor_defs),
    } == snapshot


def test_it_loads_and_binds_everything(code: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(code)


def test_nothing_is_read_at_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    import pipelines.definitions

    monkeypatch.setenv("ROLECALL_MINIMUM_CELL", "not a number")
    importlib.reload(pipelines.definitions)
