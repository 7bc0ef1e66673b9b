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
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from governance.audit import chain
from governance.audit.chain import Event
from governance.batches import forget_names
from governance.names import engine_of
from governance.privacy.reach import TABLES, Subject, about
from governance.state import State
from governance.state.bulk import among, insert_missing
from governance.state.models import ErasedRow, ErasureRow

# Tables whose rows about the subject go; what becomes of the others stands in ``Erasures.remove``.
DELETED = (
    "launches", "session_days", "pulls", "media_probes", "source_people", "lms_identities", "claim_codes",
    "lms_results", "restrictions", "identities",
)  # fmt: skip
# Of deliveries, records of people go; those of statements stay until the statements are voided.
LEDGER = ("sync_records", "sync_intents", "sync_rejects")
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
        self, erasure_id: str, subject: Subject, *, by: str, at: datetime, asked: Mapping[str, int] | None = None
    ) -> dict[str, int]:
        """Delete rows about the subject; counts by table. The keys of deliveries stay, so that repeats stay repeats.

        ``asked`` are the other systems that were asked for deletion, with the number of records there.
        """
        with self.state.session() as session:
            connection = session.connection()
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("pragma secure_delete=on")
            ids = self._learner_ids(session, subject)
            self._unmanage(session, subject, ids)
            names = {*ids, *subject.sessions, *(engine_of(session_id)[1] for session_id in subject.sessions)}
            renamed = forget_names(session, names, RULE, by)
            counts = {
                name: connection.execute(delete(TABLES[name]).where(about(session, name, subject))).rowcount
                for name in DELETED
            }
            counts["ingest_batches"] = renamed
            counts |= {name: self._forget_delivered(session, name, subject) for name in LEDGER}
            counts["legal_holds"] = self._forget_holds(session, subject)
            counts["inbox"] = self._empty_inbox(session, subject)
            forgotten = self._unseal(session, subject)
            counts["audit_events"] = len(forgotten)
            facts = {"forgotten": forgotten, "asked": dict(asked or {})}
            chain.append(session, [Event("erasure", by, erasure_id, subject.tenant, facts=facts, at=at)])
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
        where = (about(session, "audit_events", subject), table.c.salt.is_not(None))
        numbers = list(connection.scalars(select(table.c.seq).where(*where).order_by(table.c.seq)))
        blank = dict.fromkeys(("actor", "object", "learner_key", "body", "salt"))
        connection.execute(update(table).where(*where).values(blank))
        return numbers

    def _learner_ids(self, session: Session, subject: Subject) -> list[str]:
        query = select(TABLES["identities"].c.learner_id).where(about(session, "identities", subject))
        return list(session.scalars(query))

    def _unmanage(self, session: Session, subject: Subject, ids: Sequence[str]) -> None:
        """Take the learners out where they are named as somebody's manager."""
        table = TABLES["identities"]
        managed = (table.c.tenant == subject.tenant, among(session, table.c.manager_id, ids))
        session.execute(update(table).where(*managed).values(manager_id=None))

    def _forget_delivered(self, session: Session, name: str, subject: Subject) -> int:
        """Delete what the ledger says of people; of their statements keep which target has them, and no words."""
        table, connection = TABLES[name], session.connection()
        of_people = (table.c.tenant == subject.tenant, among(session, table.c.key, subject.learners))
        gone = connection.execute(delete(table).where(*of_people)).rowcount
        stated = (table.c.tenant == subject.tenant, among(session, table.c.key, subject.statements))
        if name == "sync_intents":  # one that was refused never arrived
            gone += connection.execute(delete(table).where(*stated, table.c.state != "open")).rowcount
        if "source" in table.c:
            blank = {"source": RULE, "reason": RULE}
            gone += connection.execute(update(table).where(*stated).values(blank)).rowcount
        return gone

    def _forget_holds(self, session: Session, subject: Subject) -> int:
        """Delete holds on the learners; they have ended, or the learners would stay."""
        table = TABLES["legal_holds"]
        theirs = delete(table).where(about(session, table.name, subject), table.c.released_at.is_not(None))
        return session.connection().execute(theirs).rowcount

    def _empty_inbox(self, session: Session, subject: Subject) -> int:
        """Empty the bodies, and put a digest in the place of each session's id."""
        table, connection = TABLES["inbox"], session.connection()
        count = 0
        for session_id in subject.sessions:
            mine = (table.c.tenant == subject.tenant, table.c.session_id == session_id)
            blank = {"body": None, "session_id": anonymous(subject.tenant, session_id)}
            count += connection.execute(update(table).where(*mine).values(blank)).rowcount
        return count


def anonymous(tenant: str, session_id: str) -> str:
    """What stands in the place of an erased session's id where a row has to stay."""
    return f"{RULE}:{token(tenant, session_id)[:32]}"


def token(tenant: str, name: str) -> str:
    """The digest of a session id or learner key. Both are random or keyed, so that it cannot be guessed back."""
    return hashlib.sha256(b"erased" + orjson.dumps([tenant, name])).hexdigest()
