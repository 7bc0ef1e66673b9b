"""What was put in can be taken out again: assembled sessions, scores that follow skill, effects on outcomes."""

from collections import defaultdict
from datetime import date, datetime, timedelta
from itertools import pairwise
from random import Random

import numpy as np
import orjson
import pytest

from governance.gate import SignalPolicy
from governance.settings import PROJECT
from integrations.engine import assemble, delivery
from integrations.engine.bundle import SessionBundle
from integrations.engine.simulator import Effects
from integrations.engine.simulator.outcomes import csat, deals, ramp, skill_on
from integrations.engine.simulator.people import learners

FIRST, LAST = date(2026, 6, 1), date(2026, 11, 28)


@pytest.fixture(scope="session")
def assembled(clean, catalog) -> dict[str, dict]:
    """Every engine session of the clean simulation, folded from its deliveries."""
    policy = SignalPolicy.load(PROJECT / "config" / "policy.yaml")
    rows: dict[str, dict[str, dict]] = defaultdict(dict)
    for line in clean.lines("deliveries.jsonl"):
        received = datetime.fromisoformat(line["received_at"])
        for one in delivery.prepare(line["body"], line["channel"], received, "acme", "US", policy):
            body = one.body.decode() if isinstance(one.body, bytes) else one.body
            names = ("session_id", "event_key", "event_type", "engine_at", "received_at", "channel")
            rows[one.session_id][one.event_key] = {name: getattr(one, name) for name in names} | {"body": body}
    return {name: assemble.assemble(list(found.values()), catalog.engine_fields()) for name, found in rows.items()}


def test_assembled_sessions_equal_the_truth(clean, assembled) -> None:
    played = {p["session_id"]: p for p in clean.truth.played if p["session_id"].startswith("cvi:")}
    assert set(assembled) == set(played)
    for name, session in assembled.items():
        truth = played[name]
        assert len(session["turns"]) == truth["turns"]
        (assessment,) = session["assessments"]
        assert (assessment["rubric_id"], assessment["rubric_version"]) == tuple(truth["rubric"])
        assert assessment["scorer"]["version"] == truth["scorer_version"]
        assert {c["criterion_id"]: c["score"] for c in assessment["criteria"]} == truth["scores"]
        done = [s["name"] for s in session["signals"] if s["kind"] == "objective" and s["state"] == "completed"]
        assert sorted(done) == sorted(truth["objectives"])
        crossed = [s["name"] for s in session["signals"] if s["kind"] == "guardrail"]
        assert sorted(crossed) == sorted(truth["guardrails"])


def test_evidence_points_to_lines_of_the_learner(assembled, clean) -> None:
    pointed = 0
    for session in assembled.values():
        for criterion in session["assessments"][0]["criteria"]:
            for ordinal in criterion["evidence_turns"]:
                pointed += 1
                assert session["turns"][ordinal]["speaker"] == "learner"
    assert pointed > 0.95 * sum(len(s["assessments"][0]["criteria"]) for s in assembled.values())
    for bundle in clean.lines("bundles.jsonl"):
        for criterion in bundle["assessments"][0]["criteria"]:
            assert all(bundle["turns"][ordinal]["speaker"] == "learner" for ordinal in criterion["evidence_turns"])


def test_turns_follow_each_other_and_pacing_improves_with_skill(assembled, clean) -> None:
    played = {p["session_id"]: p for p in clean.truth.played}
    skills, gaps = [], []
    for name, session in assembled.items():
        turns = session["turns"]
        assert all(a["start_s"] <= b["start_s"] for a, b in pairwise(turns))
        found = [
            b["start_s"] - a["start_s"] - a["duration_s"]
            for a, b in pairwise(turns)
            if b["speaker"] == "learner" != a["speaker"]
        ]
        gaps.append(float(np.median(found)))
        skills.append(float(np.mean(list(played[name]["performance"].values()))))
    assert np.corrcoef(skills, gaps)[0, 1] < -0.3


def test_bundles_pass_the_careful_validator(ugly) -> None:
    for bundle in ugly.lines("bundles.jsonl"):
        SessionBundle.model_validate_json(orjson.dumps(bundle))


def test_scores_follow_performance_and_people_improve(ugly, catalog) -> None:
    pairs = [
        ((p["scores"][c.id] - c.min) / (c.max - c.min), p["performance"][c.id])
        for p in ugly.truth.played
        for c in catalog.rubrics[tuple(p["rubric"])].criteria
        if p["scores"].get(c.id) is not None
    ]
    assert np.corrcoef(np.array(pairs).T)[0, 1] > 0.6
    skills = [np.mean(list(p["skills"].values())) for p in ugly.truth.played]
    third = len(skills) // 3
    assert np.mean(skills[-third:]) > np.mean(skills[:third]) + 0.05
    rates = [person["rate"] for person in ugly.truth.learners]
    assert np.std(np.log(rates)) > 0.25


def crowd(seed: int, count: int = 500):
    """People who all rehearse a lot at one moment of their own, so that before and after can be compared."""
    rng = Random(seed)
    people = learners(rng, count, ("discovery", "empathy"), FIRST, LAST)
    history = {}
    for person in people:
        after = {name: person.skill(name, 12) for name in person.start}
        history[person.learner_id] = [(FIRST + timedelta(days=rng.randrange(-60, 150)), after)]
    return people, history


def slope(rows, people, history, competency: str, outcome) -> tuple[float, float]:
    """Effect of 10 points of skill by least squares with ability held fixed, and its standard error."""
    known = {person.learner_id: person for person in people}
    design, values = [], []
    for row in rows:
        person = known[row["learner_id"]]
        day = date.fromisoformat((row["exposure_from"] or row["occurred_at"])[:10])
        design.append((1.0, person.ability, 10 * skill_on(person, history, day, competency)))
        values.append(outcome(row))
    x, y = np.array(design), np.array(values)
    inverse = np.linalg.inv(x.T @ x)
    found = inverse @ x.T @ y
    spread = np.var(y - x @ found, ddof=3)
    return float(found[2]), float(np.sqrt(spread * inverse[2, 2]))


@pytest.mark.parametrize("effects", [Effects(), Effects(log_deal=0.12, csat=0.15), Effects.zero()])
def test_effects_on_deals_and_csat_can_be_recovered(effects: Effects) -> None:
    people, history = crowd(5)
    rows = deals(Random(1), people, history, (FIRST, LAST), effects, "acme")
    won = [row for row in rows if row["kind"] == "deal_won"]
    found, error = slope(won, people, history, "discovery", lambda row: np.log(row["value"]))
    assert abs(found - effects.log_deal) < 3 * error
    assert error < 0.02
    surveys = csat(Random(2), people, history, (FIRST, LAST), effects, "acme")
    found, error = slope(surveys, people, history, "empathy", lambda row: row["value"])
    assert abs(found - effects.csat) < 3 * error + 0.15 * effects.csat  # the scale ends at 1 and 5
    assert (found > 2 * error) == (effects.csat > 0)


def test_the_able_practise_more_and_sell_more(ugly) -> None:
    """The confounder that a naive correlation falls for is there on purpose."""
    practice = [sum(person["practised"].values()) for person in ugly.truth.learners]
    ability = [person["ability"] for person in ugly.truth.learners]
    assert np.corrcoef(practice, ability)[0, 1] > 0.15


def test_skill_shortens_the_ramp_and_its_absence_does_not() -> None:
    people, history = crowd(9, 900)

    def difference(effects: Effects) -> float:
        rows = ramp(Random(3), people, history, LAST, effects, "acme")
        days = {row["learner_id"]: row["value"] for row in rows}
        rate = {True: [], False: []}
        for person in people:
            if (LAST - person.hire_date).days <= 300 and person.role != "team_lead":
                early = history[person.learner_id][0][0] < FIRST + timedelta(days=20)
                rate[early].append(days.get(person.learner_id, 400))
        return float(np.median(rate[True]) - np.median(rate[False]))

    assert difference(Effects(ramp_log_hazard=0.6)) < -8
    assert abs(difference(Effects.zero())) < 15
