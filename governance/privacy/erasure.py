"""What the state database does to forget people: the record of the erasure, the blocks against a return, the removal.

The files of the lake are the business of ``assets.erasure``; both are led by ``pipelines.privacy``. A crash in between
leaves the record unfinished, and the same request again goes through everything once more.
"""

import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Table, delete, or_, select, update
from sqlalchemy.orm import Session

from governance.audit import chain
from governance.audit.chain import Event
from governance.privacy.reach import TABLES, Subject
from governance.state import State
from governance.state.bulk import among, insert_missing
from governance.state.models import ErasedRow, ErasureRow

OF_SESSIONS = ("launches", "session_days", "pulls")
OF_LEARNERS = ("sync_records", "sync_intents", "sync_rejects")  # of people's records; statements have keys of their own
ERASED = ErasedRow.__table__.c
RULE = "erased"
REASON = "the session was erased and may not come back; ask who sent it to delete it as well"
ERASURE = ErasureRow.__table__.c


class Erasures:
    """The erasures of one installation."""

    def __init__(self, state: State) -> None:
        self.state = state

    def begin(
        self, subject: Subject, decided: Sequence[Mapping[str, Any]], *, by: str, version: str, at: datetime
    ) -> str:
        """Record the decision and block what is about to go, in one transaction; returns the erasure's id."""
        erasure_id = f"erasure_{secrets.token_hex(8)}"
        row = {
            "erasure_id": erasure_id,
            "tenant": subject.tenant,
            "requested_by": by,
            "decided_at": at,
            "retention_version": version,
            "decided": [dict(each) for each in decided],
        }
        names = (*subject.learners, *subject.sessions, *subject.tokens)
        blocks = [{"token": token(subject.tenant, name), "erasure_id": erasure_id} for name in names]
        facts = {"sessions": len(subject.sessions), "learners": len(subject.learners), "decided": row["decided"]}
        with self.state.session() as session:
            session.add(ErasureRow(**row))
            insert_missing(session, ErasedRow, blocks)
            session.flush()
            chain.append(session, [Event("erasure", by, erasure_id, subject.tenant, facts=facts, at=at)])
        return erasure_id

    def delivered(self, subject: Subject) -> list[str]:
        """Records of people at other systems that hold what was written there about the learners."""
        table = TABLES["sync_records"]
        with self.state.reading() as session:
            query = select(table.c.target, table.c.remote_id).where(
                table.c.tenant == subject.tenant, among(session, table.c.key, subject.learners)
            )
            return sorted(f"{target}, record {remote_id}" for target, remote_id in session.execute(query))

    def blocked(self, names: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Which of these (tenant, session id or learner key) were erased and must not come back."""
        if not self.any():
            return set()
        tokens = {token(*name): name for name in names}
        with self.state.reading() as session:
            found = session.scalars(select(ERASED.token).where(among(session, ERASED.token, tokens)))
            return {tokens[each] for each in found}

    def any(self) -> bool:
        """Whether anything was ever erased: in most installations nobody has to look further."""
        with self.state.reading() as session:
            return session.scalar(select(ERASED.token).limit(1)) is not None

    def remove(
        self, erasure_id: str, subject: Subject, media: Iterable[str], *, by: str, at: datetime
    ) -> dict[str, int]:
        """Delete rows about the subject; counts by table. The keys of deliveries stay, so that repeats stay repeats."""
        with self.state.session() as session:
            connection = session.connection()
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("pragma secure_delete=on")

            def mine(table: Table) -> tuple[ColumnElement[bool], ...]:
                return table.c.tenant == subject.tenant, among(session, table.c.session_id, subject.sessions)

            counts = {
                name: connection.execute(delete(TABLES[name]).where(*mine(TABLES[name]))).rowcount
                for name in OF_SESSIONS
            }
            inbox, probes = TABLES["inbox"], TABLES["media_probes"]
            counts["inbox"] = connection.execute(update(inbox).where(*mine(inbox)).values(body=None)).rowcount
            gone = delete(probes).where(among(session, probes.c.uri, media))
            counts["media_probes"] = connection.execute(gone).rowcount
            named = TABLES["source_people"]
            mine_named = (named.c.tenant == subject.tenant, among(session, named.c.token, subject.tokens))
            counts["source_people"] = connection.execute(delete(named).where(*mine_named)).rowcount
            for table in (TABLES[name] for name in OF_LEARNERS):
                told = (table.c.tenant == subject.tenant, among(session, table.c.key, subject.learners))
                counts[table.name] = connection.execute(delete(table).where(*told)).rowcount
            counts["identities"] = self._forget(session, subject)
            forgotten = self._unseal(session, subject)
            counts["audit_events"] = len(forgotten)
            chain.append(
                session, [Event("erasure", by, erasure_id, subject.tenant, facts={"forgotten": forgotten}, at=at)]
            )
        return counts

    def finish(self, erasure_id: str, removed: Mapping[str, int], at: datetime) -> None:
        """Say that everything of an erasure is gone."""
        query = update(ErasureRow).where(ERASURE.erasure_id == erasure_id)
        with self.state.session() as session:
            session.execute(query.values(removed=dict(removed), finished_at=at))

    def compact(self) -> None:
        """Give deleted pages back, so that no deleted name lingers in the database's file or its log."""
        if self.state.dialect == "sqlite":
            self._raw("vacuum", "pragma wal_checkpoint(truncate)")
            return
        with self.state.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("vacuum")

    def _raw(self, *statements: str) -> None:
        """Statements that SQLite runs outside of a transaction alone, which SQLAlchemy would begin."""
        connection = self.state.engine.raw_connection()
        try:
            for statement in statements:
                connection.cursor().execute(statement)
        finally:
            connection.close()

    def _unseal(self, session: Session, subject: Subject) -> list[int]:
        """Empty what events of the chain say of the subject, and return their numbers.

        Their commitments stay, and with them every proof; verification asks that an erasure names the numbers.
        """
        table, connection = TABLES["audit_events"], session.connection()
        theirs = or_(
            among(session, table.c.learner_key, subject.learners), among(session, table.c.object, subject.sessions)
        )
        where = (table.c.tenant == subject.tenant, table.c.salt.is_not(None), theirs)
        numbers = list(connection.scalars(select(table.c.seq).where(*where).order_by(table.c.seq)))
        blank = dict.fromkeys(("actor", "object", "learner_key", "body", "salt"))
        connection.execute(update(table).where(*where).values(blank))
        return numbers

    def _forget(self, session: Session, subject: Subject) -> int:
        """Remove the learners from the identity store, also where they are named as somebody's manager."""
        table, connection = TABLES["identities"], session.connection()
        mine = (table.c.tenant == subject.tenant, among(session, table.c.learner_key, subject.learners))
        ids = list(connection.scalars(select(table.c.learner_id).where(*mine)))
        managed = (table.c.tenant == subject.tenant, among(session, table.c.manager_id, ids))
        connection.execute(update(table).where(*managed).values(manager_id=None))
        return connection.execute(delete(table).where(*mine)).rowcount


def token(tenant: str, name: str) -> str:
    """The digest of a session id or learner key. Both are random or keyed, so that it cannot be guessed back."""
    return hashlib.sha256(b"erased" + orjson.dumps([tenant, name])).hexdigest()
