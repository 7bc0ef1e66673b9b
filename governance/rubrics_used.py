"""Rubric versions are immutable once a score refers to them; their digests are remembered here."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from governance.state import State
from governance.state.bulk import insert_missing
from governance.state.locks import lock
from governance.state.models import RubricRow

TABLE = RubricRow.__table__.c


class RubricEdited(Exception):  # noqa: N818 - says what happened
    """A rubric version that scores refer to was edited; the message says how to go on."""


class RubricsUsed:
    """Digests of the rubric versions in use; keys are (rubric_id, rubric_version)."""

    def __init__(self, state: State) -> None:
        self.state = state

    def edited(self, digests: Mapping[tuple[str, str], str]) -> list[tuple[str, str]]:
        """Which of the given rubric versions differ from what was first used."""
        with self.state.reading() as session:
            return _edited(session, digests)

    def check(self, digests: Mapping[tuple[str, str], str]) -> None:
        """Refuse rubric versions that were edited after use.

        Raises:
            RubricEdited: With the first of them and the remedy.
        """
        with self.state.reading() as session:
            _refuse(_edited(session, digests))

    def use(self, digests: Mapping[tuple[str, str], str], at: datetime) -> None:
        """Remember rubric versions that scores now refer to.

        Raises:
            RubricEdited: One of them is in use with another text; nothing is remembered.
        """
        with self.state.session() as session:
            lock(session.connection(), "rubrics_used")
            _refuse(_edited(session, digests))
            rows = [
                {"rubric_id": rubric_id, "rubric_version": version, "digest": digest, "first_used_at": at}
                for (rubric_id, version), digest in sorted(digests.items())
            ]
            insert_missing(session, RubricRow, rows)


def _edited(session: Session, digests: Mapping[tuple[str, str], str]) -> list[tuple[str, str]]:
    query = select(TABLE.rubric_id, TABLE.rubric_version, TABLE.digest)
    stored = {(rubric_id, version): digest for rubric_id, version, digest in session.execute(query)}
    return sorted(key for key, digest in digests.items() if stored.get(key, digest) != digest)


def _refuse(edited: list[tuple[str, str]]) -> None:
    for rubric_id, version in edited:
        raise RubricEdited(
            f"rubric {rubric_id} version {version} was edited after scores had referred to it; restore its"
            " text and put the new text under a new version"
        )
