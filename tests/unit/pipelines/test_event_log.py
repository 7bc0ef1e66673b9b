"""Our event log keeps what Dagster's own keeps, in the same files, whether written one by one or in batches."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import text

from pipelines.event_log import OPEN_FILES, EventLog, Storage

DAYS = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-01-09")
RANGE = {"dagster/asset_partition_range_start": "2026-01-02", "dagster/asset_partition_range_end": "2026-01-06"}
KEYS = [dg.AssetKey("first"), dg.AssetKey("second")]


@dg.multi_asset(
    specs=[dg.AssetSpec(key, partitions_def=DAYS) for key in KEYS], backfill_policy=dg.BackfillPolicy.single_run()
)
def both() -> Iterator[dg.MaterializeResult]:
    for number, key in enumerate(KEYS):
        yield dg.MaterializeResult(asset_key=key, metadata={"rows": number})


@dg.asset_check(asset=KEYS[0], blocking=True)
def holds() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True, metadata={"rows": 7})


def instance(folder: Path, own: bool) -> dg.DagsterInstance:
    config = {"config": {"base_dir": str(folder)}}
    ours: dict[str, Any] = {"custom": {"module": "pipelines.event_log", "class": "Storage", **config}}
    overrides = {"storage": ours if own else {"sqlite": config["config"]}, "telemetry": {"enabled": False}}
    folder.mkdir(exist_ok=True)
    return dg.DagsterInstance.local_temp(str(folder), overrides=overrides)


def run(on: dg.DagsterInstance) -> str:
    job = dg.Definitions(assets=[both], asset_checks=[holds], jobs=[dg.define_asset_job("days", "*")])
    return job.resolve_job_def("days").execute_in_process(instance=on, tags=RANGE).run_id


def told(on: dg.DagsterInstance, run_id: str) -> dict[str, Any]:
    """What the store answers about a run and its assets, times and ids apart."""
    log = on.event_log_storage
    events = [record.event_log_entry.dagster_event for record in log.get_records_for_run(run_id).records]
    kept = [(event.event_type_value, event.asset_key, event.partition) for event in events if event is not None]
    newest = {key: on.get_latest_materialization_event(key) for key in KEYS}
    checks = log.get_asset_check_execution_history(dg.AssetCheckKey(KEYS[0], "holds"), limit=20)
    materialized = {key: sorted(on.get_materialized_partitions(key)) for key in KEYS}
    records = [record for key in KEYS for record in on.fetch_materializations(key, limit=50).records]
    return {
        "events": kept,
        "newest": {
            key: entry.dagster_event.partition for key, entry in newest.items() if entry and entry.dagster_event
        },
        "checks": [(check.status, check.partition, check.run_id == run_id) for check in checks],
        "partitions": materialized,
        "records": [
            (record.partition_key, sorted(record.asset_materialization.tags or {}))
            for record in records
            if record.asset_materialization
        ],
    }


@pytest.mark.parametrize("batch", ["0", "3", "1000"])
def test_the_store_tells_the_same_as_dagsters_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: str) -> None:
    with instance(tmp_path / "plain", own=False) as plain:
        expected = told(plain, run(plain))
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", batch)
    with instance(tmp_path / "ours", own=True) as ours:
        assert isinstance(ours.event_log_storage, EventLog)
        run_id = run(ours)
        found = told(ours, run_id)
    assert found == expected
    assert len(found["partitions"][KEYS[0]]) == 5
    with instance(tmp_path / "ours", own=False) as again:
        assert told(again, run_id) == expected, "Dagster's own class reads our files"


def test_files_stay_open_but_never_many(tmp_path: Path) -> None:
    store = Storage(str(tmp_path))
    log = store.event_log_storage
    assert isinstance(log, EventLog)
    for number in range(2 * OPEN_FILES):
        with log.run_connection(f"run-{number}") as connection:
            assert connection.execute(text("pragma synchronous")).scalar_one() == 1
        assert (tmp_path / "history" / "runs" / f"run-{number}.db-wal").exists(), "a close would have removed the log"
    assert len(list((tmp_path / "history" / "runs").glob("*-wal"))) == OPEN_FILES
    store.dispose()
    assert not list((tmp_path / "history" / "runs").glob("*-wal"))
