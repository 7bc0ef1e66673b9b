"""The results service: what a package in a learner's browser may ask, and what it is told.

A package's token says for which destination and scenario it asks; the LMS's learner id says nothing yet. Where learners
have to claim, an answer needs a learner's token, issued against a personal code and bound to that id; a company's login
makes such a code (``sso``). Every answer,
given or refused, is written down before it leaves.
"""

import logging
import secrets as random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from governance.access.log import AccessLog, Entry
from governance.catalog import Catalog
from governance.catalog_models import Scenario
from governance.gate import SignalPolicy
from governance.identities import Identities
from governance.launches import Launch, Launches
from governance.lms_identities import Binding, LmsIdentities
from governance.lms_results import LmsResults, Released
from governance.names import session_id
from governance.packages import Packages
from governance.policy import Verdict
from governance.privacy.restrictions import Restrictions
from integrations.engine import callers
from integrations.engine.pull import PullClient, PullError
from integrations.scorm import destinations, live, marks, package, released, signing
from integrations.scorm.destinations import Destination, DestinationError
from integrations.scorm.marks import LearnerMark
from integrations.scorm.rates import Rates
from integrations.scorm.results import Found, Result, Results
from integrations.scorm.sso import Logins

LOG = logging.getLogger("rolecall.gateway")
ENGINE = "cvi"
WHO = "service:results"
FLOODS = ("too_many", "forged_package")  # of which a few a minute are written down, or anybody could fill the disk
RENEW_BEFORE = timedelta(days=7)
Short = Annotated[str, Field(max_length=200)]
Token = Annotated[str, Field(max_length=2_000)]


class Asked(BaseModel):
    """The body of a request; which fields count depends on the route."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    package: Token
    learner: Short
    token: Token | None = None
    conversation: Short | None = None
    code: Annotated[str, Field(max_length=40)] | None = None
    language: Annotated[str, Field(max_length=12)] | None = None
    memory: bool = False


@dataclass(frozen=True)
class Reply:
    """Status, body, the origin that may read it, and what is written down."""

    status: int
    body: dict[str, Any]
    entry: Entry
    readable_by: str | None = None
    retry_after_s: float | None = None


@dataclass(frozen=True)
class Place:
    """Where a request comes from: a standing package of a destination, and the origin of its page."""

    name: str
    destination: Destination
    scenario: Scenario
    asked: Asked
    origin: str
    now: datetime

    @property
    def entry(self) -> Entry:
        """What is written down, as far as it is known already."""
        what = f"{self.name}/{self.scenario.id}"
        return Entry(WHO, "", self.destination.tenant, allowed=False, what=what, source=self.origin, at=self.now)


@dataclass(frozen=True)
class Known:
    """Who asks. ``proven`` by a learner's token, not by the LMS's id alone; ``mark`` is that token's content."""

    binding: Binding
    proven: bool
    mark: LearnerMark | None = None


@dataclass
class Limits:
    """How much one package, one learner's id and one guesser of codes may ask."""

    package: Rates = field(default_factory=lambda: Rates(burst=120, per_minute=1200))
    learner: Rates = field(default_factory=lambda: Rates(burst=20, per_minute=40))
    codes: Rates = field(default_factory=lambda: Rates(burst=6, per_minute=2))
    launches: Rates = field(default_factory=lambda: Rates(burst=3, per_minute=1))
    floods: Rates = field(default_factory=lambda: Rates(burst=20, per_minute=10))


@dataclass
class Service:
    """Answers of one installation; every method is plain and blocking, routes run them on threads."""

    config: Path
    catalog: Catalog
    policy: SignalPolicy
    packages: Packages
    people: LmsIdentities
    identities: Identities
    launches: Launches
    results: Results
    issued: LmsResults
    log: AccessLog
    secret: bytes
    callback_secret: bytes
    engine: Callable[[], PullClient | None]
    logins: Logins
    limits: Limits = field(default_factory=Limits)
    clock: Callable[[], float] = time.monotonic

    @cached_property
    def key(self) -> Any:
        """The key that signs results."""
        return signing.private_key(self.secret)

    def answer(self, action: str, asked: Asked, origin: str, now: datetime | None = None) -> Reply:
        """The answer to one request, written down.

        ``action`` is result, claim, login, launch or end; ``origin`` what the browser says it is.
        """
        reply = self._answer(action, asked, origin, now or datetime.now(UTC))
        who = marks.pseudonym(self.secret, asked.learner)
        entry = replace(reply.entry, action=f"lms_{action}", what=f"{reply.entry.what or '?'} {who}")
        if entry.why not in FLOODS or self.limits.floods.take(f"{entry.why}/{reply.entry.what}", self.clock()) == 0:
            self.log.record(entry)
        return replace(reply, entry=entry)

    def known_origin(self, origin: str) -> bool:
        """Whether any destination lists the origin; a preflight names no package."""
        return any(origin in each.origins for _, each in destinations.every(self.config))

    def _answer(self, action: str, asked: Asked, origin: str, now: datetime) -> Reply:
        place = self._place(asked, origin, now)
        if isinstance(place, Reply):
            return place
        wait = self._wait(action, place)
        if wait > 0:
            return _limited(place, wait)
        if not asked.learner.strip():
            return _state(place, "unknownLearner", "no_id")
        routes: Mapping[str, Callable[[Place], Reply]] = {
            "result": self._result, "claim": self._claim, "login": self._login, "launch": self._launch,
            "end": self._end,
        }  # fmt: skip
        return routes[action](place)

    def _place(self, asked: Asked, origin: str, now: datetime) -> Place | Reply:
        mark = marks.package_mark(self.secret, asked.package)
        if mark is None:
            return self._no_package("?", origin, now, "forged_package")
        try:
            destination = destinations.load(self.config, mark.destination)
            scenario = package.scenario_of(self.catalog, mark.scenario_id)
        except (DestinationError, package.PackageError) as error:
            LOG.warning("a package asks for what is not configured any more: %s", error)
            return self._no_package(mark.destination, origin, now, "not_configured")
        place = Place(mark.destination, destination, scenario, asked, origin, now)
        if origin not in destination.origins:
            return replace(_refused(place, "origin"), readable_by=None)
        if not self.packages.stands(mark.destination, mark.scenario_id, mark.issue):
            return _refused(place, "revoked_package")
        return place

    def _no_package(self, name: str, origin: str, now: datetime, why: str) -> Reply:
        entry = Entry(WHO, "", "unknown", allowed=False, why=why, what=name, source=origin, at=now)
        return Reply(403, {"state": "refused"}, entry, origin if self.known_origin(origin) else None)

    def _wait(self, action: str, place: Place) -> float:
        now, who = self.clock(), f"{place.name}/{place.asked.learner}"
        waits = [self.limits.package.take(f"{place.name}/{place.scenario.id}", now), self.limits.learner.take(who, now)]
        if action == "claim":
            waits.append(self.limits.codes.take(who, now))
        if action == "launch":
            waits.append(self.limits.launches.take(who, now))
        return max(waits)

    def _who(self, place: Place) -> Known | str:
        """Who asks, or the code of why that is not known."""
        scheme, asked = place.destination.scheme, place.asked
        binding = self.people.find(place.name, scheme, asked.learner)
        why = "unknown_id" if binding is None else "unproven_id"
        if asked.token:
            mark = marks.learner_mark(self.secret, asked.token, place.now)
            if mark is None:
                why = "forged_or_ended_token"
            elif (mark.destination, mark.scheme, mark.external_id) != (place.name, scheme, asked.learner):
                why = "token_of_another"
            elif binding is None or binding.number != mark.binding:
                why = "binding_ended"
            else:
                return Known(binding, proven=True, mark=mark)
        if binding is not None and place.destination.identity == "mapped" and why == "unproven_id":
            return Known(binding, proven=False)
        return why

    def _stranger(self, place: Place, why: str) -> Reply:
        return _state(place, "unmapped" if place.destination.identity == "mapped" else "unbound", why)

    def _result(self, place: Place) -> Reply:
        known = self._who(place)
        if isinstance(known, str):
            return self._stranger(place, known)
        if known.binding.learner_key in Restrictions(self.identities.state).standing(known.binding.tenant):
            return _state(place, "none", "restricted", known)
        awaited = place.asked.conversation and session_id(ENGINE, place.asked.conversation)
        if awaited and not self._owns(place, known, awaited):
            return _state(place, "none", "session_of_another", known, session=awaited)
        found = self._find(place, known, awaited or None)
        if found.result is None:
            return self._with_token(place, known, _state(place, found.state, "ok", known, allowed=True))
        frozen = self._freeze(place, known, found.result)
        body: dict[str, Any] = {"state": "result", "jws": frozen.jws}
        if known.proven:
            body["comments"] = {item.id: item.comment for item in found.result.criteria if item.comment}
        entry = replace(
            place.entry, allowed=True, why="ok", learner_key=known.binding.learner_key,
            session_id=found.result.session_id,
        )  # fmt: skip
        return self._with_token(place, known, Reply(200, body, entry, place.origin))

    def _find(self, place: Place, known: Known, awaited: str | None) -> Found:
        rubrics = {each.rubric.id for (name, _), each in self.catalog.scenarios.items() if name == place.scenario.id}
        return self.results.find(
            known.binding.tenant, known.binding.learner_key, place.scenario.id, sorted(rubrics),
            place.destination.counts, awaited,
        )  # fmt: skip

    def _owns(self, place: Place, known: Known, awaited: str) -> bool:
        """Whether the session was launched for the learner who asks."""
        launched = self.launches.frame(known.binding.tenant, [awaited])
        return launched.height == 1 and launched["learner_key"][0] == known.binding.learner_key

    def _freeze(self, place: Place, known: Known, result: Result) -> Released:
        external, binding = place.asked.learner, known.binding
        identity = released.result_id(place.name, place.destination.scheme, external, result)
        completed_by = place.scenario.lms.completed_by if place.scenario.lms else "attempt"

        def make() -> Released:
            claims = released.claims(place.name, external, place.scenario, completed_by, identity, result)
            jws = signing.sign(claims, self.key)
            return Released(
                result_id=identity, destination=place.name, tenant=binding.tenant, learner_key=binding.learner_key,
                external_id=external, session_id=result.session_id, scenario_id=place.scenario.id,
                scaled=result.overall, status=result.status, signature=signing.prefix(jws), jws=jws,
                issued_at=place.now,
            )  # fmt: skip

        return self.issued.freeze(identity, make)

    def _with_token(self, place: Place, known: Known, reply: Reply) -> Reply:
        """A fresh token where the learner's own is about to end."""
        if known.mark is None or known.mark.expires > (place.now + RENEW_BEFORE).timestamp():
            return reply
        return replace(reply, body={**reply.body, "token": self._token(place, known.binding)})

    def _token(self, place: Place, binding: Binding) -> str:
        until = place.now + timedelta(days=place.destination.token_days)
        mark = LearnerMark(
            place.name, place.destination.scheme, place.asked.learner, binding.number, int(until.timestamp())
        )
        return marks.learner_token(self.secret, mark)

    def _claim(self, place: Place) -> Reply:
        digest = marks.code_digest(self.secret, place.name, place.asked.code or "")
        why, binding = self.people.claim(place.name, place.destination.scheme, place.asked.learner, digest, place.now)
        if binding is None:
            return _state(place, "wrongCode", why)
        entry = replace(place.entry, allowed=True, why="ok", learner_key=binding.learner_key)
        return Reply(200, {"state": "bound", "token": self._token(place, binding)}, entry, place.origin)

    def _login(self, place: Place) -> Reply:
        if place.destination.identity != "sso":
            return _refused(place, "not_sso")
        if self.logins.provider is None:
            LOG.warning("nobody can log in from an LMS: set ROLECALL_OIDC_METADATA_URL and its companions")
            return _state(place, "loginFailed", "no_provider")
        asked = place.asked
        address = self.logins.begin(
            place.name, place.destination, asked.learner, place.origin, asked.language, place.now
        )  # fmt: skip
        reply = _state(place, "login", "ok", allowed=True)
        return replace(reply, body={**reply.body, "address": address})

    def _launch(self, place: Place) -> Reply:
        known = self._who(place)
        if isinstance(known, str):
            return self._stranger(place, known)
        if place.destination.mode != "live":
            return _refused(place, "not_live", known)
        client = self.engine()
        if client is None:
            LOG.warning("no role-play can be started: ROLECALL_ENGINE_KEY is not set")
            return _state(place, "startFailed", "no_engine", known)
        with client:
            try:
                return self._start(place, known, client)
            except (PullError, live.NotPlayableError) as error:
                LOG.warning("a role-play was not started: %s", error)
                return _state(place, "startFailed", "engine", known)

    def _start(self, place: Place, known: Known, client: PullClient) -> Reply:
        language = live.spoken(place.scenario, place.asked.language)
        callback = callers.issue_ahead(self.callback_secret, known.binding.tenant, random.token_urlsafe(9))
        notes = self._notes(place, known) if place.asked.memory else None
        made = client.create(live.conversation(place.scenario, place.destination, language, callback, notes))
        conversation = made["conversation_id"]
        try:
            self._register(place, known, conversation, language)
        except Exception:
            client.end(conversation)  # nobody would know whose it is
            raise
        entry = replace(
            place.entry, allowed=True, why="with_notes" if notes else "ok", learner_key=known.binding.learner_key,
            session_id=session_id(ENGINE, conversation),
        )  # fmt: skip
        body = {"state": "started", "conversation": conversation, "room": made["conversation_url"]}
        return self._with_token(place, known, Reply(200, body, entry, place.origin))

    def _notes(self, place: Place, known: Known) -> str | None:
        """Practice notes where destination and policy allow them; the learner has agreed already."""
        jurisdiction = self.identities.jurisdiction(known.binding.tenant, known.binding.learner_key)
        allowed = self.policy.verdict(jurisdiction, "score") is Verdict.ALLOW
        found = self._find(place, known, None) if allowed and place.destination.live.memory else None
        if found is None or found.result is None:
            return None
        return live.practice_notes(place.scenario, found.result, self.catalog.rubrics)

    def _register(self, place: Place, known: Known, conversation: str, language: str) -> None:
        tenant, key = known.binding.tenant, known.binding.learner_key
        person = self.identities.person(tenant, key)
        launch = Launch(
            tenant=tenant,
            conversation_id=conversation,
            learner_id=person.learner_id if person else None,
            scenario_id=place.scenario.id,
            scenario_version=place.scenario.version,
            attempt=self.results.sessions(tenant, key, place.scenario.id) + 1,
            assigned=place.destination.live.assigned,
            language=language,
            notice_ref=place.destination.live.notice_ref,
            launched_at=place.now,
        )
        self.launches.record([launch], place.now)

    def _end(self, place: Place) -> Reply:
        known = self._who(place)
        if isinstance(known, str):
            return self._stranger(place, known)
        session = session_id(ENGINE, place.asked.conversation or "")
        if not self._owns(place, known, session):
            return _state(place, "none", "session_of_another", known, session=session)
        client = self.engine()
        if client is not None and place.asked.conversation:
            with client:
                try:
                    client.end(place.asked.conversation)
                except PullError as error:
                    LOG.warning("a conversation was not ended: %s", error)
        return _state(place, "ended", "ok", known, session=session, allowed=True)


def _state(
    place: Place, state: str, why: str, known: Known | None = None, *, session: str | None = None, allowed: bool = False
) -> Reply:
    """An answer without a result."""
    key = known.binding.learner_key if known else None
    entry = replace(place.entry, allowed=allowed, why=why, learner_key=key, session_id=session)
    return Reply(200, {"state": state}, entry, place.origin)


def _refused(place: Place, why: str, known: Known | None = None) -> Reply:
    return replace(_state(place, "refused", why, known), status=403)


def _limited(place: Place, wait_s: float) -> Reply:
    return replace(_state(place, "limited", "too_many"), status=429, retry_after_s=wait_s)
