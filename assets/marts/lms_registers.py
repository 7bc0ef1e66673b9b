"""What the comparison with LMSs needs beside core: what each activity holds, whom nobody knows, what was released."""

from pathlib import Path

import polars as pl

from assets.contracts.lms import LMS_ISSUED
from assets.core import reported
from assets.lake import Lake
from assets.marts.tables import LMS_ACTIVITIES
from governance.lms_results import LmsResults
from governance.state import State
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


def issued(state: State) -> pl.DataFrame:
    """Every result that the results service released, with the columns of ``lms_issued``."""
    rows = [tuple(getattr(each, name) for name in LMS_ISSUED.column_names) for each in LmsResults(state).released()]
    schema = dict.fromkeys(LMS_ISSUED.column_names, pl.String)
    schema |= {"scaled": pl.Float64, "issued_at": pl.Datetime("us", "UTC")}
    return pl.DataFrame(rows, schema=schema, orient="row")
