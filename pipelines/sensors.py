"""What makes the daemon act: deliveries that wait, days that are stale, assets whose inputs changed.

Each sensor is a thin shell around a pure decision. The automation sensors are split by kind of asset, so that a slow
family does not hold up another.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime

import dagster as dg

from assets.contracts import RAW
from assets.core import built, reported
from assets.lake import Lake
from assets.partitions import DAILY
from assets.resources import Workspace
from governance.inbox import Backlog
from pipelines import housework, jobs, planning
from pipelines.mark import Mark
from pipelines.planning import Span, Stale
from pipelines.run import RANGE_END, RANGE_START

BATCH = "rolecall/batch"  # runs asked for together, on the same inputs


def inbox_request(backlog: Backlog, now: datetime) -> dg.RunRequest | dg.SkipReason:
    """One drain for what waits; a growing backlog asks again, and one that still stands an hour later does."""
    if backlog.depth == 0:
        return dg.SkipReason("the inbox is empty")
    return dg.RunRequest(run_key=f"{backlog.depth}@{backlog.oldest}@{_hour(now)}")


def registries_request(content: str, runs: Sequence[dg.DagsterRun], now: datetime) -> dg.RunRequest | dg.SkipReason:
    """One load of this content; where all ``runs`` that were asked for before have failed, the next hour asks again."""
    if any(run.status is dg.DagsterRunStatus.SUCCESS for run in runs):
        return dg.SkipReason("the registries are up to date")
    if any(not run.is_finished for run in runs):
        return dg.SkipReason("the registries are being loaded")
    return dg.RunRequest(run_key=f"{content}@{_hour(now)}", tags={BATCH: content})


def load_requests(stale: Stale, batch: str) -> list[dg.RunRequest]:
    """One run a range of stale days, each with its checks.

    ``batch`` names the inputs they are stale against and the hour: a range that failed is asked for again when its
    inputs change, and an hour later in any case, since what stood in the way may be gone.
    """
    known = set(DAILY.get_partition_keys())
    inside = Stale(*(tuple(day for day in days if str(day) in known) for days in (stale.sessions, stale.outcomes)))
    return [
        dg.RunRequest(
            run_key=f"{job}:{first}..{last}@{batch}",
            job_name=job,
            tags={RANGE_START: str(first), RANGE_END: str(last), BATCH: batch},
        )
        for job, (first, last) in inside.launches("load")
    ]


def batch_of(lake: Lake, stale: Stale, launches: int, catalog: str, now: datetime) -> str:
    """Name of what these days are to be built from, and what they were built from last."""
    records = built.read(lake)
    inputs = (*(table.path for table in RAW), reported.TABLE)
    parts = [(str(day), [lake.file_id(path, day) for path in inputs], str(records.get(day))) for day in stale.days()]
    text = repr((sorted(parts), launches, catalog, _hour(now)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _hour(now: datetime) -> str:
    """Part of a run's key: Dagster runs each key once, and what stood in the way may be gone an hour later."""
    return now.strftime("%Y-%m-%dT%H")


def passed(cursor: str | None, runs: Sequence[dg.DagsterRun]) -> list[Span]:
    """The ranges of the last batch, where every run that was asked for has succeeded; else none.

    The cursor is ``<batch>:<runs asked for>``. Days that failed a check stay unchecked, whatever passes beside them.
    """
    if not cursor:
        return []
    done = {
        (run.job_name, run.tags[RANGE_START]): (run.tags[RANGE_START], run.tags[RANGE_END])
        for run in runs
        if run.status is dg.DagsterRunStatus.SUCCESS
    }
    if len(done) != int(cursor.rpartition(":")[2]):
        return []
    return [(date.fromisoformat(first), date.fromisoformat(last)) for first, last in done.values()]


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

    return inbox_request(Inbox(workspace.state()).backlog(), datetime.now(UTC))


@dg.sensor(
    name="stale_days",
    jobs=[jobs.load_sessions, jobs.load_outcomes],
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Loads and checks the days whose raw files, launches or catalog changed",
)
def stale_days(context: dg.SensorEvaluationContext, workspace: Workspace) -> dg.SensorResult | dg.SkipReason:
    """Look at what core was built from; one batch at a time."""
    home, lake = workspace.settings().home, workspace.lake()
    if (writer := lake.writer()) is not None:
        return dg.SkipReason(f"{writer} is writing")
    batch = (context.cursor or "").rpartition(":")[0]
    runs = context.instance.get_runs(dg.RunsFilter(tags={BATCH: batch})) if batch else []
    if any(not run.is_finished for run in runs):
        return dg.SkipReason("the last batch is still running")
    mark = Mark.read(home)
    for first, last in passed(context.cursor, runs):
        mark = mark.checked(first, last)
    if mark != Mark.read(home):
        mark.write(home)
    state, catalog, now = workspace.state(), workspace.catalog(), datetime.now(UTC)
    stale = planning.stale(lake, state, catalog, now, doubtful=mark.unchecked)
    if not stale.days():
        return dg.SkipReason("every day is up to date")
    mark.begun(stale.days()).write(home)
    batch = batch_of(lake, stale, workspace.launches(state).last_change(), catalog.digest, now)
    requests = load_requests(stale, batch)
    return dg.SensorResult(run_requests=requests, cursor=f"{batch}:{len(requests)}")


@dg.sensor(
    name="registries",
    job=jobs.load_registries,
    minimum_interval_seconds=120,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Loads learners and launches when a registration changed one",
)
def registries(context: dg.SensorEvaluationContext, workspace: Workspace) -> dg.RunRequest | dg.SkipReason:
    """Look at the registries; content that was loaded asks no more."""
    state = workspace.state()
    people = workspace.identities(state).learners().hash_rows(seed=1).sort().to_numpy().tobytes()
    content = hashlib.sha256(people + str(workspace.launches(state).last_change()).encode()).hexdigest()[:16]
    if (writer := workspace.lake().writer()) is not None:
        return dg.SkipReason(f"{writer} is writing")
    asked = context.instance.get_runs(dg.RunsFilter(job_name=jobs.load_registries.name, tags={BATCH: content}))
    return registries_request(content, asked, datetime.now(UTC))


def _automation(name: str, target: dg.AssetSelection) -> dg.AutomationConditionSensorDefinition:
    return dg.AutomationConditionSensorDefinition(
        name,
        target=target,
        default_status=dg.DefaultSensorStatus.RUNNING,  # off unless said
        minimum_interval_seconds=30,
    )


AUTOMATION = [
    _automation("automate_marts", dg.AssetSelection.groups("marts")),
    _automation("automate_exports", dg.AssetSelection.groups("exports")),
]
SENSORS = [inbox, stale_days, registries]
