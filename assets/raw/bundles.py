"""raw/bundles: session bundles from files, gated and merged into the days their sessions started."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from assets.lake import Lake
from assets.raw.landing import Landing

if TYPE_CHECKING:
    from governance.gate import SignalPolicy
    from governance.identities import Identities
    from governance.state import State


def land(
    paths: Sequence[Path],
    *,
    lake: Lake,
    state: "State",
    identities: "Identities",
    policy: "SignalPolicy",
    received_at: datetime,
    tenant: str | None = None,
    tenants: Sequence[str] | None = None,
    progress: Callable[[Path, Landing], None] | None = None,
) -> list[Landing]:
    """Land bundle files (JSON lines or Parquet), one report a file.

    ``tenant`` fills where a bundle names none; a bundle that names another is refused, and so is one whose tenant is
    not in ``tenants`` (None: any). The same bundle again is counted as repeated and rewrites nothing.

    Raises:
        LakeBusyError: another process writes the lake.
        LandingError: a file cannot be read at all; says which and why.
    """
    raise NotImplementedError
