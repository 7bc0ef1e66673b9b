"""The one code location: load, bind, automate; nothing else.

Assets and checks are found below ``assets/`` without registration. Nothing is read from the environment until Dagster
calls ``defs``.
"""

from collections.abc import Mapping
from datetime import timedelta

import dagster as dg

import assets
from governance.settings import Settings
from pipelines import alerts, environment, housework, jobs, schedules, sensors

FRESH = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=50), warn_window=timedelta(hours=26))


@dg.definitions
def defs() -> dg.Definitions:
    """Everything Dagster shows and runs."""
    environment.quiet()
    return build(environment.prepare())


def build(settings: Settings, loggers: Mapping[str, dg.LoggerDefinition] | None = None) -> dg.Definitions:
    """The definitions over the given settings; tests and ``rolecall run`` build their own."""
    loaded = dg.Definitions(
        assets=dg.load_assets_from_package_module(assets),
        asset_checks=dg.load_asset_checks_from_package_module(assets),
        jobs=[*jobs.JOBS, *housework.JOBS],
        schedules=schedules.SCHEDULES,
        sensors=[*sensors.AUTOMATION, *sensors.SENSORS, *alerts.SENSORS],
        resources=environment.resources(settings),
        loggers=dict(loggers or {}) or None,
    )
    return loaded.map_asset_specs(func=lambda spec: dg.apply_freshness_policy(spec, FRESH, overwrite_existing=False))
