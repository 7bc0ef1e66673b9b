"""The learners of a simulation: who they are, where they work, what they can do and how fast they learn."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from integrations.engine.simulator.phrases import phrases

ROLES = ("account_executive", "client_adviser", "team_lead", "service_specialist")
# Region → (jurisdiction, hours from UTC, languages) with the share of its learners.
PLACES: dict[str, tuple[tuple[float, str, int, str], ...]] = {
    "EMEA": (
        (0.35, "DE", 1, "de"), (0.2, "FR", 1, "fr"), (0.15, "ES", 1, "es"), (0.2, "GB", 0, "en"), (0.1, "IE", 0, "en"),
    ),
    "AMER": ((0.6, "US", -5, "en"), (0.15, "US-IL", -6, "en"), (0.15, "CA", -5, "en"), (0.1, "MX", -6, "es")),
    "APAC": ((0.45, "JP", 9, "ja"), (0.25, "SG", 8, "en"), (0.15, "AU", 10, "en"), (0.15, "IN", 5, "en")),
}  # fmt: skip


@dataclass
class Learner:
    """One person; ``start``, ``ceiling`` and ``rate`` describe the learning curve of each competency."""

    learner_id: str
    name: str
    email: str
    region: str
    jurisdiction: str
    utc_offset: int
    language: str
    role: str
    manager_id: str | None
    hire_date: date
    left_on: date | None
    ability: float
    start: dict[str, float]
    ceiling: dict[str, float]
    rate: float
    practised: dict[str, int] = field(default_factory=dict)

    def skill(self, competency: str, practised: int | None = None) -> float:
        """True skill (0 to 1) after a number of rehearsals of the competency; by default after those so far."""
        count = self.practised.get(competency, 0) if practised is None else practised
        start, ceiling = self.start[competency], self.ceiling[competency]
        return ceiling - (ceiling - start) * math.exp(-self.rate * count)


def learners(rng: Random, count: int, competencies: Sequence[str], start: date, end: date) -> list[Learner]:
    """People spread evenly over the regions; every tenth one leads the others of the region."""
    people: list[Learner] = []
    regions = list(PLACES)
    leads: dict[str, str] = {}
    for number in range(count):
        region = regions[number % len(regions)]
        person = _learner(rng, number, region, competencies, start, end)
        if region not in leads or (number // len(regions)) % 10 == 0:
            person.role, leads[region] = "team_lead", person.learner_id
            person.left_on = None
        else:
            person.manager_id = leads[region]
        people.append(person)
    return people


def _learner(rng: Random, number: int, region: str, competencies: Sequence[str], start: date, end: date) -> Learner:
    names = {role: " ".join(lines).split() for role, lines in phrases("names")["people"].items()}
    first, last = rng.choice(names["first"]), rng.choice(names["last"])
    learner_id = f"e{1001 + number}"
    _, jurisdiction, offset, language = rng.choices(PLACES[region], [place[0] for place in PLACES[region]])[0]
    ability = rng.gauss(0, 1)
    begin = {name: _clip(0.40 + 0.07 * ability + rng.gauss(0, 0.06), 0.08, 0.80) for name in competencies}
    return Learner(
        learner_id=learner_id,
        name=f"{first} {last}",
        email=f"{learner_id}@acme.example",
        region=region,
        jurisdiction=jurisdiction,
        utc_offset=offset,
        language=language,
        role=rng.choices(ROLES, (0.4, 0.3, 0.1, 0.2))[0],
        manager_id=None,
        # A third is new: hired in the last half year, so that ramp time can be seen.
        hire_date=start - timedelta(days=rng.randrange(5, 170) if rng.random() < 0.35 else rng.randrange(200, 2600)),
        left_on=None,
        ability=ability,
        start=begin,
        ceiling={name: _clip(begin[name] + rng.gauss(0.34, 0.10), begin[name] + 0.05, 0.96) for name in competencies},
        rate=math.exp(rng.gauss(math.log(0.28), 0.5)),
    )


def directory(people: Sequence[Learner], tenant: str) -> list[dict[str, object]]:
    """Learner directory entries as an HR system would export them."""
    return [
        {
            "tenant": tenant,
            "learner_id": person.learner_id,
            "name": person.name,
            "email": person.email,
            "region": person.region,
            "jurisdiction": person.jurisdiction,
            "role": person.role,
            "manager_id": person.manager_id,
            "hire_date": person.hire_date.isoformat(),
            "left_on": person.left_on.isoformat() if person.left_on else None,
            "accounts": {"lms": f"u{person.learner_id[1:]}", "crm": f"005{person.learner_id[1:]:0>12}"},
        }
        for person in people
    ]


def _clip(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)
