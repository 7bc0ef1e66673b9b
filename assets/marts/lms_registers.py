"""What the comparison with LMSs needs beside core: which activity holds which scenario, and whom nobody knows."""

from pathlib import Path

import polars as pl

from assets.core import reported
from assets.lake import Lake
from assets.marts.tables import LMS_ACTIVITIES
from integrations.lms.config import connectors


def activities(config: Path) -> pl.DataFrame:
    """One row per activity of an LMS that a connector's file names, with its scenario; switched on or not."""
    rows = [
        (connector.tenant, connector.name, activity, scenario)
        for connector in connectors(config)
        for activity, scenario in sorted(connector.scenarios.items())
    ]
    return pl.DataFrame(rows, schema=LMS_ACTIVITIES, orient="row")


def unmatched(lake: Lake, config: Path) -> pl.DataFrame:
    """People of LMSs whom no learner matches, with the columns of ``lms_unmatched``."""
    named = [connector.name for connector in connectors(config)]
    found = reported.unmatched(lake).filter(pl.col("connector").is_in(named))
    return found.with_columns(person=pl.col("token").fill_null("nobody")).drop("token")
