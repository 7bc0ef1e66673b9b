"""What ``rolecall sync crm`` does for one connector and says about it; a connector that fails holds up no other."""

from collections.abc import Iterator
from contextlib import contextmanager

from assets.core.reported import Reported
from assets.raw.landing import LandingError
from assets.raw.records import EntityLanding
from integrations.crm.config import ConnectorError, CrmConnector
from integrations.sources import SourceError
from integrations.sync.base import SyncError
from pipelines.console import ERR, OUT
from pipelines.crm import Office, Options

SHOWN_REASONS = 3


class Teller:
    """Runs the steps of a call and prints their counts; ``failed`` holds what went wrong, a line a connector."""

    def __init__(self, office: Office, options: Options) -> None:
        self.office, self.options = office, options
        self.failed: list[str] = []

    def sync(self, connector: CrmConnector) -> None:
        """Fetch, then write back."""
        with self._guarded(connector):
            if connector.read:
                self._read(connector)
        with self._guarded(connector):
            if connector.write is not None:
                self._write(connector)

    def preview(self, connector: CrmConnector) -> None:
        """Counts of what would be written, against the CRM as it stands."""
        if connector.write is None:
            _say(connector, "it writes nothing: its file has no write")
            return
        with self._guarded(connector):
            planned, seen = self.office.preview(connector, self.options)
            counts = planned.plan.counts
            _say(connector, f"{seen.would_change:,} people's records would be changed; nothing was written")
            _say(
                connector,
                f"{counts['unchanged']:,} unchanged since the last sync, {seen.same_already:,} hold the values already,"
                f" {seen.no_record:,} have no record at the CRM, {planned.unaddressed:,} learners no account there",
            )
            if planned.plan.stopped:
                _say(connector, planned.plan.stopped)

    def people(self, connector: CrmConnector) -> None:
        """The people whom no learner matches."""
        from pipelines.console import table

        found = self.office.unmatched(connector, None)
        if found:
            OUT.print(table(None, ("entity", "person", "outcomes"), found))
        else:
            _say(connector, "everybody is matched")

    def _read(self, connector: CrmConnector) -> None:
        with ERR.status(f"{connector.name}: reading") as status:
            landed = self.office.read(
                connector, self.options, lambda entity, rows: status.update(f"{connector.name}: {entity} {rows:,}")
            )
        for each in landed:
            for line in _landed(each):
                _say(connector, line)
        for each in self.office.summary(connector):
            for line in _reported(each):
                _say(connector, line)
        missing = self.office.unmatched(connector)
        for entity, person, outcomes in missing[:SHOWN_REASONS]:
            _say(connector, f"{entity}: {person} is no known learner ({outcomes:,} outcomes)")
        if len(missing) > SHOWN_REASONS:
            _say(connector, f"more of them: rolecall sync crm --connector {connector.name} --unmatched")

    def _write(self, connector: CrmConnector) -> None:
        with ERR.status(f"{connector.name}: writing") as status:
            done = self.office.write(
                connector,
                self.options,
                lambda sent, total, note: status.update(f"{connector.name}: {sent:,} of {total:,} {note}"),
            )
        counts = done.planned.plan.counts
        for note in done.planned.plan.notes:
            _say(connector, note)
        if done.report is None:
            _say(connector, f"nothing to write; {counts['unchanged']:,} people's records are up to date")
        else:
            figures = done.report.counts
            _say(
                connector,
                f"{figures.acknowledged:,} people's records written and read back in {figures.calls:,} calls,"
                f" {figures.refused:,} refused, {figures.retry:,} to be tried again, {figures.left:,} left,"
                f" {figures.unchanged:,} unchanged",
            )
            if figures.refused:
                _say(connector, 'reasons: rolecall query "select * from sync_rejects"')
            if done.report.stopped:
                self.failed.append(f"{connector.name} stopped early: {done.report.stopped}")
        if done.planned.unaddressed:
            _say(connector, f"{done.planned.unaddressed:,} learners are not matched to a record of this CRM")

    @contextmanager
    def _guarded(self, connector: CrmConnector) -> Iterator[None]:
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


def _say(connector: CrmConnector, text: str) -> None:
    OUT.print(f"{connector.name}: {text}", markup=False)
