"""The reconciling pull: sessions that lack parts some time after their end are asked for at the engine.

What the engine answers goes through the same gate into the same inbox; an event that a webhook has
brought already is a repeat there and nothing more.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from governance import secrets
from governance.gate import SignalPolicy
from governance.identities import Identities
from governance.inbox import Inbox, Parcel
from governance.launches import Launches
from governance.names import engine_of
from governance.pulls import Candidate, Pulls
from governance.settings import Settings
from governance.state import State
from integrations.engine import delivery, pull
from integrations.engine import vocabulary as v
from integrations.engine.refusals import Refusal

LOG = logging.getLogger("rolecall.reconcile")
AT_ONCE = 200  # conversations a run; the rest waits for the next one
PARTS = (
    frozenset({v.TRANSCRIPT}),
    frozenset({v.PERCEPTION, v.NO_PERCEPTION}),
    frozenset({v.POST_CALL}),
)


class Conversations(Protocol):
    """The part of the pull client that is used here."""

    def conversation(self, conversation_id: str, verbose: bool = True) -> dict[str, Any] | None:
        """One conversation, None where the engine has none of this id."""
        ...


@dataclass(frozen=True)
class Reconciled:
    """What one run did: sessions by outcome, and events by what became of them."""

    complete: int = 0
    partial: int = 0
    gone: int = 0
    failed: int = 0
    new: int = 0
    repeated: int = 0
    refused: int = 0

    @property
    def asked(self) -> int:
        """Sessions that the engine was asked about."""
        return self.complete + self.partial + self.gone + self.failed


def reconcile(
    settings: Settings, state: State, client: Conversations, now: datetime | None = None, limit: int = AT_ONCE
) -> Reconciled:
    """Pull what is due at ``now`` (default: the clock's time) and put it into the inbox."""
    now = now or datetime.now(UTC)
    desk = _Desk(
        client=client,
        inbox=Inbox(state),
        launches=Launches(state, Identities(state, secrets.secret_key(settings))),
        policy=SignalPolicy.load(settings.config / "policy.yaml"),
        now=now,
    )
    pulls = Pulls(state)
    candidates = pulls.candidates(v.ENGINE, now)
    pulls.settle(one for one in candidates if complete(one.seen))
    total = Reconciled()
    for candidate in due(candidates, now, settings.reconcile_after_s)[:limit]:
        outcome, events = desk.ask(candidate)
        pulls.record(candidate, outcome, now, news=events.get("new", 0) > 0)
        total = _plus(total, {outcome: 1, **events})
    return total


def reconcile_if_possible(settings: Settings, state: State, now: datetime) -> Reconciled | None:
    """Pull from the engine of ``settings``; None where no key for it is set."""
    if settings.engine_key is None:
        return None
    with pull.PullClient(settings.engine_url, settings.engine_key.get_secret_value()) as client:
        return reconcile(settings, state, client, now)


def due(candidates: Sequence[Candidate], now: datetime, after_s: float) -> list[Candidate]:
    """Those to ask about now; ids are unique within a tenant only, so tenants are judged one by one."""
    by_tenant: dict[str, dict[str, Candidate]] = {}
    for one in candidates:
        by_tenant.setdefault(one.tenant, {})[engine_of(one.session_id)[1]] = one
    return [own[name] for own in by_tenant.values() for name in pull.due(map(_facts, own.values()), now, after_s)]


def _facts(candidate: Candidate) -> dict[str, Any]:
    return {
        "engine_session_id": engine_of(candidate.session_id)[1],
        "ended_at": candidate.ended_at,
        "last_received_at": candidate.last_at,
        "complete": complete(candidate.seen),
        "pulled_at": candidate.pulled_at,
        "pulls": candidate.pulls,
    }


def complete(seen: frozenset[str]) -> bool:
    """Whether every part that a finished conversation has was delivered.

    Recordings are not asked for: they are off by default, and nothing says whether one was made.
    """
    return v.SHUTDOWN in seen and all(seen & part for part in PARTS)


@dataclass
class _Desk:
    """Asks about one session and stores the answer."""

    client: Conversations
    inbox: Inbox
    launches: Launches
    policy: SignalPolicy
    now: datetime

    def ask(self, candidate: Candidate) -> tuple[str, dict[str, int]]:
        """Outcome of one session, and its events by what became of them."""
        try:
            row = self.client.conversation(engine_of(candidate.session_id)[1])
        except pull.PullRefusedError:
            raise  # the key or the address is wrong: the next session would fare no better
        except pull.PullError as error:
            LOG.warning("%s: not pulled, to be tried again: %s", candidate.session_id, error)
            return "failed", {}
        if row is None:
            return "gone", {}
        parcels, refused = self._parcels(row, candidate)
        answers = self.inbox.accept(parcels)
        new = sum(answer.new for answer in answers)
        seen = candidate.seen | {parcel.event_type for parcel in parcels}
        counts = {"new": new, "repeated": len(answers) - new, "refused": len(refused)}
        for refusal in refused:
            LOG.warning("%s: an event was refused: %s: %s", candidate.session_id, refusal.rule, refusal.reason)
        return "complete" if complete(seen) else "partial", counts

    def _parcels(self, row: Mapping[str, Any], candidate: Candidate) -> tuple[list[Parcel], list[Refusal]]:
        """The conversation's events one by one, so that a bad one does not keep the good ones out."""
        place = self.launches.jurisdiction(candidate.tenant, candidate.session_id)
        parcels: list[Parcel] = []
        refused: list[Refusal] = []
        try:
            bodies = delivery.split_pull(row)
        except delivery.Refused as error:
            return [], [Refusal(error.rule, error.reason)]
        for body in bodies:
            try:
                read = list(self._read(body, candidate))
                parcels += [delivery.seal(one, candidate.tenant, place, self.policy) for one in read]
            except delivery.Refused as error:
                refused.append(Refusal(error.rule, error.reason))
        return parcels, refused

    def _read(self, body: Mapping[str, Any], candidate: Candidate) -> Iterator[delivery.Delivery]:
        for one in delivery.read_all(body, "pull", self.now):
            if one.session_id != candidate.session_id:
                raise delivery.Refused("wrong_conversation", "the engine answered with another conversation's event")
            yield one


def _plus(total: Reconciled, counts: Mapping[str, int]) -> Reconciled:
    return replace(total, **{name: getattr(total, name) + count for name, count in counts.items()})
