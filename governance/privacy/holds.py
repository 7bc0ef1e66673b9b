"""Legal holds: while one stands, nothing that it covers is erased, whoever asks."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import polars as pl
from sqlalchemy import insert, select, update

from governance.audit import chain
from governance.audit.chain import Event
from governance.names import storable
from governance.state import State
from governance.state.models import LegalHoldRow

HOLD = LegalHoldRow.__table__.c
FRAME = {
    "hold_id": pl.String,
    "tenant": pl.String,
    "learner_key": pl.String,
    "scenario_id": pl.String,
    "reason": pl.String,
    "placed_by": pl.String,
    "placed_at": pl.Datetime("us", "UTC"),
    "released_by": pl.String,
    "released_at": pl.Datetime("us", "UTC"),
}


class HoldError(ValueError):
    """A hold that cannot be placed or released; the text says why."""


@dataclass(frozen=True, slots=True)
class Hold:
    """What a standing hold covers; None stands for any."""

    hold_id: str
    learner_key: str | None
    scenario_id: str | None
    reason: str

    def covers(self, learner_key: str | None, scenario_id: str | None) -> bool:
        """Whether a session is under this hold."""
        return self.learner_key in (None, learner_key) and self.scenario_id in (None, scenario_id)


def reasons_for(holds: Iterable[Hold], learner_key: str | None, scenario_id: str | None) -> list[str]:
    """Why a session stays: the reasons of the standing holds that cover it, none where none does."""
    return [hold.reason for hold in holds if hold.covers(learner_key, scenario_id)]


class Holds:
    """The holds of one installation."""

    def __init__(self, state: State) -> None:
        self.state = state

    def place(
        self, tenant: str, learner_key: str | None, scenario_id: str | None, *, reason: str, by: str, at: datetime
    ) -> str:
        """Put a hold on a learner, a scenario or both, and return its id.

        Raises:
            HoldError: it would cover everything, or has no reason.
        """
        if learner_key is None and scenario_id is None:
            raise HoldError("name a learner, a scenario or both: a hold on everything would stop all retention")
        if not reason.strip():
            raise HoldError("a hold needs a reason, such as the number of the case")
        hold_id = f"hold_{secrets.token_hex(8)}"
        row = {
            "hold_id": hold_id,
            "tenant": tenant,
            "learner_key": learner_key,
            "scenario_id": scenario_id,
            "reason": storable(reason.strip()),
            "placed_by": by,
            "placed_at": at,
        }
        with self.state.session() as session:
            session.execute(insert(LegalHoldRow), [row])
            facts = {"placed": True, "reason": row["reason"], "scenario_id": scenario_id}
            chain.append(session, [Event("hold", by, hold_id, tenant, learner_key, facts, at=at)])
        return hold_id

    def release(self, tenant: str, hold_id: str, *, by: str, at: datetime) -> None:
        """End a hold; it stays on record.

        Raises:
            HoldError: there is no such hold, or it has ended already.
        """
        query = update(LegalHoldRow).where(HOLD.tenant == tenant, HOLD.hold_id == hold_id, HOLD.released_at.is_(None))
        with self.state.session() as session:
            ended = session.execute(query.values(released_by=by, released_at=at).returning(HOLD.hold_id)).all()
            if ended:
                chain.append(session, [Event("hold", by, hold_id, tenant, facts={"placed": False}, at=at)])
        if not ended:
            raise HoldError(f"there is no standing hold {hold_id}; `rolecall privacy holds` lists them")

    def standing(self, tenant: str) -> list[Hold]:
        """Holds that have not been released, oldest first."""
        query = (
            select(HOLD.hold_id, HOLD.learner_key, HOLD.scenario_id, HOLD.reason)
            .where(HOLD.tenant == tenant, HOLD.released_at.is_(None))
            .order_by(HOLD.placed_at, HOLD.hold_id)
        )
        with self.state.reading() as session:
            return [Hold(*row) for row in session.execute(query)]

    def frame(self, tenant: str) -> pl.DataFrame:
        """One row per hold, standing or released, newest first."""
        query = select(*(HOLD[name] for name in FRAME)).where(HOLD.tenant == tenant)
        with self.state.reading() as session:
            rows = session.execute(query.order_by(HOLD.placed_at.desc(), HOLD.hold_id)).all()
        return pl.DataFrame(rows, schema=FRAME, orient="row")
