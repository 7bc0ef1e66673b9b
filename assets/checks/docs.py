"""Data Docs of an installation: the newest day of the lake's tables and the marts as they would be published.

``python -m assets.checks.docs`` writes them below the home's exports.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from assets.checks import suites
from assets.checks.verdicts import lake_source, mart_source, working_files
from assets.contracts import CORE, MARTS, OVERVIEWS, QUARANTINES, RAW, Table
from assets.duck import connect
from assets.lake import Lake
from assets.marts.tenants import tenants
from governance.settings import Settings

FOLDER = "data-docs"


def write(settings: Settings) -> Path:
    """Validate and write the site below ``<home>/exports/data-docs``; returns its first page."""
    return suites.build_data_docs(frames(settings), settings.exports / FOLDER)


def frames(settings: Settings) -> Iterator[tuple[Table, pd.DataFrame]]:
    """What the docs look at: per lake table its newest day, per mart every row; tables without rows are left out."""
    lake, con = Lake(settings.lake), connect()
    for table in (*RAW, *(table for table in CORE if table not in QUARANTINES)):
        source = lake_source(lake, table, lake.days(table.path)[-1:])
        if source is not None:
            yield table, suites.frame_of(con, table, source)
    con.close()
    with working_files(settings, tenants(lake, settings.marts)) as (marts, attached):
        for table in (*MARTS, *OVERVIEWS):
            source = mart_source(table, attached)
            if source is not None:
                yield table, suites.frame_of(marts, table, source)


if __name__ == "__main__":
    sys.stdout.write(f"{write(Settings())}\n")
