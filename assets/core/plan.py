"""Which days of core need rebuilding, decided from what they were built from. Pure."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING

from assets.lake import Lake

if TYPE_CHECKING:
    from governance.catalog import Catalog
    from governance.state import State


def stale_days(lake: Lake, state: "State", catalog: "Catalog", now: datetime) -> list[date]:
    """Days whose core was built from other raw files, launches, catalog or code, or that wait for a time-out."""
    raise NotImplementedError


def outdated(wanted: Mapping[date, str], built: Mapping[date, str]) -> list[date]:
    """Days whose fingerprint differs from the one they were built with, and days built from what is gone."""
    return sorted(day for day in wanted.keys() | built.keys() if wanted.get(day) != built.get(day))
