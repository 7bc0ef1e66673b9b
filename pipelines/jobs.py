"""Jobs: what is launched together by hand, by schedule, by sensor or by ``rolecall run``.

Under the daemon assets follow each other by their automation conditions; these jobs are for whoever asks.
"""

import dagster as dg

SESSIONS = dg.AssetSelection.groups("raw", "core").materializable()
MARTS = dg.AssetSelection.groups("marts").materializable()
EXPORTS = dg.AssetSelection.groups("exports").materializable()

days = dg.define_asset_job(
    "rebuild_days",
    selection=SESSIONS.without_checks(),
    description="Raw and core of a range of days, without checks: far-apart ranges are checked once, together.",
)
checks = dg.define_asset_job(
    "check_days",
    selection=SESSIONS - SESSIONS.without_checks(),
    description="The checks of raw and core over a range of days.",
)
marts = dg.define_asset_job("publish_marts", selection=MARTS, description="Marts, their checks and publishing.")
everything = dg.define_asset_job(
    "rebuild_everything",
    selection=SESSIONS | MARTS,
    description="Raw, core, marts, all checks and publishing of a range of days.",
)

statements = dg.define_asset_job(
    "issue_statements", selection=EXPORTS, description="xAPI statements of a range of days, with their checks."
)

JOBS = [days, checks, marts, everything, statements]
