"""Published people and their accounts at a CRM, ready to be written back."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
from support.published import build_published

from assets.exports.writeback import Desk, Written
from governance.catalog import Catalog
from governance.identities import Identities
from governance.settings import PROJECT
from governance.state import State
from governance.state.bulk import upsert
from governance.state.models import IdentityRow
from integrations.crm.config import CrmConnector
from integrations.sync.ledger import Ledger

WRITE = {
    "object": "company.employee",
    "key": "id",
    "match": "account",
    "fields": {
        "readiness.discovery": "roleplay_discovery",
        "last_certified_on": "roleplay_certified_on",
        "last_certification": "roleplay_certification",
        "next_practice_due": "roleplay_due",
        "provenance": "roleplay_source",
    },
}
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


class Practice:
    """A published tenant, whose learners are known by learner key and account."""

    def __init__(self, folder: Path, state: State, learners: int, sessions: int) -> None:
        self.marts, self.state = folder / "marts", state
        self.identities = Identities(state, b"s" * 32)
        self.desk = Desk(self.marts, Catalog.load(PROJECT / "config"), Ledger(state), self.identities)
        build_published(self.marts, learners=learners, sessions=sessions)

    def learners(self) -> list[str]:
        """Learner keys with a score."""
        with duckdb.connect(str((self.marts / "acme" / "current").resolve()), read_only=True) as con:
            return [
                key for (key,) in con.sql("select distinct learner_key from learner_progress order by 1").fetchall()
            ]

    def know(self, accounts: dict[str, str], connector: str = "tryton") -> None:
        """Put learner keys into the identity store with their accounts."""
        blank = dict.fromkeys(IdentityRow.__table__.c.keys())
        rows = [
            {**blank, "tenant": "acme", "learner_key": key, "learner_id": key, "accounts": {connector: account},
             "in_directory": True}
            for key, account in accounts.items()
        ]  # fmt: skip
        with self.state.session() as session:
            upsert(session, IdentityRow, rows)

    def write(self, connector: CrmConnector) -> Written:
        """One sync."""
        return self.desk.write(connector, lambda: datetime.now(UTC))
