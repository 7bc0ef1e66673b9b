"""What runs by the clock. Everything else follows data: see ``sensors``."""

from typing import TYPE_CHECKING

import dagster as dg

from pipelines import housework, jobs

if TYPE_CHECKING:
    from dagster._core.definitions.target import ExecutableDefinition  # Dagster exports no name for it


def _by_the_clock(name: str, job: "ExecutableDefinition", cron: str, description: str) -> dg.ScheduleDefinition:
    """Switched on from the start; what is not configured has nothing to do."""
    return dg.ScheduleDefinition(
        name=name,
        job=job,
        cron_schedule=cron,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=description,
    )


SCHEDULES = [
    _by_the_clock("prune_inbox", housework.prune, "15 3 * * *", "Keeps the inbox small"),
    _by_the_clock(
        "reconcile",
        housework.reconcile,
        "*/15 * * * *",
        "Pulls sessions that lack parts after their end; does nothing without ROLECALL_ENGINE_KEY",
    ),
    _by_the_clock(
        "deliver_statements",
        jobs.deliver,
        "20 * * * *",
        "Delivers statements to every enabled LRS; does nothing without one",
    ),
    _by_the_clock(
        "read_crm", jobs.read_crm, "35 * * * *", "Fetches from every enabled CRM and LMS; does nothing without one"
    ),
    _by_the_clock(
        "write_crm",
        jobs.write_crm,
        "5 5 * * *",
        "Writes readiness to every enabled CRM, once a day; does nothing without one",
    ),
    _by_the_clock(
        "write_lms",
        jobs.write_lms,
        "50 * * * *",
        "Writes scores to every enabled LMS, every hour; does nothing without one",
    ),
    _by_the_clock(
        "monthly_report", housework.report, "0 6 2 * *", "Writes the report of the month before for every tenant"
    ),
]
