"""The one code location: load, bind, automate; nothing else.

Assets and checks are found below ``assets/`` without registration. Nothing is read from the environment until Dagster
calls ``defs``.
"""

from datetime import timedelta

import dagster as dg

import assets
from pipelines import alerts, environment, jobs, schedules, sensors

FRESH = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=50), warn_window=timedelta(hours=26))


@dg.definitions
def defs() -> dg.Definitions:
    """Everything Dagster shows and runs."""
    environment.quiet()
    return build(environment.prepare())


def build(settings: environment.Settings) -> dg.Definitions:
    """The definitions over the given settings; tests build their own."""
    loaded = dg.Definitions(
        assets=dg.load_assets_from_package_module(assets),
        asset_checks=dg.load_asset_checks_from_package_module(assets),
        jobs=jobs.JOBS,
        schedules=schedules.SCHEDULES,
        sensors=[*sensors.AUTOMATION, *sensors.SENSORS, *alerts.SENSORS],
        resources=environment.resources(settings),
    )
    return loaded.map_asset_specs(func=lambda spec: dg.apply_freshness_policy(spec, FRESH, overwrite_existing=False))
