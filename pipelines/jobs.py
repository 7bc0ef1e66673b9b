"""Jobs: what is launched together by hand, by schedule or by sensor. Assets follow each other by themselves."""

import dagster as dg

LANDED = dg.AssetSelection.groups("raw")
EVERYTHING = dg.AssetSelection.all()

deliveries = dg.define_asset_job(
    "deliveries",
    selection=dg.AssetSelection.assets(["raw", "deliveries"]),
    description="Move what waits in the inbox into raw; core and marts follow by their automation conditions.",
)
everything = dg.define_asset_job(
    "everything",
    selection=EVERYTHING,
    description="Raw, core, marts, checks and publishing for a range of days: what `rolecall run` executes.",
)

JOBS = [deliveries, everything]
