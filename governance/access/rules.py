"""The rules of access as data, and the decision made from them. Pure: nothing is read, nothing is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from governance.access.users import Kind, Reach, Role, Thing, User

_OWN, _TEAM, _SCOPE = Reach.own, Reach.team, Reach.scope
_READ: Mapping[str, Reach] = {
    "view_aggregates": _SCOPE,
    "view_health": _SCOPE,
    "list_sessions": _SCOPE,
    "open_session": _SCOPE,
    "view_learner": _SCOPE,
    "export_rows": _SCOPE,
}
_EVIDENCE: Mapping[str, Reach] = {
    "read_transcript": _SCOPE,
    "play_recording": _SCOPE,
    "see_names": _SCOPE,
    "list_reviews": _SCOPE,
    "list_cases": _SCOPE,
    "export_report": _SCOPE,
    "read_access_log": _SCOPE,
}
# What each role may do, and how far. An action that is not listed is refused.
PERMITTED: Mapping[Role, Mapping[str, Reach]] = {
    Role.learner: {
        "list_sessions": _OWN,
        "open_session": _OWN,
        "read_transcript": _OWN,
        "play_recording": _OWN,
        "see_names": _OWN,
        "view_learner": _OWN,
        "contest": _OWN,
        "see_own_access": _OWN,
    },
    Role.manager: {
        "view_aggregates": _SCOPE,
        "list_sessions": _TEAM,
        "open_session": _TEAM,
        "see_names": _TEAM,
        "view_learner": _TEAM,
    },
    Role.analyst: _READ,
    Role.compliance: {
        **_READ,
        **_EVIDENCE,
        "review": _SCOPE,
        "handle_case": _SCOPE,
        "manage_privacy": _SCOPE,
    },
    Role.auditor: {**_READ, **_EVIDENCE},
    Role.admin: {"view_health": _SCOPE, "configure": _SCOPE, "deliver": _SCOPE},
}
ABOUT: Mapping[str, frozenset[Kind]] = {
    "view_aggregates": frozenset({"page", "cell"}),
    "view_health": frozenset({"page"}),
    "list_sessions": frozenset({"page"}),
    "open_session": frozenset({"session"}),
    "read_transcript": frozenset({"session"}),
    "play_recording": frozenset({"session"}),
    "see_names": frozenset({"session", "learner"}),
    "view_learner": frozenset({"learner"}),
    "contest": frozenset({"session"}),
    "list_reviews": frozenset({"page"}),
    "review": frozenset({"session"}),
    "list_cases": frozenset({"page"}),
    "handle_case": frozenset({"session"}),
    "export_rows": frozenset({"page", "cell"}),
    "export_report": frozenset({"page", "cell"}),
    "read_access_log": frozenset({"page"}),
    "see_own_access": frozenset({"learner"}),
    "manage_privacy": frozenset({"page", "cell", "learner"}),
    "configure": frozenset({"page"}),
    "deliver": frozenset({"page"}),
}
# Looking up who somebody is needs a reason, unless it is oneself or one's own people.
REASONED: frozenset[str] = frozenset({"see_names"})
# Nobody judges their own session.
DISINTERESTED: frozenset[str] = frozenset({"review", "handle_case"})
# Roles that count inside the user's time box alone; without a box they count for nothing.
BOXED = frozenset({Role.auditor})


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether something is allowed; ``why`` is the code that the access log keeps."""

    allowed: bool
    why: str
    reach: Reach | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """Which rows of a list a user may see: all of the tenant's, or those of these learners or of these regions.

    Keys and regions are sorted tuples, so that they can be arguments of caches.
    """

    everything: bool = False
    keys: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()


def authorize(
    user: User | None, action: str, thing: Thing, *, reason: str | None = None, now: datetime | None = None
) -> Decision:
    """Whether ``user`` may do ``action`` with ``thing``; nobody may do anything by default.

    ``reason`` is what the user gave for looking up a named person; ``now`` defaults to this moment.
    """
    at = now or datetime.now(UTC)
    refused = _barred(user, action, thing, at)
    if user is None or refused is not None:
        return Decision(False, refused or "nobody")
    found = [_within(user, action, thing, reach, reason) for reach in _reaches(user, action, at)]
    return next((each for each in found if each.allowed), found[-1] if found else Decision(False, "role"))


def scope(user: User | None, action: str, tenant: str, now: datetime | None = None) -> Scope:
    """What a list for this user is narrowed to; an empty scope shows nothing."""
    at = now or datetime.now(UTC)
    if user is None or _barred(user, action, Thing.page(tenant), at, listing=True) is not None:
        return Scope()
    reaches = _reaches(user, action, at)
    keys = (user.own if Reach.own in reaches else frozenset()) | (
        user.reports if Reach.team in reaches else frozenset()
    )
    if Reach.scope not in reaches:
        return Scope(keys=tuple(sorted(keys)))
    return Scope(user.regions is None, tuple(sorted(keys)), tuple(sorted(user.regions or ())))


def _barred(user: User | None, action: str, thing: Thing, now: datetime, *, listing: bool = False) -> str | None:
    """Why nothing of this kind can be allowed, whatever the roles say; ``None`` where the roles decide."""
    if user is None:
        return "nobody"
    if user.until is not None and user.until <= now:
        return "ended"
    if user.tenants is not None and thing.tenant not in user.tenants:
        return "tenant"
    if action not in ABOUT:
        return "unknown_action"
    if not listing and thing.kind not in ABOUT[action]:
        return "wrong_object"
    if action in DISINTERESTED and thing.learner_key in user.own:
        return "own_session"
    return None


def _reaches(user: User, action: str, now: datetime) -> list[Reach]:
    """How far each of the user's roles lets them do this, the nearest first; a grant goes as far as opening does."""
    inside = user.box is not None and now < user.box
    roles = [role for role in user.roles if inside or role not in BOXED]
    actions = [action, "open_session"] if action in user.grants else [action]
    return sorted({PERMITTED[role][each] for role in roles for each in actions if each in PERMITTED[role]})


def _within(user: User, action: str, thing: Thing, reach: Reach, reason: str | None) -> Decision:
    if thing.kind == "page":
        return Decision(True, "ok", reach)
    if reach is Reach.scope:
        return _in_region(user, action, thing, reason)
    people = user.reports if reach is Reach.team else user.own
    if thing.learner_key is None or thing.learner_key not in people:
        return Decision(False, "not_yours")
    return Decision(True, "ok", reach)


def _in_region(user: User, action: str, thing: Thing, reason: str | None) -> Decision:
    if user.regions is not None and (thing.region is None or thing.region not in user.regions):
        return Decision(False, "region")
    if action in REASONED and not (reason or "").strip():
        return Decision(False, "reason_missing")
    return Decision(True, "ok", Reach.scope)
