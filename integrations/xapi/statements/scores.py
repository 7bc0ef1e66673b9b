"""The score that holds: passed or failed, and each criterion with its evidence."""

from collections.abc import Iterator
from typing import Any

import orjson

from integrations.xapi.encoder import Draft, duration, instant, number
from integrations.xapi.facts import Criterion, Evidence, Score
from integrations.xapi.statements.scene import VERBS, Scene, scorer_facts
from integrations.xapi.vocabulary import Extension, Kind, Template, Type, Verb

SCALED_DIGITS = 4


def drafts(scene: Scene, score: Score) -> Iterator[Draft]:
    """The criteria of one judgement, then its verdict where the rubric gives one."""
    at = scene.closed if score.scored_at is None else instant(score.scored_at)
    who = scorer_facts(score)
    context = scene.context(score, child=True)
    for criterion in score.criteria:
        yield scored(scene, score, criterion, at, who, context)
    if score.passed is not None:
        yield verdict(scene, score, at, who)


def verdict(scene: Scene, score: Score, at: str, who: tuple[Any, ...]) -> Draft:
    """Passed or failed by the rubric's own rule, which our code applied."""
    verb, template = (Verb.PASSED, Template.PASSED) if score.passed else (Verb.FAILED, Template.FAILED)
    session = scene.session
    lasted = None if session.duration_s is None else duration(session.duration_s)
    result = {"score": percent(score.overall), "success": score.passed, "completion": True}
    if lasted is not None:
        result["duration"] = lasted
    blockers = list(score.blockers_hit)
    if blockers:
        result["extensions"] = {Extension.BLOCKERS_HIT: blockers}
    return Draft(
        Kind.VERDICT,
        template,
        (score.rubric_id,),
        (scene.mark, at, *who, score.passed, result["score"], lasted, blockers),
        at,
        scene.actor,
        VERBS[verb],
        scene.scenario,
        scene.context(score),
        orjson.dumps(result),
    )


def scored(scene: Scene, score: Score, criterion: Criterion, at: str, who: tuple[Any, ...], context: bytes) -> Draft:
    """One criterion on its own scale, with the turns that the scorer cites."""
    raw, scaled = number(criterion.score), number(criterion.scaled, SCALED_DIGITS)
    low, high = number(criterion.score_min), number(criterion.score_max)
    extensions: dict[str, Any] = {}
    if criterion.competency is not None:
        extensions[Extension.COMPETENCY] = criterion.competency
    if criterion.blocker:
        extensions[Extension.BLOCKER] = True
    cited = [span(each) for each in criterion.evidence]
    if cited:
        extensions[Extension.EVIDENCE] = cited
    result: dict[str, Any] = {
        "score": {"scaled": scaled, "raw": raw, "min": low, "max": high},
        "success": criterion.met,
    }
    if extensions:
        result["extensions"] = extensions
    encoded = orjson.dumps(result)
    names = scene.cast.names.criteria
    rubric = score.rubric_id
    return Draft(
        Kind.CRITERION,
        Template.CRITERION,
        (rubric, criterion.criterion_id),
        (scene.mark, at, *who, raw, scaled, low, high, criterion.met, criterion.blocker, criterion.competency, cited),
        at,
        scene.actor,
        VERBS[Verb.SCORED],
        scene.cast.json(
            Type.ASSESSMENT, names.get((rubric, score.rubric_version, criterion.criterion_id)),
            scene.tenant, "rubrics", rubric, "criteria", criterion.criterion_id,
        ),
        context,
        encoded,
    )  # fmt: skip


def percent(overall: float) -> dict[str, Any]:
    """The weighted overall as xAPI score: scaled 0 to 1, raw in points of 100."""
    return {"scaled": number(overall, SCALED_DIGITS), "raw": number(overall * 100, 2), "min": 0, "max": 100}


def span(cited: Evidence) -> dict[str, Any]:
    """A turn by its ordinal, with its seconds where the engine timed it; never its words."""
    found: dict[str, Any] = {"turn": cited.turn}
    if cited.start_s is not None:
        found["start"] = number(cited.start_s, 2)
    if cited.end_s is not None:
        found["end"] = number(cited.end_s, 2)
    return found
