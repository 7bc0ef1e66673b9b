"""Human review of scores: accept, adjust or reject with a reason, and a learner's word against a score.

Reviews are events of the audit chain and nothing else, so that none can be overwritten: a later one stands beside the
earlier. Where ``reviews.four_eyes`` of config/access.yaml names the scenario, a review holds once a second person
has come to the same verdict.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import polars as pl

from governance.access import Thing, User, authorize
from governance.audit.chain import TABLE, Event, append, rows
from governance.state import State

Verdict = Literal["accept", "adjust", "reject"]
STATES: Mapping[str, str] = {"accept": "accepted", "adjust": "adjusted", "reject": "rejected"}
SUBJECT = ("rubric_id", "rubric_version", "scorer_kind", "scorer_id", "scorer_version", "revision")
FRAME = {
    "tenant": pl.String,
    "session_id": pl.String,
    **dict.fromkeys(SUBJECT[:-1], pl.String),
    "revision": pl.Int32,
    "state": pl.String,
    "reviewer": pl.String,
    "reason": pl.String,
    "reviewed_at": pl.Datetime("us", "UTC"),
    "adjusted": pl.String,
    "by_two": pl.Boolean,
    "seq": pl.Int64,
}
LONGEST = 2_000


class ReviewRefusedError(Exception):
    """A review or contest that cannot be taken; the message says why."""


@dataclass(frozen=True)
class Subject:
    """The score that a review is about: one scorer's, on one rubric version, in one revision."""

    rubric_id: str
    rubric_version: str
    scorer_kind: str
    scorer_id: str
    scorer_version: str
    revision: int

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Subject":
        """The subject of a row of ``session_scores``."""
        return cls(**{name: row[name] for name in SUBJECT})


class Reviews:
    """The reviews of one installation."""

    def __init__(self, state: State) -> None:
        self.state = state

    def decide(
        self, user: User, thing: Thing, subject: Subject, verdict: Verdict, reason: str, *,
        adjusted: Mapping[str, float] | None = None, before: Any = None, four_eyes: bool = False,
        now: datetime | None = None,
    ) -> str:  # fmt: skip
        """Take a review; the state of the score afterwards, ``pending`` while a second person has to agree.

        Raises:
            ReviewRefusedError: Not this user, no reason, or an adjustment without scores.
        """
        decision = authorize(user, "review", thing, now=now)
        if not decision.allowed:
            raise ReviewRefusedError(f"you may not review this session ({decision.why})")
        text = _said(reason)
        if (verdict == "adjust") is not bool(adjusted):
            raise ReviewRefusedError("an adjustment, and only an adjustment, gives new scores")
        facts = {
            "verdict": verdict, "reason": text, "four_eyes": four_eyes,
            **{name: getattr(subject, name) for name in SUBJECT},
            **({"adjusted": dict(adjusted)} if adjusted else {}),
        }  # fmt: skip
        event = Event(
            "review", user.name, str(thing.session_id), thing.tenant, thing.learner_key, facts,
            before=before, after={"verdict": verdict, "adjusted": adjusted}, at=now,
        )  # fmt: skip
        with self.state.session() as session:
            append(session, [event])
            found = rows(
                session, TABLE.action == "review", TABLE.object == thing.session_id, TABLE.tenant == thing.tenant
            )
        standing = [row for row in settled(found) if all(row[name] == getattr(subject, name) for name in SUBJECT)]
        return standing[-1]["state"] if standing else "pending"

    def contest(self, user: User, thing: Thing, reason: str, now: datetime | None = None) -> None:
        """A learner's word against the score of their own session; it puts the session into the queue.

        Raises:
            ReviewRefusedError: Not their session, or no reason.
        """
        decision = authorize(user, "contest", thing, now=now)
        if not decision.allowed:
            raise ReviewRefusedError(f"you may not contest this session ({decision.why})")
        event = Event(
            "contest",
            user.name,
            str(thing.session_id),
            thing.tenant,
            thing.learner_key,
            {"reason": _said(reason)},
            at=now,
        )
        with self.state.session() as session:
            append(session, [event])

    def frame(self, tenant: str | None = None) -> pl.DataFrame:
        """One row per score with a review, as it stands; ``pending`` where a second person has yet to agree."""
        with self.state.reading() as session:
            found = rows(session, TABLE.action == "review", *([] if tenant is None else [TABLE.tenant == tenant]))
        return pl.DataFrame(settled(found), schema=FRAME)

    def contested(self, tenant: str) -> dict[str, str]:
        """Sessions that a learner contested after their last review, with what they said."""
        kinds = TABLE.action.in_(["review", "contest"])
        with self.state.reading() as session:
            found = rows(session, kinds, TABLE.tenant == tenant)
        waiting: dict[str, str] = {}
        for row in found:
            if row["action"] == "contest":
                waiting[row["object"]] = row["body"].get("reason", "")
            else:
                waiting.pop(row["object"], None)
        return waiting

    def history(self, tenant: str, session_id: str) -> list[dict[str, Any]]:
        """Everything said of a session's scores, oldest first."""
        with self.state.reading() as session:
            kinds = TABLE.action.in_(["review", "contest"])
            return rows(session, kinds, TABLE.tenant == tenant, TABLE.object == session_id)


def settled(events: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """How each reviewed score stands after the events, in their order."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in events:
        body = row["body"]
        if "verdict" not in body:  # erased
            continue
        key = (row["tenant"], row["object"], *(body[name] for name in SUBJECT))
        before = found.get(key)
        alone = body.get("four_eyes", False) and not _agrees(before, row)
        found[key] = {
            "tenant": row["tenant"], "session_id": row["object"], **{name: body[name] for name in SUBJECT},
            "state": "pending" if alone else STATES[body["verdict"]],
            "reviewer": row["actor"], "reason": body["reason"], "reviewed_at": row["at"],
            "adjusted": None if "adjusted" not in body else pl.Series([body["adjusted"]]).struct.json_encode()[0],
            "by_two": body.get("four_eyes", False) and not alone, "seq": row["seq"], "_verdict": body["verdict"],
        }  # fmt: skip
    return [{name: value for name, value in each.items() if name != "_verdict"} for each in found.values()]


def _agrees(before: Mapping[str, Any] | None, row: Mapping[str, Any]) -> bool:
    """Whether an earlier, different person came to the same verdict, scores included."""
    if before is None or before["reviewer"] == row["actor"] or before["_verdict"] != row["body"]["verdict"]:
        return False
    given = row["body"].get("adjusted")
    return before["adjusted"] == (None if given is None else pl.Series([given]).struct.json_encode()[0])


def _said(reason: str) -> str:
    text = " ".join(reason.split())[:LONGEST]
    if not text:
        raise ReviewRefusedError("give a reason: whoever reads the audit report wants to know why")
    return text
