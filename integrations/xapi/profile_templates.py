"""Statement templates with their rules, and the patterns in which a session's statements follow each other."""

from typing import Any

from integrations.xapi.profile_concepts import CONTEXT, RESULT
from integrations.xapi.vocabulary import PROFILE, PROFILE_VERSION, Attachment, Extension, Template, Type, Verb

Rule = dict[str, Any]
LABELS: dict[Template, tuple[str, str]] = {
    Template.ATTEMPTED: ("session attempted", "The learner entered a conversation."),
    Template.COMPLETED: ("session completed", "The conversation came to its own end, or was scored."),
    Template.TERMINATED: ("session terminated", "The conversation ended before it was complete."),
    Template.PASSED: ("session passed", "The score reached the rubric's pass rule."),
    Template.FAILED: ("session failed", "The score missed the pass rule or a knock-out criterion."),
    Template.CRITERION: ("criterion scored", "One rubric criterion was scored on its own scale, with evidence."),
    Template.OBJECTIVE: ("objective completed", "The learner reached an objective of the scenario."),
    Template.GUARDRAIL: ("guardrail deviated", "The learner crossed a line that the scenario draws."),
    Template.REVIEW: ("session evaluated", "A person judged the learner's session."),
    Template.MASTERY: ("competency mastered", "The learner's level in a competency reached the mark."),
    Template.VOIDING: ("statement voided", "An earlier statement no longer holds; a newer one may replace it."),
}
PSEUDONYM = "$.actor.account.name | $.actor.mbox | $.actor.mbox_sha1sum"
SCORE = ("scaled", "raw", "min", "max")


def included(*locations: str) -> list[Rule]:
    """The locations have a value."""
    return [{"location": location, "presence": "included"} for location in locations]


def excluded(*locations: str) -> list[Rule]:
    """The locations have none."""
    return [{"location": location, "presence": "excluded"} for location in locations]


def recommended(*locations: str) -> list[Rule]:
    """The locations should have a value."""
    return [{"location": location, "presence": "recommended"} for location in locations]


def only(location: str, *values: Any) -> Rule:
    """The location has values, all of them among those given."""
    return {"location": location, "presence": "included", "all": list(values)}


def extension(where: str, iri: str) -> str:
    """JSONPath of an extension."""
    return f"$.{where}.extensions['{iri}']"


def _common() -> list[Rule]:
    """What holds for every statement but a voiding."""
    return [
        *included("$.id", "$.timestamp", PSEUDONYM, "$.context.registration"),
        {"location": "$.context.contextActivities.category[*].id", "presence": "included", "any": [PROFILE_VERSION]},
        {"location": "$.context.contextActivities.grouping[*].definition.type", "any": [Type.ATTEMPT.value]},
        *included(extension("context", Extension.POLICY_VERSION)),
        *recommended("$.context.language", extension("context", Extension.SCENARIO_VERSION)),
        *excluded("$.version", "$.stored", "$.authority", "$.actor.name", "$.result.response"),
    ]


def _score(*members: str) -> list[Rule]:
    return included(*(f"$.result.score.{member}" for member in members))


def _scorer() -> list[Rule]:
    wanted = (Extension.RUBRIC_VERSION, Extension.SCORER_KIND, Extension.SCORER_ID, Extension.SCORER_VERSION)
    return [
        *included(*(extension("context", iri) for iri in wanted)),
        {"location": "$.context.contextActivities.grouping[*].definition.type", "any": [Type.ASSESSMENT.value]},
    ]


def _child() -> list[Rule]:
    return [only("$.context.contextActivities.parent[*].definition.type", Type.SIMULATION.value)]


def _unscored() -> list[Rule]:
    return excluded("$.result.score", extension("context", Extension.SCORER_ID))


def templates() -> list[dict[str, Any]]:
    """Every template; a statement of ours satisfies exactly one."""
    lasted, ending = "$.result.duration", extension("result", Extension.END_REASON)
    verdict = [*_score(*SCORE), *_scorer(), only("$.result.completion", True), *recommended(lasted)]
    return [
        _template(Template.ATTEMPTED, Verb.ATTEMPTED, Type.SIMULATION, [*_unscored(), *excluded("$.result")]),
        _template(
            Template.COMPLETED, Verb.COMPLETED, Type.SIMULATION,
            [only("$.result.completion", True), *recommended(lasted, ending), *_unscored(), *_recordings()],
        ),
        _template(
            Template.TERMINATED, Verb.TERMINATED, Type.SIMULATION,
            [only("$.result.completion", False), *recommended(lasted, ending), *_unscored(), *_recordings()],
        ),
        _template(Template.PASSED, Verb.PASSED, Type.SIMULATION, [only("$.result.success", True), *verdict]),
        _template(Template.FAILED, Verb.FAILED, Type.SIMULATION, [only("$.result.success", False), *verdict]),
        _template(
            Template.CRITERION, Verb.SCORED, Type.ASSESSMENT,
            [*_score(*SCORE), *included("$.result.success"), *_scorer(), *_child(),
             *recommended(extension("result", Extension.EVIDENCE), extension("result", Extension.COMPETENCY))],
        ),
        _template(
            Template.OBJECTIVE, Verb.COMPLETED, Type.OBJECTIVE,
            [only("$.result.completion", True), *_child(), *_unscored(), *_place()],
        ),
        _template(
            Template.GUARDRAIL, Verb.DEVIATED, Type.GUARDRAIL,
            [only("$.result.success", False), *_child(), *_unscored(), *_place(),
             *recommended(extension("result", Extension.SEVERITY), extension("result", Extension.REGULATION))],
        ),
        _template(
            Template.REVIEW, Verb.EVALUATED, Type.ATTEMPT,
            [*_score(*SCORE), *_scorer(), *_child(), only(extension("context", Extension.SCORER_KIND), "human")],
        ),
        _template(
            Template.MASTERY, Verb.MASTERED, Type.COMPETENCY,
            [*_score("scaled"), only("$.result.success", True), *_child(),
             *included(extension("result", Extension.MASTERY_LEVEL),
                       extension("result", Extension.ATTEMPTS_TO_MASTERY))],
        ),
        _voiding(),
    ]  # fmt: skip


def _recordings() -> list[Rule]:
    """Recordings go by address and digest."""
    types = [
        {"location": "$.attachments[*].usageType", "all": [Attachment.RECORDING.value, Attachment.SIGNATURE.value]}
    ]
    return [*types, *recommended("$.attachments[*].fileUrl")]


def _place() -> list[Rule]:
    return recommended(extension("result", Extension.OFFSET))


def _template(template: Template, verb: Verb, type_: Type, rules: list[Rule]) -> dict[str, Any]:
    foreign = [extension("result", iri) for iri in CONTEXT] + [extension("context", iri) for iri in RESULT]
    label, meaning = LABELS[template]
    found: dict[str, Any] = {
        "id": template.iri,
        "type": "StatementTemplate",
        "prefLabel": {"en": label},
        "definition": {"en": meaning},
        "verb": verb.value,
        "objectActivityType": type_.value,
        "contextCategoryActivityType": [Type.CATEGORY.value],
    }
    return found | {"rules": [*_common(), *rules, *excluded(" | ".join(foreign))]}


def _voiding() -> dict[str, Any]:
    label, meaning = LABELS[Template.VOIDING]
    return {
        "id": Template.VOIDING.iri,
        "type": "StatementTemplate",
        "prefLabel": {"en": label},
        "definition": {"en": meaning},
        "verb": Verb.VOIDED.value,
        "rules": [
            only("$.object.objectType", "StatementRef"),
            *included("$.id", "$.timestamp", "$.actor.account.name", "$.object.id"),
            *excluded("$.context", "$.result"),
        ],
    }


def patterns() -> list[dict[str, Any]]:
    """A session by timestamp: it is attempted, then everything else in any order; scores often come after the end."""
    later = [each.iri for each in Template if each not in (Template.ATTEMPTED, Template.VOIDING)]
    base = f"{PROFILE}/patterns"
    return [
        {
            "id": f"{base}/session", "type": "Pattern", "primary": True,
            "prefLabel": {"en": "session"},
            "definition": {"en": "Statements of one registration that are not voided."},
            "sequence": [Template.ATTEMPTED.iri, f"{base}/whatever-follows"],
        },
        {
            "id": f"{base}/whatever-follows", "type": "Pattern", "primary": False,
            "prefLabel": {"en": "whatever follows"},
            "definition": {"en": "Any number of objectives, deviations, the end, scores, reviews and mastery."},
            "zeroOrMore": f"{base}/one-of-them",
        },
        {
            "id": f"{base}/one-of-them", "type": "Pattern", "primary": False,
            "prefLabel": {"en": "one of them"},
            "definition": {"en": "One statement after the attempt."},
            "alternates": later,
        },
    ]  # fmt: skip
