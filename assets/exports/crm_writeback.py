"""The asset that writes readiness to every enabled CRM: thin, around ``assets.exports.writeback``."""

from functools import partial

import dagster as dg

from assets.exports.statements import utc_now
from assets.exports.targets import write_each
from assets.exports.writeback import Desk
from assets.resources import Workspace
from integrations.crm.config import connectors
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
    written = [
        (connector.name, partial(desk.write, connector, utc_now))
        for connector in connectors(settings.config)
        if connector.enabled and connector.write is not None
    ]
    return write_each(written, "connectors")
