"""Sessions of a second engine, as session bundles (`rolecall.session/1`)."""

from collections import Counter
from datetime import timedelta
from random import Random

from integrations.engine.simulator.session import Played, Scorer, iso, scored
from integrations.engine.simulator.settings import Uglies
from integrations.engine.simulator.wire import Json

HUMAN = Scorer("unknown", -0.01, 0.06)


def launch(played: Played, tenant: str) -> Json:
    """Who rehearsed what: the launch record without the session's id."""
    slot = played.slot
    return {
        "tenant": tenant,
        "learner_id": slot.learner.learner_id,
        "scenario_id": slot.scenario.id,
        "scenario_version": slot.scenario.version,
        "attempt": slot.attempt,
        "assigned": slot.assigned,
        "region": slot.learner.region,
        "jurisdiction": slot.learner.jurisdiction,
        "language": slot.language,
        "notice_ref": f"notice-{slot.learner.jurisdiction}-2026",
    }


def bundle(rng: Random, played: Played, tenant: str, uglies: Uglies, tally: Counter[str]) -> Json:
    """The whole session as one object."""
    slot = played.slot
    media = []
    if played.spoke and rng.random() < uglies.recording:
        media = [
            {
                "uri": f"s3://roleplay-archive/{slot.engine_session_id}.mp4",
                "kind": "video",
                "started_at": iso(played.joined_at),
                "duration_s": round((played.ended_at - played.joined_at).total_seconds()),
                "sha256": None,
            }
        ]
    return {
        "format": "rolecall.session/1",
        "engine": "generic",
        "engine_session_id": slot.engine_session_id,
        "launch": launch(played, tenant),
        "started_at": iso(played.first_word_at if played.spoke else slot.at),
        "ended_at": iso(played.ended_at),
        "end_reason": slot.ending,
        "turns": [
            {
                "speaker": turn.speaker,
                "text": turn.text,
                "start_s": turn.start_s,
                "duration_s": turn.duration_s,
                "interrupted": turn.interrupted,
            }
            for turn in played.turns
        ],
        "signals": _signals(played),
        "assessments": _assessments(rng, played, uglies, tally) if played.spoke else [],
        "media": media,
    }


def _signals(played: Played) -> list[Json]:
    found: list[Json] = [
        {
            "kind": "objective",
            "name": name,
            "state": "completed",
            "at_s": round(at_s, 2),
            "reason": None,
            "payload": {"output_variables": variables},
        }
        for name, at_s, variables in played.objectives
    ]
    found += [
        {
            "kind": "guardrail",
            "name": name,
            "state": "triggered",
            "at_s": round(at_s, 2),
            "reason": f"The participant said: {words[:90]}",
            "payload": {},
        }
        for name, at_s, words in played.guardrails
    ]
    return found


def _assessments(rng: Random, played: Played, uglies: Uglies, tally: Counter[str]) -> list[Json]:
    slot = played.slot
    post_call = slot.rubric.post_call
    engine = {
        "kind": "engine_llm",
        "id": post_call.tool if post_call else slot.rubric.id,
        "version": slot.scorer.version,
    }
    found = [_assessment(played, engine, played.scores, 140)]
    if rng.random() < uglies.human:
        tally["human_assessments"] += 1
        scores = {
            item.id: scored(rng, played.performance[item.id], HUMAN, item.min, item.max)
            for item in slot.rubric.criteria
            if played.scores.get(item.id) is not None
        }
        coach = {"kind": "human", "id": slot.learner.manager_id or "e1001", "version": None}
        found.append(_assessment(played, coach, scores, 86_400 * rng.uniform(0.5, 4)))
    if rng.random() < uglies.out_of_range:
        tally["bundle_out_of_range"] += 1
        found[0]["criteria"][0]["score"] = 99
    if rng.random() < uglies.unknown_criterion:
        tally["bundle_unknown_criteria"] += 1
        found[0]["criteria"].append({"criterion_id": "charisma", "score": 4, "evidence_turns": [], "comment": None})
    if rng.random() < uglies.uncatalogued:
        tally["uncatalogued_assessments"] += 1
        criteria = [
            {"criterion_id": "warmth", "score": rng.randrange(0, 11), "min": 0, "max": 10, "evidence_turns": []}
        ]
        other = {"kind": "our_llm", "id": "tone-check", "version": "1"}
        found.append(_assessment(played, other, {}, 200) | {"rubric_id": "tone-pilot", "criteria": criteria})
    return found


def _assessment(played: Played, scorer: Json, scores: dict[str, int] | dict[str, int | None], delay_s: float) -> Json:
    rubric = played.slot.rubric
    criteria = {item.id: item for item in rubric.criteria}
    return {
        "rubric_id": rubric.id,
        "rubric_version": rubric.version,
        "scorer": scorer,
        "scored_at": iso(played.ended_at + timedelta(seconds=delay_s)),
        "criteria": [
            {
                "criterion_id": name,
                "score": score,
                "evidence_turns": played.evidence.get(name, []),
                "comment": criteria[name].levels[score],
            }
            for name, score in scores.items()
            if score is not None
        ],
    }
