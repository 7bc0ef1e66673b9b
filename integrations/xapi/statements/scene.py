"""What the statements of one session share: actor, contexts, and the activities that many sessions share."""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from integrations.xapi.encoder import instant
from integrations.xapi.facts import Names, Score, Session
from integrations.xapi.identifiers import home_page, iri, registration
from integrations.xapi.vocabulary import DISPLAY, PROFILE_VERSION, Extension, Type, Verb

# BCP 47 as strict validators read it; a tag they refuse would cost the whole batch, so that it is left out instead.
LANGUAGE = re.compile(r"^[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?$")
PLATFORM = "Rolecall"

VERBS: dict[Verb, bytes] = {verb: orjson.dumps({"id": verb.value, "display": {"en": DISPLAY[verb]}}) for verb in Verb}
CATEGORY = orjson.Fragment(
    orjson.dumps([{"objectType": "Activity", "id": PROFILE_VERSION, "definition": {"type": Type.CATEGORY.value}}])
)


def present(**values: Any) -> dict[str, Any]:
    """The values that are there; absent is never null in a statement."""
    return {name: value for name, value in values.items() if value is not None}


def keyed(pairs: Mapping[str, Any]) -> dict[str, Any]:
    """Extensions that are there."""
    return {key: value for key, value in pairs.items() if value is not None}


def account(tenant: str, name: str) -> dict[str, Any]:
    """A pseudonymous person: one identifier, no name."""
    return {"objectType": "Agent", "account": {"homePage": home_page(tenant), "name": name}}


class Cast:
    """Activities with their names as JSON; made once, used by every session that plays in them."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self._made: dict[tuple[str, ...], bytes] = {}

    def json(self, kind: Type, name: str | None, tenant: str, *steps: str) -> bytes:
        """An activity; ``steps`` are its place below the tenant."""
        key = (kind, name or "", tenant, *steps)
        found = self._made.get(key)
        if found is None:
            definition: dict[str, Any] = {"type": kind.value}
            if name:
                definition["name"] = {self.names.language: name}
            found = orjson.dumps({"objectType": "Activity", "id": iri(tenant, *steps), "definition": definition})
            self._made[key] = found
        return found

    def scenario_name(self, session: Session) -> str | None:
        """Title of the scenario version."""
        return self.names.scenarios.get((session.scenario_id or "", session.scenario_version or ""))

    def rubric(self, tenant: str, score: Score) -> bytes:
        """The rubric as an activity."""
        title = self.names.rubrics.get((score.rubric_id, score.rubric_version))
        return self.json(Type.ASSESSMENT, title, tenant, "rubrics", score.rubric_id)


class Scene:
    """One session on its way into statements."""

    def __init__(self, session: Session, cast: Cast) -> None:
        self.session, self.cast = session, cast
        self.tenant = session.tenant
        steps = ("scenarios", session.scenario_id) if session.scenario_id else ("unnamed-scenario",)
        self.scenario_steps = steps
        self.scenario = cast.json(Type.SIMULATION, cast.scenario_name(session), session.tenant, *steps)
        self.actor = orjson.dumps(account(session.tenant, session.learner_key))
        self.started = instant(session.started_at)
        self.closed = self.started if session.ended_at is None else instant(session.ended_at)
        # What every statement of the session asserts: a change of any of it makes all of them other statements.
        # The policy version is not among them: it says how the session came in, not what happened in it.
        facts = (
            session.day.isoformat(), session.learner_key, session.scenario_id, session.scenario_version,
            session.attempt, session.assigned, session.language, self.started,
        )  # fmt: skip
        self.mark = orjson.Fragment(orjson.dumps(facts))
        attempt = iri(session.tenant, "sessions", session.session_id)
        self.attempt = {"objectType": "Activity", "id": attempt, "definition": {"type": Type.ATTEMPT.value}}
        self._extensions = keyed({
            Extension.SCENARIO_VERSION: session.scenario_version,
            Extension.ATTEMPT: session.attempt,
            Extension.ASSIGNED: session.assigned,
            Extension.POLICY_VERSION: session.policy_version,
        })  # fmt: skip
        self.whole = self.context()
        self.part = self.context(child=True)

    def context(self, score: Score | None = None, *, child: bool = False) -> bytes:
        """Context of a statement about the scenario, or (``child``) about something inside it."""
        grouping: list[Any] = [self.attempt]
        extensions = self._extensions
        if score is not None:
            grouping = [self.attempt, orjson.Fragment(self.cast.rubric(self.tenant, score))]
            extensions = extensions | scored_by(score)
        activities: dict[str, Any] = {"grouping": grouping, "category": CATEGORY}
        if child:
            activities = {"parent": [orjson.Fragment(self.scenario)], **activities}
        language = self.session.language
        return orjson.dumps(
            present(
                registration=registration(self.tenant, self.session.session_id),
                contextActivities=activities,
                platform=PLATFORM,
                language=language if language and LANGUAGE.match(language) else None,
                extensions=extensions,
            )
        )


def scored_by(score: Score) -> dict[str, Any]:
    """Context extensions that name rubric and scorer with their versions."""
    return keyed({
        Extension.RUBRIC_VERSION: score.rubric_version,
        Extension.RUBRIC_UNCATALOGUED: True if score.uncatalogued else None,
        Extension.SCORER_KIND: score.scorer_kind,
        Extension.SCORER_ID: score.scorer_id,
        Extension.SCORER_VERSION: score.scorer_version,
    })  # fmt: skip


def scorer_facts(score: Score) -> tuple[Any, ...]:
    """Who scored by what, as part of what a statement asserts."""
    return (score.rubric_version, score.scorer_kind, score.scorer_id, score.scorer_version)
