"""The packages that were handed to LMSs: which tokens still open something, and what was built.

A token is derived from the installation's secret, the destination, the scenario and the number of its issue. Building
a package again gives the same bytes while its token stands; after a revocation the next build carries a new issue.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from governance.audit.chain import Event, append
from governance.state import State
from governance.state.bulk import insert_missing
from governance.state.locks import lock
from governance.state.models import PackageExportRow, PackageTokenRow

TOKEN = PackageTokenRow.__table__.c
EXPORT = PackageExportRow.__table__.c
ACTOR = "service:packages"


@dataclass(frozen=True)
class Export:
    """One package that was built."""

    sha256: str
    sha1: str
    tenant: str
    destination: str
    scenario_id: str
    scenario_version: str
    edition: str
    token_issue: int
    file_name: str
    size_bytes: int
    built_at: datetime


@dataclass(frozen=True)
class Issue:
    """One issue of a token."""

    destination: str
    scenario_id: str
    issue: int
    issued_at: datetime
    revoked_at: datetime | None
    reason: str | None


class Packages:
    """The register of one installation."""

    def __init__(self, state: State) -> None:
        self.state = state

    def issue(self, destination: str, scenario_id: str, now: datetime) -> int:
        """The number of the standing token of a destination's scenario; issued now where none stands."""
        with self.state.session() as session:
            lock(session.connection(), "package_tokens")
            newest = _newest(session, destination, scenario_id)
            if newest is not None and newest.revoked_at is None:
                return newest.issue
            number = 1 if newest is None else newest.issue + 1
            session.add(
                PackageTokenRow(
                    destination=destination, scenario_id=scenario_id, issue=number, issued_at=now,
                    revoked_at=None, reason=None,
                )
            )  # fmt: skip
            return number

    def revoke(
        self, destination: str, scenario_id: str | None, now: datetime, by: str, reason: str | None = None
    ) -> int:
        """Revoke the standing tokens of a destination, or of one scenario there; how many there were."""
        query = update(PackageTokenRow).where(TOKEN.destination == destination, TOKEN.revoked_at.is_(None))
        if scenario_id is not None:
            query = query.where(TOKEN.scenario_id == scenario_id)
        with self.state.session() as session:
            done = session.execute(
                query.values(revoked_at=now, reason=reason).returning(TOKEN.scenario_id, TOKEN.issue)
            )
            revoked = [list(row) for row in done]
            facts = {"revoked": revoked, "reason": reason}
            append(session, [Event("configuration_change", by, f"package_tokens:{destination}", facts=facts, at=now)])
            return len(revoked)

    def stands(self, destination: str, scenario_id: str, issue: int) -> bool:
        """Whether that issue was made and not revoked."""
        query = select(func.count()).where(
            TOKEN.destination == destination,
            TOKEN.scenario_id == scenario_id,
            TOKEN.issue == issue,
            TOKEN.revoked_at.is_(None),
        )
        with self.state.connection() as connection:
            return connection.scalar(query) == 1

    def issues(self) -> list[Issue]:
        """Every issue of every token, by destination and scenario."""
        query = select(*TOKEN).order_by(TOKEN.destination, TOKEN.scenario_id, TOKEN.issue)
        with self.state.reading() as session:
            return [Issue(**row._mapping) for row in session.execute(query)]

    def record(self, exports: Sequence[Export]) -> None:
        """Note what was built; the first time of equal bytes stands."""
        with self.state.session() as session:
            insert_missing(session, PackageExportRow, [vars(export) for export in exports])
            append(session, [_event(export) for export in exports])

    def exports(self, destination: str | None = None) -> list[Export]:
        """Every package that was built, oldest first."""
        query = select(*EXPORT).order_by(EXPORT.built_at, EXPORT.sha256)
        if destination is not None:
            query = query.where(EXPORT.destination == destination)
        with self.state.reading() as session:
            return [Export(**row._mapping) for row in session.execute(query)]


def _event(export: Export) -> Event:
    """The audit event of a package; building the same bytes again is no new one."""
    facts = {"sha256": export.sha256, "scenario": [export.scenario_id, export.scenario_version], "kind": export.edition}
    once = f"package:{export.sha256}"
    return Event("export", ACTOR, f"package:{export.destination}", export.tenant, facts=facts, once=once)


def _newest(session: Session, destination: str, scenario_id: str) -> PackageTokenRow | None:
    query = (
        select(PackageTokenRow)
        .where(TOKEN.destination == destination, TOKEN.scenario_id == scenario_id)
        .order_by(TOKEN.issue.desc())
        .limit(1)
    )
    return session.scalar(query)
