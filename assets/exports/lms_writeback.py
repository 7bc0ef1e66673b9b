"""The asset that writes scores to every enabled LMS: thin, around ``assets.exports.lms_grades``."""

from datetime import UTC, datetime

import dagster as dg

from assets.exports.lms_grades import GradeDesk
from assets.resources import Workspace
from integrations.connectors import ConnectorError
from integrations.lms.config import connectors
from integrations.sources import SourceError
from integrations.sync.base import SyncError
from integrations.sync.ledger import Ledger


@dg.asset(
    key=["exports", "lms_writeback"],
    group_name="exports",
    deps=[["published", "marts"]],
    pool="lms",
    kinds={"lms"},
    tags={"personal": "pseudonym"},
    code_version="1",
)
def lms_writeback(context: dg.AssetExecutionContext, workspace: Workspace) -> dg.MaterializeResult:
    """What every column of every enabled LMS acknowledged; the ledger in the state database is its record.

    A column that fails does not hold up the others; the asset fails at the end and names it.
    """
    state, settings = workspace.state(), workspace.settings()
    desk = GradeDesk(settings.marts, workspace.catalog(), Ledger(state), workspace.identities(state))
    figures: dict[str, dict[str, int]] = {}
    failed: list[str] = []
    columns = [
        (connector, column)
        for connector in connectors(settings.config)
        if connector.enabled and connector.write is not None
        for column in connector.write.columns
    ]
    for connector, column in columns:
        target = f"{connector.name}/{column.scenario}"
        try:
            done = desk.write(connector, column, lambda: datetime.now(UTC))
        except (SyncError, SourceError, ConnectorError) as error:
            failed.append(f"{target}: {error}")
            continue
        counts = None if done.report is None else done.report.counts
        figures[target] = {
            "acknowledged": 0 if counts is None else counts.acknowledged,
            "refused": 0 if counts is None else counts.refused,
            "unchanged": done.planned.plan.counts["unchanged"],
            "unaddressed": done.planned.unaddressed,
        }
        if done.report is not None and done.report.stopped:
            failed.append(f"{target} stopped early: {done.report.stopped}")
    if failed:
        raise dg.Failure("; ".join(failed), metadata={"columns": dg.MetadataValue.json(figures)})
    acknowledged = sum(each["acknowledged"] for each in figures.values())
    return dg.MaterializeResult(metadata={"dagster/row_count": acknowledged, "columns": dg.MetadataValue.json(figures)})
