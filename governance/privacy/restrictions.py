"""Restriction of processing (GDPR Article 18): a frozen learner's data stays as it is and goes nowhere.

While a restriction stands, nothing about the learner is delivered or exported to other systems, and the end of
retention does not remove it. The learner's own request for erasure does.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime

import polars as pl
from sqlalchemy import insert, select, update

from governance.audit import chain
from governance.audit.chain import Event
from governance.names import storable
from governance.state import State
from governance.state.bulk import among
from governance.state.models import RestrictionRow

RESTRICTION = RestrictionRow.__table__.c
FRAME = {
    "restriction_id": pl.String,
    "tenant": pl.String,
    "learner_key": pl.String,
    "basis": pl.String,
    "placed_by": pl.String,
    "placed_at": pl.Datetime("us", "UTC"),
    "lifted_by": pl.String,
    "lifted_at": pl.Datetime("us", "UTC"),
}


class RestrictionError(ValueError):
    """A restriction that cannot be placed or lifted; the text says why."""


class Restrictions:
    """The restrictions of one installation."""

    def __init__(self, state: State) -> None:
        self.state = state

    def place(self, tenant: str, learners: Sequence[str], *, basis: str, by: str, at: datetime) -> list[str]:
        """Freeze learners by their keys, all or none; the ids of the restrictions.

        Raises:
            RestrictionError: there is no basis, or a learner is frozen already.
        """
        if not basis.strip():
            raise RestrictionError("a restriction needs a basis, such as: GDPR 18(1)(a), letter of 3 May")
        said = storable(basis.strip())
        rows = [
            {"restriction_id": f"restriction_{secrets.token_hex(8)}", "tenant": tenant, "learner_key": key,
             "basis": said, "placed_by": by, "placed_at": at}
            for key in learners
        ]  # fmt: skip
        facts = {"placed": True, "basis": said}
        with self.state.session() as session:
            query = select(RESTRICTION.learner_key).where(
                RESTRICTION.tenant == tenant, RESTRICTION.lifted_at.is_(None),
                among(session, RESTRICTION.learner_key, learners),
            )  # fmt: skip
            if session.scalars(query.limit(1)).first() is not None:
                raise RestrictionError("a learner is frozen already; `rolecall privacy frozen` lists who")
            session.execute(insert(RestrictionRow), rows)
            chain.append(session, [
                Event("restriction", by, row["restriction_id"], tenant, row["learner_key"], facts, at=at)
                for row in rows
            ])  # fmt: skip
        return [row["restriction_id"] for row in rows]

    def lift(self, tenant: str, learners: Sequence[str], *, basis: str, by: str, at: datetime) -> None:
        """Unfreeze learners, all or none; what stood stays on record.

        Raises:
            RestrictionError: there is no basis, or a learner is not frozen.
        """
        if not basis.strip():
            raise RestrictionError("say why it ends, such as: accuracy verified, the learner was told on 9 May")
        facts = {"placed": False, "basis": storable(basis.strip())}
        with self.state.session() as session:
            query = update(RestrictionRow).where(
                RESTRICTION.tenant == tenant, RESTRICTION.lifted_at.is_(None),
                among(session, RESTRICTION.learner_key, learners),
            )  # fmt: skip
            ended = session.execute(
                query.values(lifted_by=by, lifted_at=at).returning(RESTRICTION.restriction_id, RESTRICTION.learner_key)
            ).all()
            if len(ended) < len(set(learners)):
                raise RestrictionError("a learner is not frozen; `rolecall privacy frozen` lists who is")
            chain.append(session, [
                Event("restriction", by, restriction_id, tenant, key, facts, at=at) for restriction_id, key in ended
            ])  # fmt: skip

    def standing(self, tenant: str | None = None) -> dict[str, str]:
        """Basis of the standing restriction by learner key, of one tenant or of all."""
        query = select(RESTRICTION.learner_key, RESTRICTION.basis).where(RESTRICTION.lifted_at.is_(None))
        if tenant is not None:
            query = query.where(RESTRICTION.tenant == tenant)
        with self.state.reading() as session:
            return {row.learner_key: row.basis for row in session.execute(query)}

    def frame(self, tenant: str) -> pl.DataFrame:
        """One row per restriction, standing or lifted, newest first."""
        query = select(*(RESTRICTION[name] for name in FRAME)).where(RESTRICTION.tenant == tenant)
        with self.state.reading() as session:
            rows = session.execute(query.order_by(RESTRICTION.placed_at.desc(), RESTRICTION.restriction_id)).all()
        return pl.DataFrame(rows, schema=FRAME, orient="row")
