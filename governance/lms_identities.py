"""Who an LMS's learner id belongs to, destination by destination, and the personal codes that prove it once.

SCORM says nothing about what an LMS hands over: a user name, a number, an id per course. So each destination has a map
of its own. A personal code proves who typed it and stays with the first id that used it; a code is kept as a digest.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from governance.identities import Identities
from governance.names import Name, storable
from governance.recorded import Recorded
from governance.state import State
from governance.state.bulk import upsert
from governance.state.locks import lock
from governance.state.models import ClaimCodeRow, LmsIdentityRow

MAP = LmsIdentityRow.__table__.c
CODE = ClaimCodeRow.__table__.c
Claim = Literal["bound", "unknown_code", "code_ended", "code_of_another", "id_of_another"]


class MapEntry(BaseModel):
    """One line of an identity map: the id in the LMS and the learner it belongs to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    external_id: Annotated[Name, BeforeValidator(lambda value: str(value) if isinstance(value, int) else value)]
    learner_id: Name


@dataclass(frozen=True)
class Binding:
    """The learner behind an id, and how often the id has changed hands."""

    tenant: str
    learner_key: str
    number: int
    source: str


class LmsIdentities:
    """The maps of one installation."""

    def __init__(self, state: State, identities: Identities) -> None:
        self.state = state
        self.identities = identities

    def record(
        self, destination: str, tenant: str, scheme: str, entries: Iterable[MapEntry], now: datetime
    ) -> Recorded:
        """Take in a map; an id that belongs to somebody else from now on gets a new binding, ending old tokens."""
        wanted = {storable(entry.external_id): entry.learner_id for entry in entries}
        keys = self.identities.keys(tenant, wanted.values())
        tally = {"new": 0, "changed": 0, "same": 0}
        with self.state.session() as session:
            lock(session.connection(), "lms_identities")
            for external_id, learner_id in wanted.items():
                place = (destination, scheme, external_id)
                tally[_bind(session, place, tenant, keys[learner_id], "map", now)] += 1
        return Recorded(**tally)

    def find(self, destination: str, scheme: str, external_id: str) -> Binding | None:
        """Whose id it is now; None where nobody's."""
        query = select(MAP.tenant, MAP.learner_key, MAP.binding, MAP.source).where(
            MAP.destination == destination,
            MAP.scheme == scheme,
            MAP.external_id == storable(external_id),
            MAP.valid_to.is_(None),
        )
        with self.state.connection() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Binding(*row)

    def release(self, destination: str, scheme: str, external_id: str, now: datetime) -> bool:
        """End a binding; the learner's tokens there open nothing any more. False where there was none."""
        query = update(LmsIdentityRow).where(
            MAP.destination == destination,
            MAP.scheme == scheme,
            MAP.external_id == storable(external_id),
            MAP.valid_to.is_(None),
        )
        with self.state.session() as session:
            done = session.execute(query.values(valid_to=now, binding=MAP.binding + 1).returning(MAP.binding))
            return len(done.all()) == 1

    def add_codes(
        self, destination: str, tenant: str, digests: dict[str, str], now: datetime, expires_at: datetime,
        external_id: str | None = None,
    ) -> None:  # fmt: skip
        """Keep the digest of a new code per learner id; a learner's earlier codes there end.

        With ``external_id`` no other id of the LMS can use the codes.
        """
        only = None if external_id is None else storable(external_id)
        keys = self.identities.keys(tenant, digests)
        with self.state.session() as session:
            earlier = update(ClaimCodeRow).where(
                CODE.destination == destination,
                CODE.tenant == tenant,
                CODE.learner_key.in_(list(keys.values())),
                CODE.revoked_at.is_(None),
            )
            session.execute(earlier.values(revoked_at=now))
            blank = {"destination": destination, "tenant": tenant, "issued_at": now, "expires_at": expires_at}
            rows = [
                {**blank, "digest": digest, "learner_key": keys[learner_id], "external_id": only, "revoked_at": None}
                for learner_id, digest in digests.items()
            ]
            upsert(session, ClaimCodeRow, rows)

    def claim(
        self, destination: str, scheme: str, external_id: str, digest: str, now: datetime
    ) -> tuple[Claim, Binding | None]:
        """Bind an id to the learner whose code was typed.

        Refused: a code that nobody has, whose time is over, or that another id used first; and an id that the map gives
        to somebody else.
        """
        external_id = storable(external_id)
        with self.state.session() as session:
            lock(session.connection(), "lms_identities")
            code = session.get(ClaimCodeRow, digest)
            if code is None or code.destination != destination:
                return "unknown_code", None
            if code.revoked_at is not None or code.expires_at <= now:
                return "code_ended", None
            if code.external_id not in (None, external_id):
                return "code_of_another", None
            standing = session.get(LmsIdentityRow, (destination, scheme, external_id))
            if standing is not None and standing.valid_to is None and standing.learner_key != code.learner_key:
                return "id_of_another", None
            code.external_id = external_id
            _bind(session, (destination, scheme, external_id), code.tenant, code.learner_key, "claim", now)
            session.flush()
            row = session.get_one(LmsIdentityRow, (destination, scheme, external_id))
            return "bound", Binding(row.tenant, row.learner_key, row.binding, row.source)


def _bind(
    session: Session, place: tuple[str, str, str], tenant: str, learner_key: str, source: str, now: datetime
) -> Literal["new", "changed", "same"]:
    row = session.get(LmsIdentityRow, place)
    if row is None:
        names = dict(zip(("destination", "scheme", "external_id"), place, strict=True))
        session.add(
            LmsIdentityRow(
                **names, tenant=tenant, learner_key=learner_key, binding=1, source=source,
                valid_from=now, valid_to=None,
            )
        )  # fmt: skip
        return "new"
    if row.valid_to is None and (row.tenant, row.learner_key) == (tenant, learner_key):
        return "same"
    row.tenant, row.learner_key, row.source = tenant, learner_key, source
    row.binding, row.valid_from, row.valid_to = row.binding + 1, now, None
    return "changed"
