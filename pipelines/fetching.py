"""Reading connectors behind ``rolecall sync``, whoever the partner: fetch, derive outcomes, say what became of them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from assets.core import reported
from assets.core.reported import Reported
from assets.lake import Lake
from assets.raw import connecting
from assets.raw.landing import LandingError
from assets.raw.records import EntityLanding
from governance.access import Thing
from governance.identities import Identities
from governance.secrets import secret_key
from governance.settings import Settings
from governance.source_people import SourcePeople
from governance.state import State
from integrations.connectors import ConnectorError
from integrations.crm.config import CrmConnector
from integrations.lms.config import LmsConnector
from integrations.sources import SourceError
from integrations.sync.base import SyncError
from pipelines.authority import permitted
from pipelines.console import ERR, OUT, table

SHOWN_PEOPLE = 10
SHOWN_REASONS = 3
Readable = CrmConnector | LmsConnector


@dataclass(frozen=True)
class Options:
    """What one call may change, as the command's options say."""

    full: bool = False
    accept_deletes: bool = False
    force: bool = False


def permit(settings: Settings, wanted: Sequence[Readable], *, unmatched: bool) -> None:
    """Ask whether the operator may sync with these; the list of the unmatched names people.

    Raises:
        Problem: they may not; the refusal is logged.
    """
    for each in wanted:
        permitted(settings, "deliver", [Thing.page(each.tenant)], f"sync with {each.name}")
        if unmatched:
            permitted(settings, "manage_privacy", [Thing.page(each.tenant)], f"unmatched people of {each.name}")


class Fetching:
    """One home's connectors, opened for reading."""

    def __init__(self, settings: Settings, state: State) -> None:
        self.settings, self.state = settings, state
        self.lake = Lake(settings.lake)
        self.identities = Identities(state, secret_key(settings))

    def read(
        self, connector: Readable, options: Options, progress: Callable[[str, int], None] | None = None
    ) -> list[EntityLanding]:
        """Fetch what changed and derive outcomes from it."""
        landed = connecting.read(
            connector, lake=self.lake, state=self.state, identities=self.identities, progress=progress,
            full=options.full, accept_deletes=options.accept_deletes,
        )  # fmt: skip
        feeds = connecting.feeds(self.settings.config)
        reported.refresh(self.lake, feeds, self.identities, datetime.now(UTC))
        return landed

    def summary(self, connector: Readable) -> list[Reported]:
        """What the connector's records came to."""
        mine = (connector.tenant, connector.name)
        return [each for each in reported.summary(self.lake) if (each.tenant, each.connector) == mine]

    def unmatched(self, connector: Readable, most: int | None = SHOWN_PEOPLE) -> list[tuple[str, str, int]]:
        """People of the partner whom no learner matches: entity, what the partner calls them, outcomes."""
        frame = reported.unmatched(self.lake, connector.name).filter(pl.col("tenant") == connector.tenant)
        frame = frame if most is None else frame.head(most)
        tokens = [token for token in frame["token"].to_list() if token is not None]
        values = SourcePeople(self.state).values(connector.tenant, tokens)
        return [
            (entity, values.get(token, "(nobody named)") if token else "(nobody named)", outcomes)
            for entity, token, outcomes in frame.select("entity", "token", "outcomes").iter_rows()
        ]


class Reading:
    """Reads connectors and prints counts; ``failed`` holds what went wrong, a line a connector."""

    command: str  # of ``rolecall sync``, for what to type next

    def __init__(self, office: Fetching, options: Options) -> None:
        self.office, self.options = office, options
        self.failed: list[str] = []

    def people(self, connector: Readable) -> None:
        """The people whom no learner matches."""
        found = self.office.unmatched(connector, None)
        if found:
            OUT.print(table(None, ("entity", "person", "outcomes"), found))
        else:
            say(connector, "everybody is matched")

    def read(self, connector: Readable) -> None:
        """Fetch what changed, and count what it came to."""
        with ERR.status(f"{connector.name}: reading") as status:
            landed = self.office.read(
                connector, self.options, lambda entity, rows: status.update(f"{connector.name}: {entity} {rows:,}")
            )
        for each in landed:
            for line in _landed(each):
                say(connector, line)
        for each in self.office.summary(connector):
            for line in _reported(each):
                say(connector, line)
        missing = self.office.unmatched(connector)
        for entity, person, outcomes in missing[:SHOWN_REASONS]:
            say(connector, f"{entity}: {person} is no known learner ({outcomes:,} outcomes)")
        if len(missing) > SHOWN_REASONS:
            say(connector, f"more of them: rolecall sync {self.command} --connector {connector.name} --unmatched")

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Note what fails, so that the others go on."""
        try:
            yield
        except (SourceError, SyncError, LandingError, ConnectorError) as error:
            remedy = getattr(error, "remedy", None)
            self.failed.append(f"{error}" + (f" ({remedy})" if remedy else ""))


def _landed(each: EntityLanding) -> Iterator[str]:
    how = "read whole" if each.whole else "changed since the last read"
    yield (
        f"{each.entity}: {each.read:,} {how}: {each.accepted:,} new or changed ({each.gone:,} deleted),"
        f" {each.repeated:,} known, {each.refused:,} refused"
    )
    for reject in each.reasons[:SHOWN_REASONS]:
        yield f"{reject.reason} ({reject.rule})"
    if len(each.reasons) > SHOWN_REASONS:
        yield f"{each.entity}: {len(each.reasons) - SHOWN_REASONS:,} more refused"
    if each.held_back is not None:
        yield each.held_back


def _reported(each: Reported) -> Iterator[str]:
    yield (
        f"{each.entity}: {each.records:,} records: {each.outcomes:,} outcomes, {each.open:,} open,"
        f" {each.undated:,} without a date, {each.unmatched:,} of nobody known ({each.share_unmatched:.1%})"
    )
    if each.unknown_stages:
        listed = ", ".join(each.unknown_stages[:5])
        yield f"{each.entity}: stages that the file does not know count as open: {listed}"


def say(connector: Readable, text: str) -> None:
    """One line on the screen."""
    OUT.print(f"{connector.name}: {text}", markup=False)
