"""What makes the daemon act: deliveries that wait, days that are stale, assets whose inputs changed.

Each sensor is a thin shell around a pure decision. The automation sensors are split by kind of asset, so that a slow
family does not hold up another.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime

import dagster as dg

from assets.partitions import DAILY
from assets.resources import Workspace
from governance.inbox import Backlog
from pipelines import housework, jobs
from pipelines.run import RANGE_END, RANGE_START, ranges


def inbox_request(backlog: Backlog) -> dg.RunRequest | dg.SkipReason:
    """One drain for what waits; the same backlog asks once, a growing one again."""
    if backlog.depth == 0:
        return dg.SkipReason("the inbox is empty")
    return dg.RunRequest(run_key=f"{backlog.depth}@{backlog.oldest}")


def day_requests(stale: Sequence[date], inputs: str) -> list[dg.RunRequest]:
    """One run a range of stale days.

    ``inputs`` names the state they are stale against: a range that failed is not asked for again until it changes.
    """
    known = set(DAILY.get_partition_keys())
    found = [day for day in stale if day.isoformat() in known]
    return [
        dg.RunRequest(
            run_key=f"{first}..{last}@{inputs}",
            tags={RANGE_START: first.isoformat(), RANGE_END: last.isoformat()},
        )
        for first, last in ranges(found)
    ]


@dg.sensor(
    name="inbox",
    job=housework.drain,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Drains the inbox into raw when deliveries wait",
)
def inbox(workspace: Workspace) -> dg.RunRequest | dg.SkipReason:
    """Look at the inbox."""
    from governance.inbox import Inbox

    return inbox_request(Inbox(workspace.state()).backlog())


@dg.sensor(
    name="stale_days",
    job=jobs.days,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Rebuilds core for days whose raw files, launches or catalog changed",
)
def stale_days(workspace: Workspace) -> dg.SensorResult | dg.SkipReason:
    """Look at what core was built from."""
    from assets.core import plan

    lake, state, catalog = workspace.lake(), workspace.state(), workspace.catalog()
    writer = lake.writer()
    if writer is not None:
        return dg.SkipReason(f"{writer} is writing")
    stale = plan.stale_days(lake, state, catalog, datetime.now(UTC))
    if not stale:
        return dg.SkipReason("every day is up to date")
    changes = workspace.launches(state).last_change()
    files = sorted((str(day), lake.file_id("raw/deliveries", day), lake.file_id("raw/bundles", day)) for day in stale)
    inputs = hashlib.sha256(repr((files, changes, catalog.digest)).encode()).hexdigest()[:16]
    return dg.SensorResult(run_requests=day_requests(stale, inputs))


def _automation(name: str, target: dg.AssetSelection) -> dg.AutomationConditionSensorDefinition:
    return dg.AutomationConditionSensorDefinition(
        name,
        target=target,
        default_status=dg.DefaultSensorStatus.RUNNING,  # off unless said
        minimum_interval_seconds=30,
    )


AUTOMATION = [
    _automation("automate_core", dg.AssetSelection.groups("raw", "core")),
    _automation("automate_marts", dg.AssetSelection.groups("marts")),
    _automation("automate_exports", dg.AssetSelection.groups("exports")),
]
SENSORS = [inbox, stale_days]
