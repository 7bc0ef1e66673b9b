"""The role-play inside the LMS: what the engine is asked for, and what practice may remember.

Practice notes hold criteria and a difficulty, no word that anybody said and nothing that names the learner. They go out
only when the learner agreed for this conversation and the signal policy allows scores where the learner works.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from governance.catalog_models import Rubric, Scenario
from integrations.scorm.destinations import Destination
from integrations.scorm.results import Result

LANGUAGE_NAMES = {"en": "english", "de": "german", "fr": "french", "es": "spanish", "ja": "japanese"}
EASIEST, HARDEST = 1, 5
EASED_BELOW, RAISED_FROM = 0.5, 0.85  # overall scores, 0 to 1
WEAK_SHOWN = 3
LEFT_TIMEOUT_S = 45


class NotPlayableError(ValueError):
    """The engine knows no persona for the scenario."""


def conversation(
    scenario: Scenario, destination: Destination, language: str, callback_token: str, notes: str | None
) -> dict[str, Any]:
    """The body of ``POST /v2/conversations``.

    Raises:
        NotPlayableError: the scenario has no persona at all.
    """
    engine = scenario.engine
    if engine is None:
        raise NotPlayableError(f"scenario {scenario.id} has no engine settings")
    spoken = language if language in engine.personas else next(iter(engine.personas))
    body: dict[str, Any] = {
        "persona_id": engine.personas[spoken],
        "conversation_name": f"{scenario.id} {scenario.version}",
        "callback_url": f"{destination.base_url}/v1/engine/webhook?t={quote(callback_token)}",
        "properties": {
            "max_call_duration": engine.max_call_s,
            "participant_left_timeout": LEFT_TIMEOUT_S,
            "language": LANGUAGE_NAMES.get(spoken[:2], "multilingual"),
        },
    }
    if engine.face_id is not None:
        body["replica_id"] = engine.face_id
    if notes is not None:
        body["conversational_context"] = notes
    return body


def spoken(scenario: Scenario, language: str | None) -> str:
    """The language of the conversation: the wished one where a persona speaks it, else the first."""
    offered = list(scenario.engine.personas) if scenario.engine else list(scenario.languages)
    return language if language in offered else offered[0]


def practice_notes(scenario: Scenario, result: Result, rubrics: Mapping[tuple[str, str], Rubric]) -> str:
    """What the counterpart is told of the learner's last session."""
    rubric = rubrics.get(result.rubric)
    names = {item.id: item.name for item in rubric.criteria} if rubric else {}
    weak = sorted((item for item in result.criteria if item.scaled < 1), key=lambda item: (item.met, item.scaled))
    lines = [f"- {names.get(item.id, item.id)}: {item.score:g} of {item.high:g}" for item in weak[:WEAK_SHOWN]]
    struggled = "\n".join(lines) if lines else "- nothing in particular"
    return (
        "Practice notes; do not mention them. In the last session of this scenario the participant found these"
        f" difficult:\n{struggled}\nGive the participant natural occasions to practise exactly these.\n"
        f"Suggested difficulty: {difficulty(scenario.difficulty, result)} of {HARDEST}"
        f" (the scenario's own is {scenario.difficulty})."
    )


def difficulty(own: int, result: Result) -> int:
    """One step easier after a weak session, one harder after a passed one that left little to ask for."""
    if result.overall < EASED_BELOW:
        return max(EASIEST, own - 1)
    if result.overall >= RAISED_FROM and result.passed is not False:
        return min(HARDEST, own + 1)
    return own
