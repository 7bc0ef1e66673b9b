"""The one way in which assets are partitioned: UTC days. Nothing else belongs here."""

from datetime import date

import dagster as dg

from assets.lake import FIRST_DAY

WRITER_POOL = "lake_writer"  # one writer per home, see docs/decisions/0001

DAILY = dg.DailyPartitionsDefinition(start_date=FIRST_DAY.isoformat(), timezone="UTC", end_offset=2)
"""Days up to tomorrow: today has sessions before it ends, and an engine's clock may run a little ahead."""


def days_of(context: dg.AssetExecutionContext) -> list[date]:
    """The run's days, in order."""
    return sorted(date.fromisoformat(key) for key in context.partition_keys)
