"""Mastery reached: the learner's level in a competency passed the catalog's mark in this session."""

import orjson

from integrations.xapi.encoder import Draft, number
from integrations.xapi.facts import Mastery
from integrations.xapi.statements.scene import VERBS, Scene
from integrations.xapi.vocabulary import Extension, Kind, Template, Type, Verb


def mastered(scene: Scene, reached: Mastery) -> Draft:
    """The level is the mart's: the mean over attempts, weights doubling every three, after two attempts or more."""
    level, required = number(reached.level), number(reached.required)
    result = {
        "score": {"scaled": level},
        "success": True,
        "extensions": {Extension.MASTERY_LEVEL: required, Extension.ATTEMPTS_TO_MASTERY: reached.attempts},
    }
    name = scene.cast.names.competencies.get(reached.competency)
    return Draft(
        Kind.MASTERY,
        Template.MASTERY,
        (reached.competency,),
        (scene.mark, scene.closed, level, required, reached.attempts),
        scene.closed,
        scene.actor,
        VERBS[Verb.MASTERED],
        scene.cast.json(Type.COMPETENCY, name, scene.tenant, "competencies", reached.competency),
        scene.part,
        orjson.dumps(result),
    )
