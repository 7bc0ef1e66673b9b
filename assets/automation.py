"""When assets ask to be built. Conditions only; sensors and schedules stand in ``pipelines``."""

import dagster as dg

FOLLOW_ANY_DAY = (
    dg.AutomationCondition.eager()
    .without(~dg.AutomationCondition.any_deps_missing())  # a tenant may have no session on a day
    .without(dg.AutomationCondition.in_latest_time_window())  # scores are revised days later
    .with_label("follow_any_day")
)
"""Plain ``eager`` never fires while one upstream day is missing, and ignores late data for old days (both measured)."""
