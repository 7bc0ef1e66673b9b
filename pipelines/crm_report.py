"""What ``rolecall sync crm`` does for one connector and says about it; a connector that fails holds up no other."""

from integrations.crm.config import CrmConnector
from pipelines.console import ERR
from pipelines.crm import Office
from pipelines.fetching import Options, Reading, say


class Teller(Reading):
    """Runs the steps of a call and prints their counts."""

    command = "crm"
    office: Office

    def __init__(self, office: Office, options: Options) -> None:
        super().__init__(office, options)
        self.office = office

    def sync(self, connector: CrmConnector) -> None:
        """Fetch, then write back."""
        with self.guarded():
            if connector.read:
                self.read(connector)
        with self.guarded():
            if connector.write is not None:
                self._write(connector)

    def preview(self, connector: CrmConnector) -> None:
        """Counts of what would be written, against the CRM as it stands."""
        if connector.write is None:
            say(connector, "it writes nothing: its file has no write")
            return
        with self.guarded():
            planned, seen = self.office.preview(connector, self.options)
            counts = planned.plan.counts
            say(connector, f"{seen.would_change:,} people's records would be changed; nothing was written")
            say(
                connector,
                f"{counts['unchanged']:,} unchanged since the last sync, {seen.same_already:,} hold the values already,"
                f" {seen.no_record:,} have no record at the CRM, {planned.unaddressed:,} learners no account there",
            )
            if planned.plan.stopped:
                say(connector, planned.plan.stopped)

    def _write(self, connector: CrmConnector) -> None:
        with ERR.status(f"{connector.name}: writing") as status:
            done = self.office.write(
                connector,
                self.options,
                lambda sent, total, note: status.update(f"{connector.name}: {sent:,} of {total:,} {note}"),
            )
        counts = done.planned.plan.counts
        for note in done.planned.plan.notes:
            say(connector, note)
        if done.report is None:
            say(connector, f"nothing to write; {counts['unchanged']:,} people's records are up to date")
        else:
            figures = done.report.counts
            say(
                connector,
                f"{figures.acknowledged:,} people's records written and read back in {figures.calls:,} calls,"
                f" {figures.refused:,} refused, {figures.retry:,} to be tried again, {figures.left:,} left,"
                f" {figures.unchanged:,} unchanged",
            )
            if figures.refused:
                say(connector, 'reasons: rolecall query "select * from sync_rejects"')
            if done.report.stopped:
                self.failed.append(f"{connector.name} stopped early: {done.report.stopped}")
        if done.planned.unaddressed:
            say(connector, f"{done.planned.unaddressed:,} learners are not matched to a record of this CRM")
