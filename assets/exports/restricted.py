"""Who is frozen (GDPR Article 18), and which sessions are theirs: what leaves for other systems leaves these out.

Nothing is withdrawn that others have already: a restriction stops what would come next, and a voiding still goes out.
"""

from collections.abc import Collection

import polars as pl

from assets.lake import Lake
from governance.privacy.restrictions import Restrictions
from governance.state import State


def without_people(frame: pl.DataFrame, state: State, column: str = "learner_key") -> pl.DataFrame:
    """Rows of people who are not frozen; ``column`` holds learner keys, which no two tenants share."""
    frozen = Restrictions(state).standing()
    return frame.filter(~pl.col(column).is_in(list(frozen))) if frozen else frame


def without_sessions(statements: pl.DataFrame, lake: Lake, state: State) -> pl.DataFrame:
    """Statements about sessions of people who are not frozen, and every voiding."""
    frozen = Restrictions(state).standing()
    if not frozen:
        return statements
    theirs = sessions_of(lake, frozen)
    return statements.filter(pl.col("voids").is_not_null() | ~pl.col("session_id").is_in(theirs.implode()))


def sessions_of(lake: Lake, learners: Collection[str]) -> pl.Series:
    """Ids of these learners' sessions, as core knows them: statements are made of core alone."""
    files = lake.files("core/sessions")
    if not files:
        return pl.Series("session_id", dtype=pl.String)
    rows = pl.scan_parquet(files, hive_partitioning=False).filter(pl.col("learner_key").is_in(list(learners)))
    return rows.select("session_id").collect()["session_id"]
