"""``rolecall sync crm`` behind the command: read each connector, derive outcomes, then write readiness back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from assets.core import reported
from assets.core.reported import Reported
from assets.exports.writeback import Desk, Planned, Sighted, Written
from assets.lake import Lake
from assets.raw import connecting
from assets.raw.records import EntityLanding
from governance.catalog import Catalog
from governance.identities import Identities
from governance.secrets import secret_key
from governance.settings import Settings
from governance.source_people import SourcePeople
from governance.state import State
from integrations.crm.config import CrmConnector, connectors, load
from integrations.sync.ledger import Ledger
from integrations.sync.sender import Progress
from pipelines.problems import Problem

SHOWN_PEOPLE = 10


@dataclass(frozen=True)
class Options:
    """What one call may change, as the command's options say."""

    full: bool = False
    accept_deletes: bool = False
    force: bool = False


class Office:
    """One home's CRMs, opened."""

    def __init__(self, settings: Settings, state: State) -> None:
        self.settings, self.state = settings, state
        self.lake = Lake(settings.lake)
        self.identities = Identities(state, secret_key(settings))

    def read(
        self, connector: CrmConnector, options: Options, progress: Callable[[str, int], None] | None = None
    ) -> list[EntityLanding]:
        """Fetch what changed and derive outcomes from it."""
        landed = connecting.read(
            connector, lake=self.lake, state=self.state, identities=self.identities, progress=progress,
            full=options.full, accept_deletes=options.accept_deletes,
        )  # fmt: skip
        feeds = connecting.feeds(self.settings.config)
        reported.refresh(self.lake, feeds, self.identities, datetime.now(UTC))
        return landed

    def summary(self, connector: CrmConnector) -> list[Reported]:
        """What the connector's records came to."""
        mine = (connector.tenant, connector.name)
        return [each for each in reported.summary(self.lake) if (each.tenant, each.connector) == mine]

    def unmatched(self, connector: CrmConnector, most: int | None = SHOWN_PEOPLE) -> list[tuple[str, str, int]]:
        """People of the CRM whom no learner matches: entity, what the CRM calls them, outcomes."""
        frame = reported.unmatched(self.lake, connector.name).filter(pl.col("tenant") == connector.tenant)
        frame = frame if most is None else frame.head(most)
        tokens = [token for token in frame["token"].to_list() if token is not None]
        values = SourcePeople(self.state).values(connector.tenant, tokens)
        return [
            (entity, values.get(token, "(nobody named)") if token else "(nobody named)", outcomes)
            for entity, token, outcomes in frame.select("entity", "token", "outcomes").iter_rows()
        ]

    def preview(self, connector: CrmConnector, options: Options) -> tuple[Planned, Sighted]:
        """What would be written, and how the CRM's records stand now."""
        planned = self._desk().plan(connector, datetime.now(UTC), force=options.force)
        return planned, self._desk().look(connector, planned)

    def write(self, connector: CrmConnector, options: Options, progress: Progress | None = None) -> Written:
        """Write readiness back."""
        return self._desk().write(connector, lambda: datetime.now(UTC), progress, force=options.force)

    def _desk(self) -> Desk:
        catalog = Catalog.load(self.settings.config)
        return Desk(self.settings.marts, catalog, Ledger(self.state), self.identities)


@contextmanager
def office(settings: Settings) -> Iterator[Office]:
    """The home's CRMs."""
    state = State.open(settings.database_url)
    try:
        yield Office(settings, state)
    finally:
        state.close()


def chosen(settings: Settings, name: str | None) -> list[CrmConnector]:
    """The named connector, switched on or not, or every one that is.

    Raises:
        Problem: there is none.
    """
    if name is not None:
        return [load(settings.config, name)]
    found = [connector for connector in connectors(settings.config) if connector.enabled]
    if not found:
        raise Problem(
            "No CRM is connected", f"Write {settings.config / 'connectors'}/NAME.yaml with kind: crm; see docs/crm.md"
        )
    return found
