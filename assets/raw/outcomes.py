"""raw/outcomes: outcome rows from files, merged into the days they occurred."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from assets.lake import Lake
from assets.raw.landing import Landing

if TYPE_CHECKING:
    from governance.identities import Identities
    from governance.state import State


def land(
    paths: Sequence[Path],
    *,
    lake: Lake,
    state: "State",
    identities: "Identities",
    received_at: datetime,
    tenant: str | None = None,
    tenants: Sequence[str] | None = None,
) -> list[Landing]:
    """Land outcome files (CSV, JSON lines or Parquet), one report a file; ``tenant`` fills where a row names none."""
    raise NotImplementedError
