"""Published people and their accounts at a CRM, ready to be written back."""

import random
import shutil
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from support import killing, sqlite
from support.crm import CrmHome
from support.published import build_published
from support.writer import desk

from assets.exports.writeback import Written
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
    """A published tenant, whose learners are known by learner key and account; ``published`` is one built before."""

    def __init__(self, folder: Path, state: State, learners: int, sessions: int, published: Path | None = None) -> None:
        self.marts, self.state = folder / "marts", state
        self.desk = desk(self.marts, state)
        if published is None:
            build_published(self.marts, learners=learners, sessions=sessions)
        else:
            shutil.copytree(published, self.marts, symlinks=True)

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


class Table:
    """People in a SQLite table that counts how often each row is written; its connector is ``people``."""

    FIELDS = ("discovery", "certified_on", "certification", "due", "source")

    def __init__(self, folder: Path, learners: int, published: Path | None = None) -> None:
        self.path, self.home = folder / "people.db", CrmHome(folder / "home")
        self.practice = Practice(self.home.folder, self.home.state, learners, learners * 8, published)
        keys = self.practice.learners()
        self.accounts = {key: str(number) for number, key in enumerate(keys, 1)}
        self.practice.know(self.accounts, "people")
        with sqlite.opened(self.path) as con:
            con.execute("pragma journal_mode = wal")
            columns = ", ".join(f"{name} text" for name in self.FIELDS)
            con.execute(f"create table people (id integer primary key, {columns}, writes integer not null default 0)")
            con.execute("create trigger counted after update of source on people begin"
                        " update people set writes = writes + 1 where id = new.id; end")  # fmt: skip
            con.executemany("insert into people (id) values (?)", [(number,) for number in self.accounts.values()])
        fields = dict(zip(WRITE["fields"], self.FIELDS, strict=True))
        write = {"object": "people", "fields": fields, "options": {}}
        self.connector = self.home.write("people", {"system": "sql", "url": f"sqlite:///{self.path}", "write": write})

    def killed(self, kills: int, draw: random.Random) -> int:
        """Write back in processes that are killed at random steps, then in one that may end; how many were killed.

        The batches are so small that the work outlives the kills.
        """
        size = max(1, len(self.accounts) // (kills * 8))
        words = ["support.writer", str(self.home.folder), str(self.home.config), "people", str(size)]
        return killing.repeatedly(lambda *moment: killing.run(words, {}, *moment), kills, draw)

    def differences(self) -> list[str]:
        """Where the table, the ledger and what was wanted differ; empty where each person was written once."""
        planned = self.practice.desk.plan(self.connector, NOW)
        wanted = {row["address"]: row["source"] for row in planned.wanted.iter_rows(named=True)}
        with sqlite.opened(self.path) as con:
            held = con.execute("select cast(id as text), source, writes from people").fetchall()
        lost = sum(wanted.get(account) != source for account, source, _ in held)
        twice = sum(writes > 1 for *_, writes in held)
        due, open_ = planned.plan.due.height, Ledger(self.home.state).intents("people/people").height
        told = {"lost": lost, "written twice": twice, "still due": due, "unacknowledged": open_}
        return [f"{count} {what}" for what, count in told.items() if count]
