"""When assets ask to be built. Conditions only; sensors and schedules stand in ``pipelines``."""

import dagster as dg

FOLLOW_ANY_DAY = (
    dg.AutomationCondition.eager()
    .without(~dg.AutomationCondition.any_deps_missing())  # a tenant may have no session on a day
    .without(dg.AutomationCondition.in_latest_time_window())  # scores are revised days later
    .with_label("follow_any_day")
)
"""Plain ``eager`` never fires while one upstream day is missing, and ignores late data for old days (both measured)."""

FOLLOW_CHECKED_DAY = (FOLLOW_ANY_DAY & dg.AutomationCondition.all_deps_blocking_checks_passed()).with_label(
    "follow_checked_day"
)
"""The same, once the blocking checks of all that it is made of have passed: what failed them reaches no reader."""
