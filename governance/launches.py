"""The launch registry: which learner, scenario and jurisdiction a session belongs to.

The engine carries none of this. A later registration of the same session replaces the earlier one; one
that was received earlier but arrives later changes nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any

import polars as pl
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from sqlalchemy import ColumnElement, Select, and_, bindparam, func, select
from sqlalchemy.orm import Session

from governance.identities import Identities, known_keys, register
from governance.names import PRINTABLE, Name, Tenant, session_id
from governance.privacy.erasure import Erasures
from governance.recorded import Recorded
from governance.state import State
from governance.state.bulk import among, among_named, packed, upsert
from governance.state.locks import lock
from governance.state.models import IdentityRow, LaunchRow

Blank = BeforeValidator(lambda value: None if value == "" else value)
Words = Annotated[
    Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=PRINTABLE)] | None, Blank
]
Engine = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,40}$")]

LAUNCH = LaunchRow.__table__.c
PERSON = IdentityRow.__table__.c
FRAME = {
    "tenant": pl.String,
    "session_id": pl.String,
    "learner_key": pl.String,
    "scenario_id": pl.String,
    "scenario_version": pl.String,
    "attempt": pl.Int32,
    "assigned": pl.Boolean,
    "region": pl.String,
    "jurisdiction": pl.String,
    "language": pl.String,
    "notice_ref": pl.String,
    "launched_at": pl.Datetime("us", "UTC"),
}


def _jurisdiction() -> ColumnElement[str | None]:
    return func.coalesce(LAUNCH.jurisdiction, PERSON.jurisdiction).label("jurisdiction")


def _joined(*columns: ColumnElement[Any]) -> Select[Any]:
    person = and_(PERSON.tenant == LAUNCH.tenant, PERSON.learner_key == LAUNCH.learner_key)
    return select(*columns).select_from(LaunchRow.__table__.outerjoin(IdentityRow.__table__, person))


# Made once: the gateway asks for every delivery.
OWNERS = select(LAUNCH.tenant).where(LAUNCH.session_id == bindparam("session"))
WHERE = _joined(_jurisdiction()).where(LAUNCH.tenant == bindparam("tenant"), LAUNCH.session_id == bindparam("session"))


class Launch(BaseModel):
    """One registration of a session before or after it ran.

    ``conversation_id`` is the engine's own id of the session. Every field but it and the tenant may be absent or
    null; a time without an offset is refused.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    tenant: Tenant
    conversation_id: Name
    engine: Engine = "cvi"
    learner_id: Annotated[Name | None, Blank] = None
    scenario_id: Words = None
    scenario_version: Words = None
    attempt: Annotated[Annotated[int, Field(ge=1, le=100_000)] | None, Blank] = None
    assigned: Annotated[bool | None, Blank] = None
    region: Words = None
    jurisdiction: Words = None
    language: Words = None
    notice_ref: Words = None
    launched_at: Annotated[AwareDatetime | None, Blank] = None

    @property
    def session_id(self) -> str:
        """``engine:conversation_id``."""
        return session_id(self.engine, self.conversation_id)


class Launches:
    """The registry of one installation."""

    def __init__(self, state: State, identities: Identities) -> None:
        self.state = state
        self.identities = identities
        self._erasures = Erasures(state)
        self._places = _joined(LAUNCH.session_id, _jurisdiction()).where(
            LAUNCH.tenant == bindparam("tenant"),
            among_named(state.dialect, LAUNCH.session_id, bindparam("sessions")),
        )

    def record(self, launches: Iterable[Launch], received_at: datetime) -> Recorded:
        """Register launches in order; the one received last stands for its session.

        Those of erased sessions stay out: they would bring the learner's id back.
        """
        given = list(launches)
        erased = self._erasures.blocked({(launch.tenant, launch.session_id) for launch in given})
        wanted = [launch for launch in given if (launch.tenant, launch.session_id) not in erased]
        with self.state.session() as session:
            lock(session.connection(), "launches")
            keys = self._keys(session, wanted)
            change = (session.scalar(select(func.max(LAUNCH.change))) or 0) + 1
            rows = self._stored(session, wanted)
            tally = {"new": 0, "changed": 0, "same": 0}
            touched: dict[tuple[str, str], dict[str, Any]] = {}
            for launch in wanted:
                place = (launch.tenant, launch.session_id)
                before = rows.get(place)
                after = _row(launch, keys, received_at, change)
                verdict = _change(before, after)
                tally[verdict] += 1
                if verdict != "same":
                    rows[place] = touched[place] = after
            upsert(session, LaunchRow, list(touched.values()))
        return Recorded(**tally, erased=len(given) - len(wanted))

    def frame(
        self,
        tenant: str | None = None,
        session_ids: Sequence[str] | None = None,
        since_change: int | None = None,
    ) -> pl.DataFrame:
        """Launches with the jurisdiction that applies: the launch's own, else the directory's.

        Args:
            tenant: Only this tenant's.
            session_ids: Only these sessions'.
            since_change: Only those that changed after this ``last_change()``.
        """
        query = _joined(*(LAUNCH[name] for name in FRAME if name != "jurisdiction"), _jurisdiction()).order_by(
            LAUNCH.tenant, LAUNCH.session_id
        )
        if tenant is not None:
            query = query.where(LAUNCH.tenant == tenant)
        if since_change is not None:
            query = query.where(LAUNCH.change > since_change)
        with self.state.reading() as session:
            if session_ids is not None:
                query = query.where(among(session, LAUNCH.session_id, session_ids))
            rows = session.execute(query).all()
        order = [name for name in FRAME if name != "jurisdiction"] + ["jurisdiction"]
        frame = pl.DataFrame(rows, schema={name: FRAME[name] for name in order}, orient="row")
        return frame.select(*FRAME)

    def last_change(self) -> int:
        """The number of the newest registration that altered something; 0 before the first."""
        with self.state.reading() as session:
            return session.scalar(select(func.max(LAUNCH.change))) or 0

    def jurisdiction(self, tenant: str, session_id: str) -> str | None:
        """Where the session's learner works; None where no launch says so."""
        with self.state.connection() as connection:
            stated: str | None = connection.scalar(WHERE, {"tenant": tenant, "session": session_id})
            return stated

    def jurisdictions(self, tenant: str, session_ids: Iterable[str]) -> dict[str, str]:
        """Jurisdiction of each session that has one."""
        values = {"tenant": tenant, "sessions": packed(self.state.dialect, session_ids)}
        with self.state.connection() as connection:
            rows = connection.execute(self._places, values).all()
        return {row.session_id: row.jurisdiction for row in rows if row.jurisdiction is not None}

    def tenant_of(self, session_id: str) -> str | None:
        """The one tenant that registered the session; None where none did, or more than one."""
        with self.state.connection() as connection:
            tenants = connection.scalars(OWNERS, {"session": session_id}).all()
        return tenants[0] if len(tenants) == 1 else None

    def _keys(self, session: Session, launches: Sequence[Launch]) -> dict[tuple[str, str], str]:
        """Learner keys by (tenant, learner id), registered in the same transaction as their launches."""
        ids: dict[str, dict[str, str]] = {}
        for launch in launches:
            if launch.learner_id is not None:
                by_id = ids.setdefault(launch.tenant, {})
                if launch.learner_id not in by_id:
                    by_id[launch.learner_id] = self.identities.key(launch.tenant, launch.learner_id)
        for tenant, keys in ids.items():
            known = known_keys(session, tenant, keys.values())
            register(session, tenant, {id_: key for id_, key in keys.items() if key not in known})
        return {(tenant, id_): key for tenant, keys in ids.items() for id_, key in keys.items()}

    def _stored(self, session: Session, launches: Sequence[Launch]) -> dict[tuple[str, str], dict[str, Any]]:
        by_tenant: dict[str, list[str]] = {}
        for launch in launches:
            by_tenant.setdefault(launch.tenant, []).append(launch.session_id)
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for tenant, ids in by_tenant.items():
            query = select(*LAUNCH).where(LAUNCH.tenant == tenant, among(session, LAUNCH.session_id, ids))
            found |= {(row.tenant, row.session_id): dict(row._mapping) for row in session.execute(query)}
        return found


def _row(launch: Launch, keys: dict[tuple[str, str], str], received_at: datetime, change: int) -> dict[str, Any]:
    said = launch.model_dump(exclude={"conversation_id", "engine", "learner_id"})
    return said | {
        "session_id": launch.session_id,
        "learner_key": None if launch.learner_id is None else keys[(launch.tenant, launch.learner_id)],
        "launched_at": launch.launched_at or received_at,
        "received_at": received_at,
        "change": change,
    }


def _change(before: dict[str, Any] | None, after: dict[str, Any]) -> str:
    """``same`` also where the stored registration was received later.

    A launch without a time of its own keeps the time of its first registration.
    """
    if before is None:
        return "new"
    if before["received_at"] > after["received_at"]:
        return "same"
    if after["launched_at"] == after["received_at"]:
        after["launched_at"] = before["launched_at"]
    ignored = ("received_at", "change")
    alike = all(before[name] == value for name, value in after.items() if name not in ignored)
    return "same" if alike else "changed"
