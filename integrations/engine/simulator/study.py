"""A study: scores and outcomes drawn from the same learners, scenarios, scorers and effects, without a word spoken.

A simulation writes dialogues in several wire formats and takes minutes; to see whether estimators find the truth in
dozens of seeds, the numbers alone will do. Practice begins in waves, as in a staggered roll-out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any

from governance.catalog import Catalog
from governance.catalog_models import Scenario
from integrations.engine.simulator import outcomes
from integrations.engine.simulator.people import Learner, learners
from integrations.engine.simulator.phrases import LANGUAGES, SCRIPTS
from integrations.engine.simulator.schedule import SCORER_CHANGE, SCORERS
from integrations.engine.simulator.session import Slot, perform, scored
from integrations.engine.simulator.settings import Effects

Row = dict[str, Any]


@dataclass(frozen=True)
class Study:
    """What an analyst would see (``scores``, ``outcomes``, ``people``) and the true skill behind each score.

    A score row: learner_id, competency, version, started_at, score and true_skill (both 0 to 1).
    """

    people: Sequence[Learner]
    scores: list[Row]
    outcomes: list[Row]
    last: date


def draw(
    catalog: Catalog,
    seed: int,
    effects: Effects,
    *,
    count: int = 900,
    start: date = date(2026, 1, 5),
    days: int = 200,
    waves: Sequence[int] = (0, 40, 80, 120),
    every_days: float = 9.0,
) -> Study:
    """Let ``count`` learners practise from their wave's day on, about every ``every_days``; the able more often."""
    end = start + timedelta(days=days)
    rng = Random(f"{seed}/study")
    people = learners(Random(f"{seed}/people"), count, sorted(catalog.competencies), start, end)
    stages = [
        scenario
        for _, scenario in sorted(catalog.scenarios.items())
        if scenario.kind in SCRIPTS and set(scenario.languages) & set(LANGUAGES)
    ]
    scores: list[Row] = []
    history: dict[str, list[tuple[date, dict[str, float]]]] = {}
    for number, person in enumerate(people):
        first = start + timedelta(days=waves[number % len(waves)] + rng.randrange(10))
        for day in _days(rng, person, first, end, every_days):
            history.setdefault(person.learner_id, [])
            scores += _session(rng, catalog, person, rng.choice(stages), day, start, days)
            skills = {name: person.skill(name) for name in person.start}
            history[person.learner_id].append((day, skills))
    period = start, end
    rows = outcomes.deals(rng, people, history, period, effects, "study")
    rows += outcomes.csat(rng, people, history, period, effects, "study")
    rows += outcomes.ramp(rng, people, history, end, effects, "study")
    return Study(people, scores, rows, end)


def _days(rng: Random, person: Learner, first: date, end: date, every: float) -> Iterator[date]:
    at = 0.0
    while (day := max(first, person.hire_date) + timedelta(days=int(at))) <= end:
        yield day
        at += 1 + rng.expovariate(1 / (every * 2 ** (-0.4 * person.ability)))


def _session(
    rng: Random, catalog: Catalog, person: Learner, scenario: Scenario, day: date, start: date, days: int
) -> list[Row]:
    rubric = catalog.rubrics[scenario.rubric.id, scenario.rubric.version]
    scorer = SCORERS[(day - start).days / days >= SCORER_CHANGE]
    at = datetime.combine(day, time(9), UTC)
    skills = {name: person.skill(name) for name in person.start}
    slot = Slot(
        0, "generic", "", person, scenario, rubric, "en", 1, True, at, "completed", False, scorer, False, skills
    )
    shown = perform(rng, slot)
    found: dict[str, list[float]] = {}
    for item in rubric.criteria:
        mark = scored(rng, shown[item.id], scorer, item.min, item.max)
        found.setdefault(item.competency, []).append((mark - item.min) / (item.max - item.min))
    for competency in found:
        person.practised[competency] = person.practised.get(competency, 0) + 1
    version = f"{rubric.id}:{rubric.version}:{scorer.version}"
    return [
        {
            "learner_id": person.learner_id,
            "competency": competency,
            "version": version,
            "started_at": at,
            "score": sum(marks) / len(marks),
            "true_skill": skills[competency],
        }
        for competency, marks in found.items()
    ]
