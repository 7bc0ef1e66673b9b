"""What a command may do: its operator is authorised like everybody else, and each answer is in the access log.

A command asks before it reads or sends anything. Who the operator is, ``config/access.yaml`` says (``operators``).
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from governance.access import Action, Decision, Thing, User, authorize
from governance.access.claims import FILE, Rules, operator
from governance.access.log import EVERY_TENANT, AccessLog, Entry
from governance.policy import version_in_force
from governance.settings import Settings
from governance.state import State
from pipelines.problems import Problem

if TYPE_CHECKING:
    from governance.audit.chain import Event

WHY = {
    "tenant": "your scope does not hold that; name one of your tenants with --tenant",
    "region": "your scope is some regions, and this is not within them",
    "role": "none of your roles includes it",
}


def local_operator(settings: Settings) -> User:
    """Whoever runs this command, in the roles that ``config/access.yaml`` gives them."""
    return operator(Rules.load(settings.config))


def permitted(
    settings: Settings, action: Action, things: Sequence[Thing], what: str, *, reason: str | None = None,
    by: str | None = None, quietly: bool = False,
) -> User:  # fmt: skip
    """The operator, who may do ``action`` with all of ``things``; ``what`` says in the log what it is for.

    ``reason`` is why, in the words of whoever asked. ``by`` names who decided and who typed it, where that stands in
    the log instead of the operator alone. ``quietly`` logs a refusal alone: a verification must not add to what it
    verifies, and what is on record by itself needs no entry.

    Raises:
        Problem: they may not; the refusal is logged.
    """
    user = local_operator(settings)
    named = user if by is None else replace(user, name=by)
    decisions = [(thing, authorize(user, action, thing, reason=reason)) for thing in things]
    version = version_in_force(settings.config)
    entries = [
        Entry.of(named, action, thing, decision, what=what, reason=reason, policy_version=version)
        for thing, decision in decisions
        if not (quietly and decision.allowed)
    ]
    with closing(State.open(settings.database_url)) as state:
        AccessLog(state).record_many(entries)
    for thing, decision in decisions:
        if not decision.allowed:
            raise _refused(settings.config, user, action, thing, decision)
    return user


def note(settings: Settings, events: Sequence["Event"]) -> None:
    """Add what a command handed out to the audit chain."""
    from governance.audit.chain import record

    with closing(State.open(settings.database_url)) as state:
        record(state, events)


def _refused(config: Path, user: User, action: Action, thing: Thing, decision: Decision) -> Problem:
    name = user.name.removeprefix("os:")
    where = "all tenants" if thing.tenant == EVERY_TENANT else thing.tenant
    return Problem(
        f"{name} may not {action.replace('_', ' ')} ({where}): {WHY.get(decision.why, decision.why)}",
        f"`operators` in {config / FILE} says who may; the attempt is in the access log",
    )
