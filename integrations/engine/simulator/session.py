"""One simulated session: what was planned, what was said, how it was scored; nothing of any wire format."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from governance.catalog_models import Rubric, Scenario
from integrations.engine.simulator.dialogue import LEARNER, Part, Turn, compose
from integrations.engine.simulator.people import Learner
from integrations.engine.simulator.phrases import SCRIPTS
from integrations.engine.simulator.settings import Uglies

NOT_FOUND = "NOTFOUND"
LATENCY_S = 2.2  # from joining to the first word
REASONS = {
    "completed": ("end_conversation_endpoint_hit", "participant_left_timeout", "participant_left_timeout reached"),
    "learner_left": ("participant_left_timeout", "participant_left_timeout reached"),
    "no_show": ("participant_absent_timeout", "participant_absent_timeout reached"),
    "time_limit": ("max_call_duration", "max_call_duration reached"),
    "technical_failure": (
        "exception_encountered_during_conversation_startup",
        "bot_could_not_join_meeting_it_was_probably_ended",
        "internal error occurred at step tts",
        "daily_room_has_been_deleted",
    ),
}
# What the engine's evaluator writes into variables; anything else gets the learner's own words.
SAMPLES = {"_date": "2026-12-03", "_minutes": "10", "_people": "two team leads", "_figure": "90", "_years": "4"}


@dataclass(frozen=True)
class Scorer:
    """A version of the post-call scorer; ``bias`` and ``noise`` on the 0 to 1 scale."""

    version: str
    bias: float
    noise: float = 0.07


@dataclass(frozen=True)
class Slot:
    """A planned session."""

    number: int
    engine: str
    engine_session_id: str
    learner: Learner
    scenario: Scenario
    rubric: Rubric
    language: str
    attempt: int
    assigned: bool
    at: datetime
    ending: str
    is_test: bool
    scorer: Scorer
    brief: bool = False
    skills: dict[str, float] = field(default_factory=dict)


@dataclass
class Played:
    """A session as it really happened. Offsets in seconds from the first word."""

    slot: Slot
    turns: list[Turn]
    ended_at: datetime
    reason: str
    performance: dict[str, float]
    scores: dict[str, int | None]
    evidence: dict[str, list[int]]
    objectives: list[tuple[str, float, dict[str, str]]]
    guardrails: list[tuple[str, float, str]]

    @property
    def joined_at(self) -> datetime:
        """When the counterpart joined, four seconds after the conversation was created."""
        return self.slot.at + timedelta(seconds=4)

    @property
    def first_word_at(self) -> datetime:
        """Zero of every offset."""
        return self.joined_at + timedelta(seconds=LATENCY_S)

    @property
    def spoke(self) -> bool:
        """Whether there was a dialogue at all."""
        return bool(self.turns)


def play(rng: Random, slot: Slot, uglies: Uglies) -> Played:
    """Let the learner hold the conversation and score it."""
    performance = perform(rng, slot)
    violations = _violations(rng, slot)
    if slot.is_test:  # a test conversation is over the moment it is made
        return Played(slot, [], slot.at, "end_conversation_endpoint_hit", performance, {}, {}, [], [])
    if slot.ending in ("no_show", "technical_failure"):
        wait = timedelta(seconds=300 if slot.ending == "no_show" else round(rng.uniform(2, 20), 1))
        return Played(slot, [], slot.at + wait, rng.choice(REASONS[slot.ending]), performance, {}, {}, [], [])
    turns = compose(rng, Part(slot.scenario.kind, slot.language, performance, violations, slot.brief))
    if slot.ending in ("learner_left", "time_limit"):
        turns = turns[: max(3, int(len(turns) * rng.uniform(0.25, 0.75)))]
    length = max(turn.start_s + turn.duration_s for turn in turns)
    tail = 45 if slot.ending == "learner_left" else rng.uniform(1, 4)
    ended_at = slot.at + timedelta(seconds=round(4 + LATENCY_S + length + tail, 1))
    played = Played(slot, turns, ended_at, rng.choice(REASONS[slot.ending]), performance, {}, {}, [], [])
    _score(rng, played)
    _observe(rng, played, violations, uglies.not_found)
    return played


def perform(rng: Random, slot: Slot) -> dict[str, float]:
    """How well it went per criterion (0 to 1): skill, the day's form and the scenario's difficulty."""
    form = rng.gauss(0, 0.04) - 0.02 * (slot.scenario.difficulty - 3)
    return {
        item.id: min(max(slot.skills[item.competency] + form + rng.gauss(0, 0.05), 0.0), 1.0)
        for item in slot.rubric.criteria
    }


def _violations(rng: Random, slot: Slot) -> list[str]:
    """Lines crossed; rarer as integrity grows."""
    risk = max(0.01, 0.28 * (0.80 - slot.skills.get("integrity", 0.5)))
    return [item.name for item in slot.scenario.guardrails if rng.random() < risk]


def scored(rng: Random, performance: float, scorer: Scorer, low: float, high: float) -> int:
    """A whole step on the scale, with the scorer's bias and noise."""
    seen = performance + scorer.bias + rng.gauss(0, scorer.noise)
    return round(min(max(low + (high - low) * seen, low), high))


def _score(rng: Random, played: Played) -> None:
    """Scores and the turns they rest on; a criterion that never came up has none."""
    moves = {move.name: move.criterion for move in SCRIPTS[played.slot.scenario.kind]}
    for ordinal, turn in enumerate(played.turns):
        criterion = moves.get(turn.move or "")
        if criterion and turn.speaker == LEARNER:
            played.evidence.setdefault(criterion, []).append(ordinal)
    scripted = set(moves.values())
    for item in played.slot.rubric.criteria:
        shown = item.id in played.evidence or item.id not in scripted
        value = scored(rng, played.performance[item.id], played.slot.scorer, item.min, item.max)
        played.scores[item.id] = value if shown else None


def _observe(rng: Random, played: Played, violations: list[str], not_found: float) -> None:
    """Objectives in their order, each only after the one it needs, and the lines that were crossed."""
    steps = {move.objective: move.name for move in SCRIPTS[played.slot.scenario.kind] if move.objective}
    done: set[str] = set()
    for item in played.slot.scenario.objectives:
        turn = next((t for t in played.turns if t.speaker == LEARNER and t.move == steps.get(item.name)), None)
        chance = {"high": 0.96, "mid": 0.7, "low": 0.12}.get(turn.quality or "" if turn else "", 0.0)
        if turn is None or (item.after and item.after not in done) or rng.random() >= chance:
            continue
        done.add(item.name)
        missing = not_found * (3 if turn.quality == "low" else 1)
        found = {name: NOT_FOUND if rng.random() < missing else _value(name, turn.text) for name in item.variables}
        played.objectives.append((item.name, turn.start_s + turn.duration_s, found))
    for turn in played.turns:
        if turn.move in violations:
            played.guardrails.append((str(turn.move), turn.start_s + turn.duration_s, turn.text))


def _value(variable: str, words: str) -> str:
    return next((text for ending, text in SAMPLES.items() if variable.endswith(ending)), words[:80])


def iso(moment: datetime, millis: bool = False) -> str:
    """UTC with a Z, as the engine writes it."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds" if millis else "seconds")
    return text.replace("+00:00", "Z")
