"""A write-back to a table as a process that may be killed at a counted step of the ledger (``support.killing``).

python -m support.writer HOME CONFIG CONNECTOR BATCH
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

from support import killing

from assets.exports.writeback import Desk
from governance.catalog import Catalog
from governance.identities import Identities
from governance.settings import PROJECT
from governance.state import State
from integrations.crm.config import load
from integrations.crm.sql import SqlSink
from integrations.sync.base import Limits
from integrations.sync.ledger import Ledger


def desk(marts: Path, state: State) -> Desk:
    """Where published people are written back from."""
    return Desk(marts, Catalog.load(PROJECT / "config"), Ledger(state), Identities(state, b"s" * 32))


def main(home: Path, config: Path, connector: str, batch: int) -> None:
    """Write back in batches of that size, a word to the parent at each step."""

    def limits(self: SqlSink) -> Limits:
        return Limits(batch_count=batch)

    SqlSink.limits = limits
    opened = State.open(f"sqlite:///{home / 'state.db'}")
    desk(home / "marts", opened).write(load(config, connector), lambda: datetime.now(UTC), killing.step)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
