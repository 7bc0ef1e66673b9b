"""The asset that delivers statements to every enabled LRS: thin, around ``assets.exports.delivery``."""

import dagster as dg

from assets.exports.delivery import Post, Wish
from assets.resources import Workspace
from integrations.sync.base import SyncError
from integrations.sync.health import broken_runs
from integrations.sync.ledger import Ledger
from integrations.xapi.destinations import deliverable


@dg.asset(
    key=["exports", "lrs_delivery"],
    group_name="exports",
    deps=[["exports", "xapi_statements"]],
    pool="lrs",
    kinds={"xapi"},
    tags={"personal": "pseudonym"},
    code_version="1",
)
def lrs_delivery(context: dg.AssetExecutionContext, workspace: Workspace) -> dg.MaterializeResult:
    """What every enabled LRS acknowledged; the ledger in the state database is the record of it.

    A destination that fails does not hold up the others; the asset fails at the end and names it.
    """
    state = workspace.state()
    post = Post(workspace.lake(), Ledger(state), workspace.identities(state))
    figures: dict[str, dict[str, int]] = {}
    failed: list[str] = []
    for name, destination in deliverable(workspace.settings().config):
        try:
            done = post.deliver(Wish(name, destination, recheck=destination.recheck))
        except SyncError as error:
            failed.append(f"{name}: {error}")
            continue
        counts = None if done.report is None else done.report.counts
        figures[name] = {
            "acknowledged": 0 if counts is None else counts.acknowledged,
            "refused": 0 if counts is None else counts.refused,
            "retry": 0 if counts is None else counts.retry,
            "left": 0 if counts is None else counts.left,
            "lost": done.lost,
        }
        context.log.info("%s: %s", name, figures[name])
        if done.report is not None and done.report.stopped:
            failed.append(f"{name} stopped early: {done.report.stopped}")
    if failed:
        raise dg.Failure("; ".join(failed), metadata={"destinations": dg.MetadataValue.json(figures)})
    acknowledged = sum(each["acknowledged"] for each in figures.values())
    return dg.MaterializeResult(
        metadata={"dagster/row_count": acknowledged, "destinations": dg.MetadataValue.json(figures)}
    )


@dg.asset_check(asset=["exports", "lrs_delivery"], name="ledger_adds_up")
def ledger_adds_up(workspace: Workspace) -> dg.AssetCheckResult:
    """Every run's plan is its acknowledged, refused, later and left records; no record is both confirmed and not."""
    found = broken_runs(workspace.state())
    return dg.AssetCheckResult(passed=not found, metadata={"differences": found, "count": len(found)})
