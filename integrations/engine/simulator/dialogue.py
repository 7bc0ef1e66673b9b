"""Composes one conversation: coherent lines whose quality follows the learner's performance, with their timing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from integrations.engine.simulator.phrases import DAYS, SCRIPTS, SPEED, Phrases, phrases

LEARNER, COUNTERPART = "learner", "counterpart"
LOW_BELOW, HIGH_FROM = 0.40, 0.63


@dataclass
class Turn:
    """One speech turn; times in seconds from the first word."""

    speaker: str
    text: str
    start_s: float = 0.0
    duration_s: float = 0.0
    interrupted: bool = False
    move: str | None = None
    quality: str | None = None


@dataclass(frozen=True)
class Part:
    """What is played: kind of conversation, language, performance (0 to 1) per criterion, lines crossed."""

    kind: str
    language: str
    performance: Mapping[str, float]
    violations: Sequence[str] = ()
    brief: bool = False


def compose(rng: Random, part: Part) -> list[Turn]:
    """The turns of the whole conversation; ``brief`` leaves out everything but the moves themselves."""
    book = phrases(part.language)
    mean = sum(part.performance.values()) / max(len(part.performance), 1)
    crossed = _crossings(rng, part)
    turns: list[Turn] = []
    for move in SCRIPTS[part.kind]:
        lines = book[f"{part.kind}.{move.name}"]
        quality = quality_of(part.performance.get(move.criterion or "", mean) + rng.gauss(0, 0.04))
        turns.append(Turn(COUNTERPART, rng.choice(lines["cue"]), move=move.name))
        if not part.brief and rng.random() < 0.05:
            turns += _repair(rng, book, quality)
        answer = rng.choice(lines[quality])
        if quality == "low" and not part.brief and rng.random() < 0.45:
            answer = _joined(part.language, answer, rng.choice(book["ramble"]["low"]))
        turns.append(Turn(LEARNER, answer, move=move.name, quality=quality))
        if name := crossed.get(move.name):
            turns.append(Turn(COUNTERPART, rng.choice(book["bridge"]["mid"])))
            turns.append(Turn(LEARNER, rng.choice(book[f"{part.kind}.{name}"]["low"]), move=name, quality="low"))
            turns.append(Turn(COUNTERPART, rng.choice(book["rebuff"]["cue"])))
            turns.append(Turn(LEARNER, rng.choice(book["repair"]["low"]), quality="low"))
        well = quality == "high" or (quality == "mid" and rng.random() < 0.5)
        turns.append(Turn(COUNTERPART, rng.choice(lines["good" if well else "bad"]), move=move.name))
        if not part.brief:
            turns.append(Turn(LEARNER, rng.choice(book["bridge"][quality]), quality=quality))
    _fill(rng, turns, part.language)
    _time(rng, turns, SPEED[part.language], mean)
    return turns


def quality_of(performance: float) -> str:
    """low, mid or high."""
    if performance < LOW_BELOW:
        return "low"
    return "high" if performance >= HIGH_FROM else "mid"


def _crossings(rng: Random, part: Part) -> dict[str, str]:
    """Which move each crossed line follows; not the first one, which opens the talk."""
    moves = [move.name for move in SCRIPTS[part.kind][1:]]
    known = [name for name in part.violations if f"{part.kind}.{name}" in phrases(part.language)]
    return dict(zip(rng.sample(moves, min(len(known), len(moves))), known, strict=False))


def _repair(rng: Random, book: Phrases, quality: str) -> list[Turn]:
    """The counterpart did not catch it and asks back."""
    return [
        Turn(LEARNER, rng.choice(book["bridge"][quality]), quality=quality),
        Turn(COUNTERPART, rng.choice(book["repair"]["cue"])),
        Turn(LEARNER, rng.choice(book["repair"]["low" if quality == "low" else "high"]), quality=quality),
        Turn(COUNTERPART, rng.choice(book["bridge"]["mid"])),
    ]


def _joined(language: str, first: str, second: str) -> str:
    return first + second if language == "ja" else f"{first} {second}"


def _fill(rng: Random, turns: list[Turn], language: str) -> None:
    """The same day and figure throughout, so that the talk does not contradict itself."""
    day, number = rng.choice(DAYS[language]), str(rng.randrange(4, 15) * 10)
    for turn in turns:
        if "{" in turn.text:
            turn.text = turn.text.replace("{day}", day).replace("{n}", number)
            turn.text = turn.text[0].upper() + turn.text[1:]


def _time(rng: Random, turns: list[Turn], speed: float, mean: float) -> None:
    """Gaps shrink and interruptions get rarer as skill grows; a cut-off turn ends where the other begins."""
    end = 0.0
    previous: Turn | None = None
    for turn in turns:
        turn.duration_s = round(max(0.5, len(turn.text) / speed * rng.uniform(0.88, 1.12)), 2)
        learner = turn.speaker == LEARNER
        median = 0.55 + 0.9 * (1 - mean) if learner else 0.45
        gap = median * rng.lognormvariate(0, 0.35)
        cuts = 0.12 * (1.15 - mean) if learner else 0.05 * (1.15 - mean)
        if previous is not None and previous.duration_s > 2 and rng.random() < cuts:
            gap = -rng.uniform(0.2, 1.0)
            previous.interrupted = True
        turn.start_s = round(max(0.0, end + gap), 2) if previous is not None else 0.0
        end = turn.start_s + turn.duration_s
        previous = turn
