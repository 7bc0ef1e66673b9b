"""The asset that writes scores to every enabled LMS: thin, around ``assets.exports.lms_grades``."""

from functools import partial

import dagster as dg

from assets.exports.lms_grades import GradeDesk
from assets.exports.statements import utc_now
from assets.exports.targets import write_each
from assets.resources import Workspace
from integrations.lms.config import connectors
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
    written = [
        (f"{connector.name}/{column.scenario}", partial(desk.write, connector, column, utc_now))
        for connector in connectors(settings.config)
        if connector.enabled and connector.write is not None
        for column in connector.write.columns
    ]
    return write_each(written, "columns")
