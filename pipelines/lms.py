"""``rolecall sync lms``: read each connector, derive outcomes, then write scores into the columns that it names."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from assets.exports.lms_grades import GradeDesk, Planned, Sighted, Written
from governance.catalog import Catalog
from governance.settings import Settings
from governance.state import State
from integrations.lms.config import Column, LmsConnector, connectors, load
from integrations.sync.ledger import Ledger
from pipelines.console import ERR
from pipelines.fetching import Fetching, Options, Reading, say
from pipelines.problems import Problem


class Teller(Reading):
    """Runs the steps of a call for one LMS after the other; one that fails holds up no other, nor does a column."""

    command = "lms"

    def __init__(self, settings: Settings, state: State, options: Options) -> None:
        super().__init__(Fetching(settings, state), options)
        catalog = Catalog.load(settings.config)
        self.desk = GradeDesk(settings.marts, catalog, Ledger(state), self.office.identities)
        self.scenarios = {scenario_id for scenario_id, _ in catalog.scenarios}

    def sync(self, connector: LmsConnector) -> None:
        """Fetch, then write."""
        with self.guarded():
            if connector.read:
                self.read(connector)
        for column in columns(connector):
            with self.guarded():
                self._known(connector, column)
                self._write(connector, column)

    def preview(self, connector: LmsConnector) -> None:
        """Counts of what would be written, against the gradebook as it stands."""
        if connector.write is None:
            say(connector, "it writes nothing: its file has no write")
        for column in columns(connector):
            with self.guarded():
                self._known(connector, column)
                planned = self.desk.plan(connector, column, datetime.now(UTC), force=self.options.force)
                self._seen(connector, planned, self.desk.look(connector, planned))

    def _known(self, connector: LmsConnector, column: Column) -> None:
        if column.scenario not in self.scenarios:
            say(connector, f"{column.scenario} is no scenario of config/scenarios: nobody has a score in it")

    def _seen(self, connector: LmsConnector, planned: Planned, seen: Sighted) -> None:
        counts = planned.plan.counts
        say(connector, f"{planned.column.scenario}: {seen.would_change:,} scores would be written; nothing was")
        say(
            connector,
            f"{planned.column.scenario}: {counts['unchanged']:,} unchanged since the last sync, {seen.same_already:,}"
            f" stand there already, {seen.unread:,} could not be read, {planned.unaddressed:,} learners have no account"
            " there",
        )
        if planned.plan.stopped:
            say(connector, planned.plan.stopped)

    def _write(self, connector: LmsConnector, column: Column) -> None:
        with ERR.status(f"{connector.name}: writing {column.scenario}") as status:

            def progress(sent: int, total: int, note: str) -> None:
                status.update(f"{connector.name}: {column.scenario} {sent:,} of {total:,} {note}")

            done = self.desk.write(connector, column, lambda: datetime.now(UTC), progress, force=self.options.force)
        for line in told(done):
            say(connector, line)
        if done.report is not None and done.report.stopped:
            self.failed.append(f"{done.planned.target} stopped early: {done.report.stopped}")


def told(done: Written) -> Iterator[str]:
    """What became of a column, a line a fact."""
    scenario, counts = done.planned.column.scenario, done.planned.plan.counts
    yield from (f"{scenario}: {note}" for note in done.planned.plan.notes)
    if done.report is None:
        yield f"{scenario}: nothing to write; {counts['unchanged']:,} scores are up to date"
    else:
        figures = done.report.counts
        yield (
            f"{scenario}: {figures.acknowledged:,} scores written in {figures.calls:,} calls,"
            f" {figures.refused:,} refused, {figures.retry:,} to be tried again, {figures.left:,} left,"
            f" {figures.unchanged:,} unchanged"
        )
        if figures.refused:
            yield 'reasons: rolecall query "select * from sync_rejects"'
    if done.planned.unaddressed:
        yield f"{scenario}: {done.planned.unaddressed:,} learners with a score have no account at this LMS"


def columns(connector: LmsConnector) -> tuple[Column, ...]:
    """The columns that the connector writes."""
    return () if connector.write is None else connector.write.columns


@contextmanager
def teller(settings: Settings, options: Options) -> Iterator[Teller]:
    """The home's LMSs."""
    state = State.open(settings.database_url)
    try:
        yield Teller(settings, state, options)
    finally:
        state.close()


def chosen(settings: Settings, name: str | None) -> list[LmsConnector]:
    """The named connector, switched on or not, or every one that is.

    Raises:
        Problem: there is none.
    """
    if name is not None:
        return [load(settings.config, name)]
    found = [connector for connector in connectors(settings.config) if connector.enabled]
    if not found:
        raise Problem(
            "No LMS is connected", f"Write {settings.config / 'connectors'}/NAME.yaml with kind: lms; see docs/lms.md"
        )
    return found
