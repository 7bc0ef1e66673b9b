"""What the audit chain says of the sessions in scope: changes, reviews, and who looked."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import or_
from sqlalchemy.orm import Session

from governance.audit.chain import TABLE, rows
from governance.audit.report.scope import ReportScope
from governance.audit.report.snapshot import plain
from governance.reviews import SUBJECT

OF_SESSIONS = ("revision", "review", "contest", "case")
CHANGES = (*OF_SESSIONS, "erasure", "hold", "restriction", "configuration_change", "delivery", "publish")


def changes(session: Session, scope: ReportScope, sessions: Collection[str]) -> dict[str, Any]:
    """Every change since the last report of the same scope, oldest first; those of single sessions only where in scope.

    ``since`` names that report and says how many changes lie before it; ``None`` for the first report.
    """
    before = rows(session, TABLE.action == "export", TABLE.object == scope.mark, newest_first=True, limit=1)
    seen = before[0]["seq"] if before else 0
    of_tenant = or_(TABLE.tenant.is_(None), TABLE.tenant == scope.tenant)
    found = [
        row
        for row in rows(session, TABLE.action.in_(CHANGES), of_tenant)
        if row["action"] not in OF_SESSIONS or row["object"] in sessions
    ]
    fresh = [row for row in found if row["seq"] > seen]
    told = {
        "report": before[0]["body"].get("id"), "event": seen, "at": plain(before[0]["at"]),
        "earlier": len(found) - len(fresh),
    } if before else None  # fmt: skip
    return {"since": told, "events": [_shown(row) for row in fresh]}


def reviews(session: Session, scope: ReportScope, sessions: Collection[str]) -> dict[str, list[dict[str, Any]]]:
    """Reviews by session, oldest first, as events; none of one whose words an erasure took."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows(session, TABLE.action == "review", TABLE.tenant == scope.tenant):
        if row["object"] in sessions and "verdict" in row["body"]:
            found.setdefault(row["object"], []).append(row)
    return found


def reviewed(events: Iterable[Mapping[str, Any]], scores: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Reviews of one session: who, when, verdict and reason, and the score before and after.

    ``scores`` are those of the session. ``before`` is ``None`` where the score reviewed is no longer among them, and
    ``after`` for a score that was rejected, since it counts no longer.
    """
    at = {tuple(score[name] for name in SUBJECT): score for score in scores}
    return [_review(event, at.get(tuple(event["body"][name] for name in SUBJECT))) for event in events]


def looks(session: Session, scope: ReportScope, sessions: Collection[str]) -> list[dict[str, Any]]:
    """Who looked at these sessions, and who was refused: counts by person and action."""
    counted: dict[tuple[Any, ...], int] = {}
    for row in rows(session, TABLE.action == "access", TABLE.tenant == scope.tenant):
        if row["object"] in sessions:
            key = (row["actor"], row["body"].get("did"), row["body"].get("allowed"))
            counted[key] = counted.get(key, 0) + 1
    return [
        {"who": key[0], "did": key[1], "allowed": key[2], "times": n} for key, n in sorted(counted.items(), key=str)
    ]


def _review(event: Mapping[str, Any], score: Mapping[str, Any] | None) -> dict[str, Any]:
    body = event["body"]
    before = None if score is None else {name: score[name] for name in ("overall", "passed", "criteria")}
    after = {"accept": before, "reject": None}.get(body["verdict"], {"criteria": body.get("adjusted")})
    return {
        "seq": event["seq"], "by": event["actor"], "at": plain(event["at"]), "verdict": body["verdict"],
        "reason": body["reason"], "four_eyes": body.get("four_eyes", False),
        **{name: body[name] for name in SUBJECT}, "before": before, "after": after,
    }  # fmt: skip


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "seq": row["seq"], "at": plain(row["at"]), "action": row["action"], "actor": row["actor"],
        "object": row["object"], "facts": row["body"],
    }  # fmt: skip
