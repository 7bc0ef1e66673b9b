"""Issuing a report: who may, what goes in, what the chain and the access log keep of it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from governance.access import Thing, User, authorize
from governance.access.log import AccessLog, Entry
from governance.audit.chain import Event, record
from governance.audit.report.gather import file_digest, gather
from governance.audit.report.render import as_json
from governance.audit.report.scope import ReportScope
from governance.identities import Identities
from governance.policy import version_in_force
from governance.secrets import secret_key
from governance.settings import Settings
from governance.state import State


class RefusedError(Exception):
    """The user may not have this report; the message says why."""


@dataclass(frozen=True)
class Issued:
    """A report's data, and the scope and user that it was issued for; ``named`` where names were asked for."""

    report: dict[str, Any]
    scope: ReportScope
    user: User
    named: bool = False


REASONS = {
    "role": "your role does not include audit reports",
    "region": "the region lies outside your scope; narrow the report to one of your regions",
    "tenant": "the tenant lies outside your scope",
    "ended": "your login has ended",
    "reason_missing": "names need a reason",
}


def issue(
    settings: Settings, state: State, user: User, scope: ReportScope, *, reason: str | None = None,
    names: bool = False, now: datetime | None = None, what: str = "report",
) -> Issued:  # fmt: skip
    """Gather a report for somebody who may have it; both the issue and a refusal are logged.

    Raises:
        RefusedError: The user may not have it, or wants names without a reason.
        NothingToReportError: Nothing is published for the tenant.
    """
    thing = Thing.cell(scope.tenant, scope.region or "*")
    decision = authorize(user, "export_report", thing)
    log = AccessLog(state)
    told = f"{what} {scope.scenario or 'all scenarios'}, {scope.first} to {scope.last}, {scope.region or 'all regions'}"
    entry = Entry.of(
        user,
        "export_report",
        thing,
        decision,
        what=told,
        reason=reason,
        policy_version=version_in_force(settings.config),
    )
    log.record(entry)
    if not decision.allowed or (names and not (reason or "").strip()):
        raise RefusedError(REASONS.get(decision.why if not decision.allowed else "reason_missing", decision.why))
    at = now or datetime.now(UTC)
    report = gather(settings, state, scope, who=user.name, reason=reason, now=at)
    if names:
        log.record_many(_name(settings, state, user, report["sessions"], reason))
    facts = {
        "id": report["id"], "scope": report["scope"], "snapshot": report["snapshot"]["id"], "what": what,
        "sessions": len(report["sessions"]), "sha256": file_digest(as_json(report).encode()),
    }  # fmt: skip
    record(state, [Event("export", user.name, scope.mark, tenant=scope.tenant, facts=facts)])
    return Issued(report, scope, user, names)


def _name(
    settings: Settings, state: State, user: User, sessions: list[dict[str, Any]], reason: str | None
) -> list[Entry]:
    """Put names where the user may see them; one entry for each learner who was named."""
    keys = {row["learner_key"] for row in sessions if row["learner_key"]}
    known: dict[str, str] = {}
    entries: dict[str, Entry] = {}
    identities = Identities(state, secret_key(settings))
    for row in sessions:
        thing = Thing.session(row["tenant"], row["session_id"], row["learner_key"], row["region"])
        decision = authorize(user, "see_names", thing, reason=reason)
        if not decision.allowed or row["learner_key"] is None:
            continue
        if not known:
            known = identities.names(row["tenant"], keys)
        row["learner_name"] = known.get(row["learner_key"])
        entries.setdefault(
            row["learner_key"], Entry.of(user, "see_names", thing, decision, what="in a report", reason=reason)
        )
    return list(entries.values())
