"""What happens at work: deals, CSAT, ramp time and retention, with effects of skill that are known."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from integrations.engine.simulator.people import Learner
from integrations.engine.simulator.session import iso
from integrations.engine.simulator.settings import Effects
from integrations.engine.simulator.wire import Json

BASELINE_DAYS = 60  # before the first rehearsal, so that each learner can be compared with themself
BASE_LOG_DEAL, BASE_WIN_LOGIT, BASE_CSAT, BASE_RAMP_DAYS = 9.0, -0.3, 3.6, 95.0
DEAL_NOISE, CSAT_NOISE = 0.6, 0.8
ABILITY_LOG_DEAL, ABILITY_WIN, ABILITY_CSAT = 0.25, 0.20, 0.15
DEALS_A_WEEK, SURVEYS_A_WEEK = 0.9, 1.2
CURRENCY = {"EMEA": "EUR", "AMER": "USD", "APAC": "USD"}

# learner_id → [(day, skills after the rehearsals of that day)], in order of day
History = Mapping[str, Sequence[tuple[date, Mapping[str, float]]]]


def skill_on(person: Learner, history: History, day: date, competency: str) -> float:
    """True skill at the start of a day: what rehearsals of earlier days left behind."""
    value = person.start[competency]
    for practised_on, skills in history.get(person.learner_id, ()):
        if practised_on >= day:
            break
        value = skills[competency]
    return value


def deals(
    rng: Random, people: Sequence[Learner], history: History, period: tuple[date, date], effects: Effects, tenant: str
) -> list[Json]:
    """Won and lost deals of those who sell; skill counts on the day the deal was created."""
    first, last = period[0] - timedelta(days=BASELINE_DAYS), period[1]
    rows: list[Json] = []
    for person in people:
        if person.role not in ("account_executive", "client_adviser"):
            continue
        for day in _days(rng, first, last, DEALS_A_WEEK):
            if day < person.hire_date:
                continue
            closed = day + timedelta(days=int(rng.uniform(6, 30)))
            points = 10 * (skill_on(person, history, day, "discovery") - 0.4)
            amount = math.exp(
                BASE_LOG_DEAL + ABILITY_LOG_DEAL * person.ability + effects.log_deal * points + rng.gauss(0, DEAL_NOISE)
            )
            logit = BASE_WIN_LOGIT + ABILITY_WIN * person.ability + effects.win_logit * points
            won = rng.random() < 1 / (1 + math.exp(-logit))
            product = rng.choice(("core", "plus"))
            if closed > last:
                continue
            rows.append(
                _row(tenant, person, "deal_won" if won else "deal_lost", round(amount, 2), closed)
                | {
                    "unit": CURRENCY[person.region],
                    "reference": f"opp-{len(rows) + 1:06d}",
                    "exposure_from": _at(day, 9),
                    "attributes": {"created_at": _at(day, 9), "product": product},
                }
            )
    return rows


def csat(
    rng: Random, people: Sequence[Learner], history: History, period: tuple[date, date], effects: Effects, tenant: str
) -> list[Json]:
    """Survey answers of 1 to 5 for those who serve customers."""
    first, last = period[0] - timedelta(days=BASELINE_DAYS), period[1]
    rows: list[Json] = []
    for person in people:
        if person.role not in ("client_adviser", "service_specialist"):
            continue
        for day in _days(rng, first, last, SURVEYS_A_WEEK):
            points = 10 * (skill_on(person, history, day, "empathy") - 0.4)
            mark = BASE_CSAT + ABILITY_CSAT * person.ability + effects.csat * points + rng.gauss(0, CSAT_NOISE)
            topic = rng.choice(("billing", "delivery", "product"))
            if day < person.hire_date:
                continue
            rows.append(
                _row(tenant, person, "csat", min(max(round(mark), 1), 5), day)
                | {"unit": "points", "reference": f"survey-{len(rows) + 1:06d}", "attributes": {"topic": topic}}
            )
    return rows


def ramp(
    rng: Random, people: Sequence[Learner], history: History, last: date, effects: Effects, tenant: str
) -> list[Json]:
    """Days from hiring to the first full quota of those hired lately; whoever is not there yet has no row."""
    rows: list[Json] = []
    for person in people:
        if (last - person.hire_date).days > 300 or person.role == "team_lead":
            continue
        needed, day = rng.expovariate(1.0), person.hire_date
        while day <= last and needed > 0:
            points = 10 * (skill_on(person, history, day, "discovery") - 0.4)
            # A hazard that rises with time, as nobody is ramped in the first weeks.
            age = (day - person.hire_date).days / BASE_RAMP_DAYS
            needed -= 2 * age / BASE_RAMP_DAYS * math.exp(effects.ramp_log_hazard * points)
            day += timedelta(days=1)
        if needed <= 0 and day <= last:
            days = (day - person.hire_date).days
            rows.append(
                _row(tenant, person, "ramp_days", days, day)
                | {"unit": "days", "reference": f"ramp-{person.learner_id}"}
            )
    return rows


def retention(
    rng: Random, people: Sequence[Learner], history: History, period: tuple[date, date], effects: Effects, tenant: str
) -> list[Json]:
    """1 for whoever is still there at the end, 0 for whoever left; sets ``left_on`` of the latter."""
    rows: list[Json] = []
    for person in people:
        points = 10 * (skill_on(person, history, period[1], "empathy") - 0.4)
        leaves = rng.random() >= 1 / (1 + math.exp(-(2.4 + effects.stay_logit * points)))
        active = [day for day, _ in history.get(person.learner_id, ())]
        earliest = max([*active, period[0], person.hire_date])
        day = earliest + timedelta(days=rng.randrange(1, max((period[1] - earliest).days, 2)))
        leaves = leaves and day <= period[1] and person.role != "team_lead"
        if leaves:
            person.left_on = day
        rows.append(
            _row(tenant, person, "retention", 0 if leaves else 1, day if leaves else period[1])
            | {"unit": "stayed", "reference": f"retention-{person.learner_id}"}
        )
    return rows


def _days(rng: Random, first: date, last: date, a_week: float) -> list[date]:
    """Working days of a Poisson process."""
    found, at = [], 0.0
    while True:
        at += rng.expovariate(a_week / 7)
        day = first + timedelta(days=int(at))
        if day > last:
            return found
        if day.weekday() < 5:
            found.append(day)


def _row(tenant: str, person: Learner, kind: str, value: float, day: date) -> Json:
    return {
        "tenant": tenant,
        "learner_id": person.learner_id,
        "kind": kind,
        "value": value,
        "unit": None,
        "occurred_at": _at(day, 16),
        "reference": None,
        "exposure_from": None,
        "attributes": {},
    }


def _at(day: date, hour: int) -> str:
    return iso(datetime.combine(day, time(hour), UTC))
