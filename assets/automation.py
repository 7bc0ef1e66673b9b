"""When assets ask to be built. Conditions only; sensors and schedules stand in ``pipelines``."""

import dagster as dg

_ANY_DAY = (
    dg.AutomationCondition.eager()
    .without(~dg.AutomationCondition.any_deps_missing())  # a tenant may have no session on a day
    .without(dg.AutomationCondition.in_latest_time_window())  # scores are revised days later
)
"""Plain ``eager`` never fires while one upstream day is missing, and ignores late data for old days (both measured)."""

_CHECKED = dg.AutomationCondition.all_deps_match(
    # What is built in the same run is checked there, and a blocking check that fails ends that run.
    dg.AutomationCondition.will_be_requested()
    | dg.AutomationCondition.all_checks_match(dg.AutomationCondition.check_passed(), blocking_only=True)
)

FOLLOW_CHECKED_DAY = (_ANY_DAY & _CHECKED).with_label("follow_checked_day")
"""Any day that changed, once the blocking checks of all it is made of have passed: what failed them reaches nobody."""
