"""Dagster runs that died with their process: killed, or taken along when the machine stopped.

Dagster goes on counting such a run as under way and keeps its place in the pool of the one writer, so that whoever
comes next would wait for it forever.
"""

import fcntl
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from pipelines.problems import STARTED_BY

UNDER_WAY = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
SILENCE = timedelta(minutes=2)  # Dagster's daemon is heard every 30 seconds
MESSAGE = "The process of this run ended without a word: it was killed, or the machine stopped"
SERVING = ".serving.lock"


def release_before_run(instance: dg.DagsterInstance, now: datetime | None = None) -> list[str]:
    """End what died before a run of the command line, which holds the lake's writer lock; ids of the ended runs.

    An earlier run of the command line that is still under way has lost that lock, hence its process. The daemon's runs
    live as long as a daemon is heard of.
    """
    heard = [heartbeat.timestamp for heartbeat in instance.get_daemon_heartbeats().values()]
    served = bool(heard) and max(heard) > ((now or datetime.now(UTC)) - SILENCE).timestamp()
    return _end(instance, [run for run in _under_way(instance) if STARTED_BY in run.tags or not served])


def release_before_serving(instance: dg.DagsterInstance, storage: Path) -> list[str]:
    """End what died with the last ``rolecall serve dagster``; ids of the ended runs, none where one still serves.

    The lock stays with this process and with what it becomes, and goes with it.
    """
    lock = os.open(storage / SERVING, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return []
    os.set_inheritable(lock, True)
    return _end(instance, [run for run in _under_way(instance) if STARTED_BY not in run.tags])


def _under_way(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    return list(instance.get_runs(dg.RunsFilter(statuses=UNDER_WAY)))


def _end(instance: dg.DagsterInstance, runs: list[dg.DagsterRun]) -> list[str]:
    for run in runs:
        instance.report_run_failed(run, MESSAGE)
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return [run.run_id for run in runs]
