"""Writes looks into the access log: once for each page session, action and object, not for every rerun.

A look that cannot be logged does not happen: whoever calls these lets the error stop the page or the route.
"""

import time
from collections.abc import MutableSet
from functools import lru_cache
from pathlib import Path

from dashboards.access import Reader, state_of
from governance.access import Decision, Thing
from governance.access.log import AccessLog, Entry
from governance.policy import PolicyError
from governance.settings import Settings

REPEAT_S = 60  # the same refusal from the same place within this time is one entry: nobody can flood the log


def note(
    settings: Settings, seen: MutableSet[object], reader: Reader | None, action: str, thing: Thing,
    decision: Decision, *, reason: str | None = None, what: str | None = None,
) -> None:  # fmt: skip
    """Log one decision, unless ``seen`` (the page session's memory) holds it already."""
    key = (reader.name if reader else None, action, thing, decision.allowed, reason, what)
    if key in seen:
        return
    entry = Entry.of(reader, action, thing, decision, what=what, reason=reason, policy_version=policy_version(settings))
    AccessLog(state_of(settings.database_url)).record(entry)
    seen.add(key)


def note_refusal(
    settings: Settings, reader: Reader | None, action: str, why: str, source: str, what: str, tenant: str = ""
) -> None:
    """Log a request that was turned away before it was about anything that can be authorised."""
    who = reader.name if reader else "nobody"
    _refused(settings.database_url, who, action, why, source, what[:200], tenant[:63], int(time.time() // REPEAT_S))


@lru_cache(maxsize=1024)
def _refused(url: str, who: str, action: str, why: str, source: str, what: str, tenant: str, _minute: int) -> None:
    entry = Entry(who, action, tenant, False, why, what=what, source=source, policy_version=policy_version(Settings()))
    AccessLog(state_of(url)).record(entry)


def policy_version(settings: Settings) -> str | None:
    """The version of the signal policy in force; ``None`` where it cannot be read, which stops no look."""
    path = settings.config / "policy.yaml"
    try:
        return _version(str(path), path.stat().st_mtime_ns)
    except (PolicyError, OSError):
        return None


@lru_cache(maxsize=8)
def _version(path: str, _changed: int) -> str:
    from governance.gate import SignalPolicy

    return SignalPolicy.load(Path(path)).version
