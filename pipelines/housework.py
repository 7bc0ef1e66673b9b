"""Ops that are no assets: draining the inbox, pulling what callbacks lost, forgetting what is no longer needed."""

from dataclasses import asdict
from datetime import UTC, datetime

import dagster as dg

from assets.partitions import WRITER_POOL
from assets.resources import Workspace

WAIT_S = 900.0  # a run of `rolecall run` beside the daemon ends first


@dg.op(pool=WRITER_POOL, description="Move what waits in the inbox into raw/deliveries")
def drain_inbox(context: dg.OpExecutionContext, workspace: Workspace) -> None:
    """The stale days that this leaves are found by the sensor ``stale_days``."""
    from assets.raw import deliveries

    lake = workspace.lake()
    with lake.writing("Dagster: drain the inbox", wait_s=WAIT_S):
        landing = deliveries.drain(lake, workspace.state())
    context.add_output_metadata({"accepted": landing.accepted, "days": len(landing.days)})


@dg.op(description="Forget drained bodies after a week and keys after 400 days")
def prune_inbox(context: dg.OpExecutionContext, workspace: Workspace) -> None:
    """Bodies are in raw; keys stay longer, so that late repeats still count as repeats."""
    from governance.inbox import Inbox

    pruned = Inbox(workspace.state()).prune(datetime.now(UTC))
    context.add_output_metadata({"bodies": pruned.bodies, "rows": pruned.rows})


@dg.op(description="Ask the engine about sessions that lack parts some time after their end")
def reconcile_sessions(context: dg.OpExecutionContext, workspace: Workspace) -> None:
    """What comes back goes into the inbox, where the webhooks' twins count as repeats."""
    from pipelines.reconcile import reconcile_if_possible

    done = reconcile_if_possible(workspace.settings(), workspace.state(), datetime.now(UTC))
    if done is None:
        context.log.info("no ROLECALL_ENGINE_KEY: nothing is pulled")
    else:
        context.add_output_metadata({"asked": done.asked, **asdict(done)})


@dg.op(description="The monthly report of every tenant, over the month before")
def write_reports(context: dg.OpExecutionContext, workspace: Workspace) -> None:
    """From what is published; a tenant without a published version has none."""
    from pipelines.commands.report import month_of, written
    from pipelines.tenants import published

    settings, month = workspace.settings(), month_of(None)
    paths = [str(written(settings, tenant, month)) for tenant in published(settings)]
    context.add_output_metadata({"month": f"{month:%Y-%m}", "reports": paths})


@dg.job(description="Inbox into raw/deliveries.")
def drain() -> None:
    """Started by the sensor ``inbox``."""
    drain_inbox()


@dg.job(description="Keep the inbox small.")
def prune() -> None:
    """Started every night."""
    prune_inbox()


@dg.job(description="Pull what the engine's callbacks lost.")
def reconcile() -> None:
    """Started every quarter of an hour."""
    reconcile_sessions()


@dg.job(description="Write the monthly reports.")
def report() -> None:
    """Started on the second of every month, when the last sessions of the month have settled."""
    write_reports()


JOBS = [drain, prune, reconcile, report]
