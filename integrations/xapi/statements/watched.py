"""What the scenario watched for: objectives completed, guardrails crossed."""

from collections.abc import Iterator
from typing import Any

import orjson

from integrations.xapi.encoder import Draft, after, number
from integrations.xapi.facts import Watched
from integrations.xapi.statements.scene import VERBS, Scene
from integrations.xapi.vocabulary import Extension, Kind, Template, Type, Verb


def drafts(scene: Scene) -> Iterator[Draft]:
    """One statement an objective completed, one a crossing of a guardrail."""
    for event in scene.session.watched:
        yield completed(scene, event) if event.kind == "objective" else deviated(scene, event)


def completed(scene: Scene, event: Watched) -> Draft:
    """The learner reached an objective of the scenario."""
    at, extensions = _when(scene, event)
    result: dict[str, Any] = {"completion": True}
    if extensions:
        result["extensions"] = extensions
    return _draft(
        scene, event, at, result, Kind.OBJECTIVE, Template.OBJECTIVE, Verb.COMPLETED, Type.OBJECTIVE, (event.name,)
    )


def deviated(scene: Scene, event: Watched) -> Draft:
    """The learner crossed a line that the scenario draws; severity and regulation are the scenario's."""
    at, extensions = _when(scene, event)
    if event.severity is not None:
        extensions[Extension.SEVERITY] = event.severity
    if event.regulation is not None:
        extensions[Extension.REGULATION] = event.regulation
    result: dict[str, Any] = {"success": False}
    if extensions:
        result["extensions"] = extensions
    subject = (event.name, str(event.nth))
    return _draft(scene, event, at, result, Kind.GUARDRAIL, Template.GUARDRAIL, Verb.DEVIATED, Type.GUARDRAIL, subject)


def _when(scene: Scene, event: Watched) -> tuple[str, dict[str, Any]]:
    """The instant, and its place in the session; without one, the session's end, marked by a missing offset."""
    if event.at_s is None:
        return scene.closed, {}
    extensions: dict[str, Any] = {Extension.OFFSET: number(event.at_s, 2)}
    if event.alignment is not None:
        extensions[Extension.ALIGNMENT] = event.alignment
    return after(scene.session.started_at, event.at_s), extensions


def _draft(
    scene: Scene, event: Watched, at: str, result: dict[str, Any],
    kind: Kind, template: Template, verb: Verb, type_: Type, subject: tuple[str, ...],
) -> Draft:  # fmt: skip
    folder = "objectives" if kind is Kind.OBJECTIVE else "guardrails"
    return Draft(
        kind,
        template,
        subject,
        (scene.mark, at, event.at_s, event.alignment, event.severity, event.regulation),
        at,
        scene.actor,
        VERBS[verb],
        scene.cast.json(type_, event.name, scene.tenant, *scene.scenario_steps, folder, event.name),
        scene.part,
        orjson.dumps(result),
    )
