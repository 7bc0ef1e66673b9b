"""How the marts split learners into groups, in words, and the filter that picks a split."""

from typing import Literal

import polars as pl
import streamlit as st

from dashboards import shell
from dashboards.mart_queries import values
from dashboards.names import humanise
from dashboards.shell import Page

Dimension = Literal["region", "role", "started", "language"]
DIMENSIONS = {
    "region": "Region",
    "role": "Role",
    "started": "Month of the first scored session",
    "language": "Language",
}
NONE = {"unknown": "unknown", "": "unknown"}


def group_name(page: Page, dimension: str, code: str) -> str:
    """A group as people call it."""
    if dimension == "region":
        return page.names.region(code)
    if dimension == "role":
        return humanise(NONE.get(code, code))
    return NONE.get(code, code)


def split_filter(page: Page, mart: str) -> str:
    """By what to compare, of the splits that the mart holds; kept in the address."""
    held = ["region", *(name for name in values(page.edition, mart, "dimension") if name != "all")]
    return shell.choice("Compare by", held, "by", lambda code: DIMENSIONS.get(code, humanise(code)))


def groups(page: Page, frame: pl.DataFrame, dimension: str, region: str) -> pl.DataFrame:
    """The rows of one split, the group in ``group``: regions are rows of the total, other splits lie in a region."""
    if frame.is_empty():
        return frame.with_columns(group=pl.lit(None, pl.String)) if "group" not in frame.columns else frame
    if dimension == "region":
        rows = frame.filter((pl.col("dimension") == "all") & (pl.col("region") != "*"))
        rows = rows.filter(pl.col("region").is_in(shell.regions(page, rows["region"].unique().to_list())))
        return rows.with_columns(group="region")
    return frame.filter((pl.col("dimension") == dimension) & (pl.col("region") == region)).with_columns(group="cohort")


def region_for(page: Page, dimension: str) -> str:
    """The region in which groups are compared; regions themselves are compared over all."""
    if dimension == "region":
        st.query_params.pop("region", None)
        return "*"
    return shell.region_filter(page)
