"""Jobs: what is launched together by hand, by schedule, by sensor or by ``rolecall run``.

Under the daemon assets follow each other by their automation conditions; these jobs are for whoever asks.
"""

import dagster as dg

SESSIONS = dg.AssetSelection.groups("raw", "core").materializable()
MARTS = dg.AssetSelection.groups("marts").materializable()

days = dg.define_asset_job("days", selection=SESSIONS, description="Raw and core of a range of days.")
marts = dg.define_asset_job("marts", selection=MARTS, description="Marts, their checks and publishing.")
everything = dg.define_asset_job(
    "everything",
    selection=SESSIONS | MARTS,
    description="Raw, core, marts, checks and publishing of a range of days: what `rolecall run` executes.",
)

JOBS = [days, marts, everything]
