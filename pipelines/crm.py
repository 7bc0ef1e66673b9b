"""``rolecall sync crm`` behind the command: read each connector, derive outcomes, then write readiness back."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from assets.exports.writeback import Desk, Planned, Sighted, Written
from governance.catalog import Catalog
from governance.settings import Settings
from governance.state import State
from integrations.crm.config import CrmConnector, connectors, load
from integrations.sync.ledger import Ledger
from integrations.sync.sender import Progress
from pipelines.fetching import Fetching, Options
from pipelines.problems import Problem


class Office(Fetching):
    """One home's CRMs, opened."""

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
