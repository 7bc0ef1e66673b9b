"""Human review: a person evaluated the session."""

import orjson

from integrations.xapi.encoder import Draft, instant
from integrations.xapi.facts import Score
from integrations.xapi.statements.scene import VERBS, Scene, account, scorer_facts
from integrations.xapi.statements.scores import percent
from integrations.xapi.vocabulary import Extension, Kind, Template, Verb


def evaluated(scene: Scene, review: Score) -> Draft:
    """The reviewer is the actor and the session, as an attempt, the object; its registration leads to the learner.

    The specification allows the learner as the object, but Ralph takes no statement about a person. The learner's own
    result, where the review overrules the scorer, is the verdict's business.
    """
    at = scene.closed if review.scored_at is None else instant(review.scored_at)
    result: dict = {"score": percent(review.overall)}
    if review.passed is not None:
        result["success"] = review.passed
    blockers = list(review.blockers_hit)
    if blockers:
        result["extensions"] = {Extension.BLOCKERS_HIT: blockers}
    return Draft(
        Kind.REVIEW,
        Template.REVIEW,
        (review.rubric_id, review.rubric_version, review.scorer_id, review.scorer_version),
        (scene.mark, at, *scorer_facts(review), review.passed, result["score"], blockers),
        at,
        orjson.dumps(account(scene.tenant, review.scorer_id)),
        VERBS[Verb.EVALUATED],
        orjson.dumps(scene.attempt),
        scene.context(review, child=True),
        orjson.dumps(result),
    )
