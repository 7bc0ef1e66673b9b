"""Writes looks into the access log: once for each page session, action and object, not for every rerun.

A look that cannot be logged does not happen: whoever calls these lets the error stop the page or the route.
"""

import time
from collections.abc import MutableSet
from functools import lru_cache

from dashboards.access import Reader, state_of
from governance.access import Decision, Thing
from governance.access.log import AccessLog, Entry
from governance.policy import version_in_force
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
    entry = Entry.of(
        reader, action, thing, decision, what=what, reason=reason, policy_version=version_in_force(settings.config)
    )
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
    entry = Entry(
        who, action, tenant, False, why, what=what, source=source, policy_version=version_in_force(Settings().config)
    )
    AccessLog(state_of(url)).record(entry)
