"""What runs by the clock. Everything else follows data: see ``sensors``."""

import dagster as dg

from pipelines import housework, jobs

prune = dg.ScheduleDefinition(
    name="prune_inbox",
    job=housework.prune,
    cron_schedule="15 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Keeps the inbox small",
)

reconcile = dg.ScheduleDefinition(
    name="reconcile",
    job=housework.reconcile,
    cron_schedule="*/15 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Pulls sessions that lack parts after their end; does nothing without ROLECALL_ENGINE_KEY",
)

deliver = dg.ScheduleDefinition(
    name="deliver_statements",
    job=jobs.deliver,
    cron_schedule="20 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Delivers statements to every enabled LRS; does nothing without one",
)

read_crm = dg.ScheduleDefinition(
    name="read_crm",
    job=jobs.read_crm,
    cron_schedule="35 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Fetches from every enabled CRM and LMS; does nothing without one",
)

write_crm = dg.ScheduleDefinition(
    name="write_crm",
    job=jobs.write_crm,
    cron_schedule="5 5 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Writes readiness to every enabled CRM, once a day; does nothing without one",
)

write_lms = dg.ScheduleDefinition(
    name="write_lms",
    job=jobs.write_lms,
    cron_schedule="50 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Writes scores to every enabled LMS, every hour; does nothing without one",
)

report = dg.ScheduleDefinition(
    name="monthly_report",
    job=housework.report,
    cron_schedule="0 6 2 * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Writes the report of the month before for every tenant",
)

SCHEDULES = [prune, reconcile, deliver, read_crm, write_crm, write_lms, report]
