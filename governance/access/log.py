"""The access log: who looked at whose session, what they saw, why, when, from where, under which policy.

Its entries are events of the audit chain, so that the log itself cannot be trimmed. Refused attempts are entries too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from governance.access.rules import Decision
from governance.access.users import Thing, User
from governance.audit.chain import TABLE, Event, record, rows
from governance.state import State

LOG = {
    "seq": pl.Int64,
    "at": pl.Datetime("us", "UTC"),
    "who": pl.String,
    "action": pl.String,
    "allowed": pl.Boolean,
    "why": pl.String,
    "tenant": pl.String,
    "object": pl.String,
    "learner_key": pl.String,
    "what": pl.String,
    "reason": pl.String,
    "source": pl.String,
    "policy_version": pl.String,
}
LONGEST = 500
EVERY_TENANT = "*"  # of an entry about all of them
NEWEST = 5_000  # entries that a page shows; the filters narrow it


@dataclass(frozen=True)
class Entry:
    """One look, or one attempt at it. ``why`` is the decision's code, ``reason`` what the reader gave."""

    who: str
    action: str
    tenant: str
    allowed: bool
    why: str = "ok"
    session_id: str | None = None
    learner_key: str | None = None
    what: str | None = None
    reason: str | None = None
    source: str | None = None
    policy_version: str | None = None
    at: datetime | None = None

    @classmethod
    def of(
        cls, user: User | None, action: str, thing: Thing, decision: Decision, *, what: str | None = None,
        reason: str | None = None, policy_version: str | None = None, source: str | None = None,
    ) -> "Entry":  # fmt: skip
        """The entry of a decision."""
        return cls(
            who="nobody" if user is None else user.name, action=action, tenant=thing.tenant,
            allowed=decision.allowed, why=decision.why, session_id=thing.session_id, learner_key=thing.learner_key,
            what=what or thing.region, reason=reason, source=source or (None if user is None else user.source),
            policy_version=policy_version,
        )  # fmt: skip


class AccessLog:
    """The access log of one installation."""

    def __init__(self, state: State) -> None:
        self.state = state

    def record(self, entry: Entry) -> None:
        """Write one entry, durably."""
        self.record_many([entry])

    def record_many(self, entries: Sequence[Entry]) -> None:
        """Write entries in one transaction."""
        record(self.state, [_event(entry) for entry in entries])

    def frame(
        self, tenant: str | None = None, *, learner_key: str | None = None, since: datetime | None = None,
        until: datetime | None = None, limit: int | None = NEWEST,
    ) -> pl.DataFrame:  # fmt: skip
        """One row per entry, newest first; those about every tenant (``*``) belong to each."""
        conditions: list[Any] = [TABLE.action == "access"]
        conditions += [] if tenant is None else [TABLE.tenant.in_((tenant, EVERY_TENANT))]
        conditions += [] if learner_key is None else [TABLE.learner_key == learner_key]
        conditions += [] if since is None else [TABLE.at >= since]
        conditions += [] if until is None else [TABLE.at < until]
        with self.state.reading() as session:
            found = rows(session, *conditions, newest_first=True, limit=limit)
        return pl.DataFrame([_shown(row) for row in found], schema=LOG)


def _event(entry: Entry) -> Event:
    facts = {
        "did": entry.action,
        "allowed": entry.allowed,
        "why": entry.why,
        "what": _short(entry.what),
        "reason": _short(entry.reason),
        "source": _short(entry.source),
        "policy_version": entry.policy_version,
    }
    return Event(
        "access", entry.who[:LONGEST], (entry.session_id or "page")[:LONGEST], tenant=entry.tenant[:LONGEST],
        learner_key=entry.learner_key, facts={name: value for name, value in facts.items() if value is not None},
        at=entry.at,
    )  # fmt: skip


def _short(text: str | None) -> str | None:
    return None if text is None else " ".join(text.split())[:LONGEST]


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    body = row["body"]
    return {
        "seq": row["seq"], "at": row["at"], "who": row["actor"], "action": body.get("did"),
        "allowed": body.get("allowed"), "why": body.get("why"), "tenant": row["tenant"], "object": row["object"],
        "learner_key": row["learner_key"], "what": body.get("what"), "reason": body.get("reason"),
        "source": body.get("source"), "policy_version": body.get("policy_version"),
    }  # fmt: skip
