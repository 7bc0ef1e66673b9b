"""Values by which sources name people, kept beside the identity store so that unmatched owners can be shown."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import select

from governance.names import storable
from governance.state import State
from governance.state.bulk import among, insert_missing
from governance.state.models import SourcePersonRow

TABLE = SourcePersonRow.__table__.c


class SourcePeople:
    """The register of one installation."""

    def __init__(self, state: State) -> None:
        self.state = state

    def note(self, tenant: str, connector: str, named: Mapping[str, tuple[str, str]], at: datetime) -> None:
        """Remember values by their token: (match, value)."""
        rows = [
            {
                "tenant": tenant,
                "token": token,
                "connector": connector,
                "match": match,
                "value": storable(value),
                "seen_at": at,
            }
            for token, (match, value) in named.items()
        ]
        if rows:
            with self.state.session() as session:
                insert_missing(session, SourcePersonRow, rows)

    def values(self, tenant: str, tokens: Iterable[str]) -> dict[str, str]:
        """The value behind each token, for a reader who may know it."""
        with self.state.reading() as session:
            query = select(TABLE.token, TABLE.value).where(
                TABLE.tenant == tenant, among(session, TABLE.token, list(tokens))
            )
            return {row.token: row.value for row in session.execute(query)}
