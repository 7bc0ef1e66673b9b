"""Concepts of the profile: the IRIs that are ours, each with its meaning and, for extensions, the shape of its value.

Registered verbs and types are not listed: their own vocabularies define them, templates refer to them.
"""

import json
from typing import Any

from integrations.xapi.vocabulary import Extension, Relevant, Type, Verb

TEXT, TRUTH, COUNT, NUMBER = {"type": "string"}, {"type": "boolean"}, {"type": "integer"}, {"type": "number"}
POSITIVE = COUNT | {"minimum": 1}
EVIDENCE = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["turn"],
        "additionalProperties": False,
        "properties": {"turn": COUNT | {"minimum": 0}, "start": NUMBER, "end": NUMBER},
    },
}

# IRI: label, definition, schema of the value
CONTEXT: dict[str, tuple[str, str, dict[str, Any]]] = {
    Extension.SCENARIO_VERSION: ("scenario version", "Version of the scenario rehearsed.", TEXT),
    Extension.RUBRIC_VERSION: ("rubric version", "Version of the rubric that the score refers to.", TEXT),
    Extension.RUBRIC_UNCATALOGUED: (
        "rubric uncatalogued", "The rubric is not in the catalog; its scale is the scorer's own.", TRUTH,
    ),
    Extension.SCORER_KIND: (
        "scorer kind", "Who scored: the engine's model, another model, or a person.",
        TEXT | {"enum": ["engine_llm", "our_llm", "human"]},
    ),
    Extension.SCORER_ID: ("scorer id", "Tool or model that scored; a person by pseudonym.", TEXT),
    Extension.SCORER_VERSION: ("scorer version", "Version of the scorer, `unknown` where it gave none.", TEXT),
    Extension.POLICY_VERSION: (
        "policy version", "Version of the signal policy in force when the session was taken in.", TEXT,
    ),
    Extension.ATTEMPT: ("attempt", "Number of the learner's attempt at the scenario, from 1.", POSITIVE),
    Extension.ASSIGNED: ("assigned", "Assigned practice, as against free practice.", TRUTH),
}  # fmt: skip
RESULT: dict[str, tuple[str, str, dict[str, Any]]] = {
    Extension.END_REASON: ("end reason", "How the conversation ended, normalised.", TEXT),
    Extension.BLOCKERS_HIT: (
        "blockers hit", "Knock-out criteria below their minimum: they fail the session whatever the total.",
        {"type": "array", "minItems": 1, "items": TEXT},
    ),
    Extension.BLOCKER: ("blocker", "The criterion is a knock-out criterion.", TRUTH),
    Extension.COMPETENCY: ("competency", "Competency that the criterion feeds.", TEXT),
    Extension.EVIDENCE: (
        "evidence", "Turns that the scorer cites, by ordinal from 0, with seconds in the session where known.",
        EVIDENCE,
    ),
    Extension.OFFSET: ("offset", "Seconds from the session's start.", NUMBER | {"minimum": 0}),
    Extension.ALIGNMENT: (
        "alignment", "Whether the engine timed the event or it was placed at the nearest turn.",
        TEXT | {"enum": ["exact", "estimated"]},
    ),
    Extension.SEVERITY: (
        "severity", "Severity of the deviation, by the scenario.",
        TEXT | {"enum": ["info", "low", "medium", "high", "critical"]},
    ),
    Extension.REGULATION: ("regulation", "Rule that the scenario maps the guardrail to.", TEXT),
    Extension.MASTERY_LEVEL: ("mastery level", "Scaled level that counts as mastered.", NUMBER),
    Extension.ATTEMPTS_TO_MASTERY: ("attempts to mastery", "Scored attempts up to mastery.", POSITIVE),
}  # fmt: skip
OTHERS: tuple[tuple[str, str, str, str], ...] = (
    ("Verb", Verb.DEVIATED.value, "deviated", "The actor crossed a line that a guardrail of the scenario draws."),
    ("ActivityType", Type.GUARDRAIL.value, "guardrail", "A line in a conversation that must not be crossed."),
    ("ActivityType", Type.COMPETENCY.value, "competency", "What a person can do, fed by criteria of many rubrics."),
    ("ActivityType", Relevant.MANAGER.value, "manager", "The agent is the learner's manager (xAPI 2.0)."),
    ("ActivityType", Relevant.COHORT.value, "cohort", "The group is the learner's cohort (xAPI 2.0)."),
)


def concepts() -> list[dict[str, Any]]:
    """Verb, activity types and extensions of our own."""
    found: list[dict[str, Any]] = [
        {"id": iri, "type": kind, "prefLabel": {"en": label}, "definition": {"en": meaning}}
        for kind, iri, label, meaning in OTHERS
    ]
    for kind, extensions in (("ContextExtension", CONTEXT), ("ResultExtension", RESULT)):
        found += [
            {
                "id": iri,
                "type": kind,
                "prefLabel": {"en": label},
                "definition": {"en": meaning},
                "inlineSchema": json.dumps(schema, sort_keys=True),
            }
            for iri, (label, meaning, schema) in extensions.items()
        ]
    return found
