"""Who is told when a run fails or a check stops publishing.

The address is ``ROLECALL_ALERT_WEBHOOK``; without one the alert is logged. The body has ``text``, which Slack, Teams
and Mattermost show, and the parts. An alert that cannot be sent is logged and never fails the run twice.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import dagster as dg

from governance.settings import Settings
from pipelines.problems import STARTED_BY, Problem, explain, redact

LOG = logging.getLogger("rolecall.alerts")
TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Alert:
    """What failed, where and what to do; never holds row values."""

    kind: str  # run_failed | check_failed
    job: str
    run_id: str
    what: str
    remedy: str | None = None
    checks: tuple[str, ...] = ()

    def body(self) -> dict[str, Any]:
        """The alert as JSON, without secrets."""
        lines = [f"Rolecall: {self.what}", *(f"check {check}" for check in self.checks)]
        lines += [self.remedy] if self.remedy else []
        parts = {key: value for key, value in asdict(self).items() if value}
        return {**parts, "what": redact(self.what), "text": redact("\n".join(lines))}


def failure(job: str, run_id: str, error: BaseException | str, failed_checks: Sequence[str]) -> Alert:
    """The alert for a failed run: the check that stopped it, else the error in one line."""
    if failed_checks:
        what = f"{job} stopped: {len(failed_checks)} blocking check(s) failed, so nothing was published"
        remedy = "See the check's numbers in Dagster or Data Docs, mend the cause, then run again"
        return Alert("check_failed", job, run_id, what, remedy, tuple(failed_checks))
    problem = Problem(error) if isinstance(error, str) else explain(error)
    return Alert("run_failed", job, run_id, f"{job} failed: {problem.what}", problem.remedy)


def send(url: str | None, alert: Alert, post: Callable[..., Any] | None = None) -> bool:
    """Post the alert; True where it arrived. Failures are logged: the run has failed already."""
    body = alert.body()
    LOG.error("%s", body["text"])
    if not url:
        return False
    import httpx

    try:
        (post or httpx.post)(url, json=body, timeout=TIMEOUT_S).raise_for_status()
    except httpx.HTTPError as error:
        LOG.error("the alert could not be posted: %s", type(error).__name__)  # noqa: TRY400 - the address is a secret
        return False
    return True


def failed_checks(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    """Blocking checks that failed in a run, as ``layer/table: check``."""
    found = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    results = [entry.dagster_event.asset_check_evaluation_data for entry in found if entry.dagster_event]
    return [
        f"{result.asset_key.to_user_string()}: {result.check_name}"
        for result in results
        if not result.passed and result.blocking
    ]


@dg.run_failure_sensor(
    name="alert_on_failure",
    description="Posts failed runs and checks to ROLECALL_ALERT_WEBHOOK",
    default_status=dg.DefaultSensorStatus.RUNNING,
    monitor_all_code_locations=True,
)
def alert_on_failure(context: dg.RunFailureSensorContext) -> None:
    """Tell somebody; the decision what to say is ``failure``."""
    run = context.dagster_run
    if STARTED_BY in run.tags:
        return
    alert = failure(
        run.job_name, run.run_id, context.failure_event.message or "", failed_checks(context.instance, run.run_id)
    )
    send(Settings().alert_webhook, alert)


SENSORS = [alert_on_failure]
