"""Results that were released to LMSs, frozen with their signature.

A result is signed once: asked again, the same facts give the same bytes, so that what an LMS holds can be compared.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from governance.state import State
from governance.state.bulk import insert_missing
from governance.state.models import LmsResultRow

RESULT = LmsResultRow.__table__.c


@dataclass(frozen=True)
class Released:
    """One result as an LMS got it; ``signature`` is what ``suspend_data`` keeps of it."""

    result_id: str
    destination: str
    tenant: str
    learner_key: str
    external_id: str
    session_id: str
    scenario_id: str
    scaled: float
    status: str
    signature: str
    jws: str
    issued_at: datetime


class LmsResults:
    """What left for LMSs from one installation."""

    def __init__(self, state: State) -> None:
        self.state = state

    def freeze(self, result_id: str, make: Callable[[], Released]) -> Released:
        """The result of that id: the stored one, else the one that ``make`` signs, stored now."""
        query = select(*RESULT).where(RESULT.result_id == result_id)
        with self.state.connection() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            with self.state.session() as session:
                insert_missing(session, LmsResultRow, [vars(make())])
                row = session.execute(query).one()
        return Released(**row._mapping)

    def released(self, destination: str | None = None) -> list[Released]:
        """Every result that was released, oldest first."""
        query = select(*RESULT).order_by(RESULT.issued_at, RESULT.result_id)
        if destination is not None:
            query = query.where(RESULT.destination == destination)
        with self.state.reading() as session:
            return [Released(**row._mapping) for row in session.execute(query)]
