"""Marts as Dagster runs them: refreshed, checked, published; a broken rule stops publishing."""

from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from support.lake import touch_day, write_lake
from support.synthetic import Draw, core_frames

from assets.checks.definitions import mart_checks
from assets.lake import Lake
from assets.marts.assets import marts, own_batches, published
from assets.marts.publish import manifest_of
from assets.resources import Workspace


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write_lake(Lake(tmp_path / "lake"), core_frames(Draw(sessions=300, learners=40, days=21)))
    return tmp_path


def run(home: Path) -> dg.ExecuteInProcessResult:
    with dg.DagsterInstance.ephemeral() as instance:
        return dg.Definitions(
            assets=[marts, published],
            asset_checks=[mart_checks],
            resources={"workspace": Workspace(home=str(home), state_url=f"sqlite:///{home / 'state.db'}")},
            jobs=[dg.define_asset_job("all_marts", dg.AssetSelection.groups("marts"))],
        ).resolve_job_def("all_marts").execute_in_process(instance=instance, raise_on_error=False)  # fmt: skip


def test_a_run_publishes_and_a_second_run_changes_nothing(home: Path) -> None:
    assert run(home).success
    first = manifest_of(home / "marts" / "acme")
    assert first is not None
    assert first["tables"]["sessions"] == 300
    assert run(home).success
    assert manifest_of(home / "marts" / "acme") == first
    assert len(list((home / "marts" / "acme").glob("marts-*.duckdb"))) == 1


def test_a_mart_that_breaks_its_contract_is_not_published(home: Path) -> None:
    lake = Lake(home / "lake")
    touch_day(lake, "core/criterion_scores", lake.days("core/criterion_scores")[0], "scaled = 7")
    assert not run(home).success
    assert manifest_of(home / "marts" / "acme") is None


def test_batches_without_a_tenant_are_shown_to_a_tenant_alone() -> None:
    batches = pl.DataFrame({"tenant": ["acme", None, "globex"], "batch_id": ["1", "2", "3"]})
    assert own_batches(batches, "acme", alone=True)["batch_id"].to_list() == ["1", "2"]
    assert own_batches(batches, "acme", alone=False)["batch_id"].to_list() == ["1"]
