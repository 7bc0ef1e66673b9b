"""raw/deliveries: accepted engine deliveries, drained from the durable inbox."""

from typing import TYPE_CHECKING

from assets.lake import Lake
from assets.raw.landing import Landing

if TYPE_CHECKING:
    from governance.state import State


def drain(lake: Lake, state: "State") -> Landing:
    """Move everything that waits in the inbox into the day files; rows of a session whose day moved follow it.

    Raises:
        LakeBusyError: another process writes the lake.
    """
    raise NotImplementedError
