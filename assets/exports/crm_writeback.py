"""The asset that writes readiness to every enabled CRM: thin, around ``assets.exports.writeback``."""

from datetime import UTC, datetime

import dagster as dg

from assets.exports.writeback import Desk
from assets.resources import Workspace
from integrations.crm.config import ConnectorError, connectors
from integrations.sources import SourceError
from integrations.sync.base import SyncError
from integrations.sync.ledger import Ledger


@dg.asset(
    key=["exports", "crm_writeback"],
    group_name="exports",
    deps=[["published", "marts"]],
    pool="crm",
    kinds={"crm"},
    tags={"personal": "pseudonym"},
    code_version="1",
)
def crm_writeback(context: dg.AssetExecutionContext, workspace: Workspace) -> dg.MaterializeResult:
    """What every enabled CRM acknowledged of people's readiness; the ledger in the state database is its record.

    A CRM that fails does not hold up the others; the asset fails at the end and names it.
    """
    state, settings = workspace.state(), workspace.settings()
    desk = Desk(settings.marts, workspace.catalog(), Ledger(state), workspace.identities(state))
    figures: dict[str, dict[str, int]] = {}
    failed: list[str] = []
    for connector in connectors(settings.config):
        if not connector.enabled or connector.write is None:
            continue
        try:
            done = desk.write(connector, lambda: datetime.now(UTC))
        except (SyncError, SourceError, ConnectorError) as error:
            failed.append(f"{connector.name}: {error}")
            continue
        counts = None if done.report is None else done.report.counts
        figures[connector.name] = {
            "acknowledged": 0 if counts is None else counts.acknowledged,
            "refused": 0 if counts is None else counts.refused,
            "unchanged": done.planned.plan.counts["unchanged"],
            "unaddressed": done.planned.unaddressed,
        }
        if done.report is not None and done.report.stopped:
            failed.append(f"{connector.name} stopped early: {done.report.stopped}")
    if failed:
        raise dg.Failure("; ".join(failed), metadata={"connectors": dg.MetadataValue.json(figures)})
    acknowledged = sum(each["acknowledged"] for each in figures.values())
    return dg.MaterializeResult(
        metadata={"dagster/row_count": acknowledged, "connectors": dg.MetadataValue.json(figures)}
    )
