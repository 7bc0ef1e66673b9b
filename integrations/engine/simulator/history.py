"""Years of practice in a minute: session bundles for load tests, put together from talk that was rendered once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import orjson

from governance.catalog import Catalog
from governance.catalog_models import Rubric, Scenario
from integrations.engine.simulator.dialogue import LEARNER, Part, Turn, compose
from integrations.engine.simulator.people import Learner, learners
from integrations.engine.simulator.phrases import LANGUAGES, SCRIPTS
from integrations.engine.simulator.schedule import SCORERS, WEEKDAYS, deal
from integrations.engine.simulator.session import iso, scored

LEVELS = (0.25, 0.4, 0.52, 0.65, 0.8)  # mean performance of the rendered talks
VARIANTS = 6
CHUNK = 2_000
DAY_S = 86_400
TENANT = "acme"


@dataclass(frozen=True)
class Talk:
    """A rendered conversation: turns and signals as JSON, evidence per criterion, seconds."""

    turns: bytes
    signals: bytes
    evidence: dict[str, bytes]
    seconds: float


@dataclass(frozen=True)
class Stage:
    """A scenario version with its rubric and its rendered talks by language and level."""

    scenario: Scenario
    rubric: Rubric
    talks: dict[tuple[str, int], list[Talk]]


def write(
    catalog: Catalog,
    path: Path,
    sessions: int = 100_000,
    *,
    seed: int = 7,
    start: date,
    end: date,
    learner_count: int = 2_000,
    tenant: str = TENANT,
    prefix: str = "h",
) -> int:
    """Write ``sessions`` session bundles, about 30 turns each, as JSON lines in order of time; returns the bytes.

    ``prefix`` begins every session id, so that several histories can stand side by side.
    """
    rng = Random(f"{seed}/history")
    people = learners(Random(f"{seed}/people"), learner_count, sorted(catalog.competencies), start, end)
    stages = _stages(catalog, rng)
    size = 0
    with path.open("wb") as file:
        lines: list[bytes] = []
        for line in _lines(rng, stages, people, sessions, start, end, tenant, prefix):
            lines.append(line)
            if len(lines) == CHUNK:
                size += file.write(b"".join(lines))
                lines.clear()
        size += file.write(b"".join(lines))
    return size


def _stages(catalog: Catalog, rng: Random) -> list[Stage]:
    """Every playable scenario version, its talks rendered once."""
    found = []
    for _, scenario in sorted(catalog.scenarios.items()):
        offered = [name for name in LANGUAGES if name in scenario.languages]
        if scenario.kind not in SCRIPTS or not offered:
            continue
        rubric = catalog.rubrics[scenario.rubric.id, scenario.rubric.version]
        talks = {
            (language, level): [_talk(rng, scenario, rubric, language, mean) for _ in range(VARIANTS)]
            for language in offered
            for level, mean in enumerate(LEVELS)
        }
        found.append(Stage(scenario, rubric, talks))
    if not found:
        raise ValueError("the catalog has no scenario of a kind that the simulator can play")
    return found


def _talk(rng: Random, scenario: Scenario, rubric: Rubric, language: str, mean: float) -> Talk:
    performance = {item.id: min(max(mean + rng.gauss(0, 0.06), 0), 1) for item in rubric.criteria}
    crossed = [item.name for item in scenario.guardrails if rng.random() < 0.15 * (1 - mean)]
    turns = compose(rng, Part(scenario.kind, language, performance, crossed))
    moves = {move.name: move for move in SCRIPTS[scenario.kind]}
    evidence: dict[str, list[int]] = {}
    signals = []
    for ordinal, turn in enumerate(turns):
        if turn.speaker != LEARNER or turn.move is None:
            continue
        move = moves.get(turn.move)
        if move and move.criterion:
            evidence.setdefault(move.criterion, []).append(ordinal)
        if move and move.objective and turn.quality != "low":
            signals.append(_signal("objective", move.objective, "completed", turn))
        if turn.move in crossed:
            signals.append(_signal("guardrail", turn.move, "triggered", turn))
    spoken = [
        {
            "speaker": turn.speaker,
            "text": turn.text,
            "start_s": turn.start_s,
            "duration_s": turn.duration_s,
            "interrupted": turn.interrupted,
        }
        for turn in turns
    ]
    return Talk(
        orjson.dumps(spoken),
        orjson.dumps(signals),
        {name: orjson.dumps(ordinals) for name, ordinals in evidence.items()},
        turns[-1].start_s + turns[-1].duration_s,
    )


def _signal(kind: str, name: str, state: str, turn: Turn) -> dict[str, object]:
    at_s = round(turn.start_s + turn.duration_s, 2)
    return {"kind": kind, "name": name, "state": state, "at_s": at_s, "reason": None, "payload": {}}


def _lines(
    rng: Random, stages: Sequence[Stage], people: Sequence[Learner], sessions: int, start: date, end: date,
    tenant: str, prefix: str,
) -> Iterator[bytes]:  # fmt: skip
    deck = deal(rng, people)
    attempts: dict[tuple[str, str], int] = {}
    for number, at in enumerate(_moments(rng, start, end, sessions)):
        person = next(deck)
        stage = stages[int(rng.random() * len(stages))]
        key = person.learner_id, stage.scenario.id
        attempts[key] = attempts.get(key, 0) + 1
        yield _bundle(rng, stage, person, at, f"{prefix}{number:08x}", attempts[key], tenant, 2 * number >= sessions)
        for competency in sorted({item.competency for item in stage.rubric.criteria}):
            person.practised[competency] = person.practised.get(competency, 0) + 1


def _moments(rng: Random, start: date, end: date, count: int) -> Iterator[datetime]:
    """Moments in order, days weighted by weekday, every day with the hours 6 to 18 UTC."""
    days = [start + timedelta(days=offset) for offset in range((end - start).days + 1)]
    weights = [WEEKDAYS[day.weekday()] for day in days]
    total, given, reached = sum(weights), 0, 0.0
    for day, weight in zip(days, weights, strict=True):
        reached += weight
        due = round(count * reached / total) - given
        given += due
        midnight = datetime(day.year, day.month, day.day, 6, tzinfo=UTC)
        for step in range(due):
            yield midnight + timedelta(seconds=int((step + rng.random()) / due * DAY_S / 2))


def _bundle(
    rng: Random, stage: Stage, person: Learner, at: datetime, session: str, attempt: int, tenant: str, newer: bool
) -> bytes:
    scenario, rubric = stage.scenario, stage.rubric
    skills = {item.competency: person.skill(item.competency) for item in rubric.criteria}
    mean = sum(skills.values()) / len(skills)
    level = min(range(len(LEVELS)), key=lambda index: abs(LEVELS[index] - mean))
    language = person.language if (person.language, level) in stage.talks else scenario.languages[0]
    talk = stage.talks[language, level][int(rng.random() * VARIANTS)]
    ended = at + timedelta(seconds=round(talk.seconds + 2))
    scorer = SCORERS[newer]
    criteria = b",".join(
        b'{"criterion_id":"%b","score":%d,"evidence_turns":%b,"comment":null}'
        % (
            item.id.encode(),
            scored(rng, skills[item.competency], scorer, item.min, item.max),
            talk.evidence.get(item.id, b"[]"),
        )
        for item in rubric.criteria
    )
    return b"".join(
        (
            (
                f'{{"format":"rolecall.session/1","engine":"generic","engine_session_id":"{session}","launch":'
                f'{{"tenant":"{tenant}","learner_id":"{person.learner_id}","scenario_id":"{scenario.id}",'
                f'"scenario_version":"{scenario.version}","attempt":{attempt},'
                f'"assigned":{"true" if attempt % 3 else "false"},"region":"{person.region}",'
                f'"jurisdiction":"{person.jurisdiction}","language":"{language}","notice_ref":"n-1"}},'
                f'"started_at":"{iso(at)}","ended_at":"{iso(ended)}","end_reason":"completed","turns":'
            ).encode(),
            talk.turns,
            b',"signals":',
            talk.signals,
            (
                f',"assessments":[{{"rubric_id":"{rubric.id}","rubric_version":"{rubric.version}","scorer":'
                f'{{"kind":"engine_llm","id":"{rubric.id}","version":"{scorer.version}"}},'
                f'"scored_at":"{iso(ended + timedelta(seconds=140))}","criteria":['
            ).encode(),
            criteria,
            b']}],"media":[]}\n',
        )
    )
