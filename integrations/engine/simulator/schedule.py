"""Who rehearses what and when: decks of learners and scenarios dealt over working days."""

import bisect
import itertools
import math
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from governance.catalog import Catalog
from governance.catalog_models import Scenario
from integrations.engine.simulator.people import Learner
from integrations.engine.simulator.phrases import LANGUAGES, SCRIPTS
from integrations.engine.simulator.session import Scorer, Slot
from integrations.engine.simulator.settings import Uglies

WEEKDAYS = (1.0, 1.1, 1.1, 1.0, 0.7, 0.06, 0.05)
SCORERS = (Scorer("t-2026-07", 0.0), Scorer("t-2026-10", 0.04))
SCORER_CHANGE, VERSION_CHANGE = 0.6, 0.5  # shares of the period


def slots(
    rng: Random, catalog: Catalog, people: Sequence[Learner], count: int, period: tuple[date, date], videos: int,
    generic: float, uglies: Uglies,
) -> Iterator[Slot]:  # fmt: skip
    """Planned sessions in order of time; learners gain practice as the iterator moves on, so consume it in order.

    Raises:
        ValueError: the catalog has no scenario of a kind and language that the simulator can play.
    """
    playable = _playable(catalog)
    start, end = period
    deck = deal(rng, people)
    courses = {person.learner_id: _course(rng, person, sorted(playable)) for person in people}
    attempts: dict[tuple[str, str], int] = {}
    span = max((end - start).days, 1)
    filmed = set(_filmed(count, videos))
    for number, day in enumerate(_days(rng, start, end, count)):
        person = next(deck)
        share = (day - start).days / span
        versions = playable[next(courses[person.learner_id])]
        scenario = versions[min(int(share / VERSION_CHANGE), len(versions) - 1)] if len(versions) > 1 else versions[0]
        rubric = catalog.rubrics[scenario.rubric.id, scenario.rubric.version]
        ending = "completed" if number in filmed else _ending(rng, uglies)
        is_test = number not in filmed and rng.random() < uglies.test_mode
        key = person.learner_id, scenario.id
        attempts[key] = attempts.get(key, 0) + (not is_test)
        engine = "generic" if rng.random() < generic and number not in filmed and not is_test else "cvi"
        yield Slot(
            number=number,
            engine=engine,
            engine_session_id=f"{'c' if engine == 'cvi' else 's-'}{rng.getrandbits(44):011x}",
            learner=person,
            scenario=scenario,
            rubric=rubric,
            language="en" if number in filmed and "en" in scenario.languages else _language(rng, person, scenario),
            attempt=max(attempts[key], 1),
            assigned=rng.random() < 0.7,
            at=_moment(rng, day, person.utc_offset),
            ending=ending,
            is_test=is_test,
            scorer=SCORERS[share >= SCORER_CHANGE],
            brief=number in filmed,
            skills={name: person.skill(name) for name in person.start},
        )
        if ending not in ("no_show", "technical_failure") and not is_test:
            for competency in sorted({item.competency for item in rubric.criteria}):
                person.practised[competency] = person.practised.get(competency, 0) + 1


def _playable(catalog: Catalog) -> dict[str, list[Scenario]]:
    """Scenario ids that the simulator has dialogues for, each with its versions in order."""
    found: dict[str, list[Scenario]] = {}
    for (scenario_id, _), scenario in sorted(catalog.scenarios.items()):
        if scenario.kind in SCRIPTS and set(scenario.languages) & set(LANGUAGES):
            found.setdefault(scenario_id, []).append(scenario)
    if not found:
        kinds = ", ".join(SCRIPTS)
        raise ValueError(f"the catalog has no scenario of a kind that the simulator can play ({kinds})")
    return found


def _days(rng: Random, start: date, end: date, count: int) -> list[date]:
    """``count`` days in order, weighted by weekday; every working week gets its share."""
    days = [start + timedelta(days=offset) for offset in range((end - start).days + 1)]
    edges = list(itertools.accumulate(WEEKDAYS[day.weekday()] for day in days))
    steps = [(number + rng.random()) / count * edges[-1] for number in range(count)]
    return [days[min(bisect.bisect_left(edges, step), len(days) - 1)] for step in steps]


def deal(rng: Random, people: Sequence[Learner]) -> Iterator[Learner]:
    """A shuffled deck, dealt again and again; the able practise more, which confounds practice and results."""
    while True:
        deck = [
            person
            for person in people
            for _ in range(int(math.exp(0.3 * person.ability)) + (rng.random() < math.exp(0.3 * person.ability) % 1))
        ] or list(people)
        rng.shuffle(deck)
        yield from deck


def _course(rng: Random, person: Learner, scenarios: Sequence[str]) -> Iterator[str]:
    """A learner goes round the scenarios, in an own order each time; sellers meet the sales ones twice."""
    while True:
        order = list(scenarios)
        if person.role == "account_executive":
            order += [name for name in scenarios if name.startswith("sales") and rng.random() < 0.5]
        rng.shuffle(order)
        yield from order


def _ending(rng: Random, uglies: Uglies) -> str:
    names = ("no_show", "technical_failure", "learner_left", "time_limit")
    shares = [float(getattr(uglies, name)) for name in names]
    return rng.choices((*names, "completed"), (*shares, max(0.0, 1 - sum(shares))))[0]


def _language(rng: Random, person: Learner, scenario: Scenario) -> str:
    offered = [name for name in scenario.languages if name in LANGUAGES]
    if person.language in offered and rng.random() < 0.9:
        return person.language
    return "en" if "en" in offered else offered[0]


def _moment(rng: Random, day: date, utc_offset: int) -> datetime:
    """A moment of the local working day, kept within the same UTC day so that a week stays a week."""
    hour = min(max(rng.gauss(13, 2.6), 7.5), 19.5) - utc_offset
    seconds = int((hour % 24) * 3600) + rng.randrange(3600)
    return datetime.combine(day, time(), UTC) + timedelta(seconds=min(seconds, 24 * 3600 - 1200))


def _filmed(count: int, videos: int) -> list[int]:
    """Numbers of the sessions that get a real recording: near the end, where a reader looks first."""
    return [max(0, count - 1 - 3 * step) for step in range(min(videos, count))]
