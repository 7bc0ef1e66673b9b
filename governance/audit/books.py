"""Closing the books: seal what was written, then a signed root over everything."""

import logging

from governance.access.claims import operator_name
from governance.audit.roots import write_root
from governance.audit.seals import seal
from governance.audit.stamps import TimestampError
from governance.settings import Settings
from governance.state import State

LOG = logging.getLogger("rolecall.audit")


def close_the_books(settings: Settings, state: State) -> None:
    """Seal and sign; an authority that is away holds nothing up, the next root takes its stamp.

    Only for the holder of the lake's writer lock.
    """
    seal(settings, state, operator_name())
    try:
        write_root(settings, state)
    except TimestampError as error:
        LOG.warning("no audit root was written: %s", error)
