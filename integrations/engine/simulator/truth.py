"""What was put into a simulation, so that whatever is computed from it can be held against it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import orjson

from integrations.engine.simulator import outcomes
from integrations.engine.simulator.people import Learner
from integrations.engine.simulator.schedule import SCORER_CHANGE, SCORERS, VERSION_CHANGE
from integrations.engine.simulator.session import Played
from integrations.engine.simulator.settings import Effects, Uglies


def true_growth(rows: Iterable[tuple[str, str, str, float]]) -> dict[str, float]:
    """Mean rise of true skill from the first k to the last k attempts, by competency.

    ``rows`` are (learner, competency, version of rubric and scorer, skill) in order of time. Of each learner the
    version practised most under counts, the later name where two tie; k is at most 3 and the ends never overlap.
    """
    spells: dict[tuple[str, str], dict[str, list[float]]] = {}
    for learner, competency, version, skill in rows:
        spells.setdefault((competency, learner), {}).setdefault(version, []).append(skill)
    gains: dict[str, list[float]] = {}
    for (competency, _), versions in sorted(spells.items()):
        _, skills = max(versions.items(), key=lambda item: (len(item[1]), item[0]))
        k = min(3, len(skills) // 2)
        if k:
            gains.setdefault(competency, []).append((sum(skills[-k:]) - sum(skills[:k])) / k)
    return {competency: sum(each) / len(each) for competency, each in gains.items()}


@dataclass
class Truth:
    """Counts, effects and latent values of one simulation; ``truth.json`` is its content."""

    tenant: str
    seed: int
    start: date
    end: date
    sessions: int
    effects: Effects
    uglies: Uglies
    counts: Counter[str] = field(default_factory=Counter)
    late_launches: list[str] = field(default_factory=list)
    learners: list[dict[str, Any]] = field(default_factory=list)
    played: list[dict[str, Any]] = field(default_factory=list)

    def add(self, played: Played) -> None:
        """Keep the latent values of a session."""
        slot = played.slot
        self.counts["sessions"] += 1
        self.counts[f"sessions_{slot.engine}"] += 1
        self.counts[f"ending_{slot.ending}"] += 1
        self.counts["turns"] += len(played.turns)
        self.counts["objectives_completed"] += len(played.objectives)
        self.counts["guardrails_triggered"] += len(played.guardrails)
        self.played.append(
            {
                "session_id": f"{slot.engine}:{slot.engine_session_id}",
                "learner_id": slot.learner.learner_id,
                "scenario": [slot.scenario.id, slot.scenario.version],
                "rubric": [slot.rubric.id, slot.rubric.version],
                "language": slot.language,
                "started_at": slot.at.isoformat(),
                "ending": slot.ending,
                "is_test": slot.is_test,
                "turns": len(played.turns),
                "scorer_version": slot.scorer.version,
                "rehearsed": sorted({item.competency for item in slot.rubric.criteria if played.scores.get(item.id)}),
                "skills": {name: round(value, 4) for name, value in slot.skills.items()},
                "performance": {name: round(value, 4) for name, value in played.performance.items()},
                "scores": played.scores,
                "objectives": [name for name, _, _ in played.objectives],
                "guardrails": [name for name, _, _ in played.guardrails],
            }
        )

    def _rehearsed(self) -> Iterator[tuple[str, str, str, float]]:
        for each in sorted(self.played, key=lambda played: str(played["started_at"])):
            version = ":".join((*each["rubric"], each["scorer_version"]))
            for competency in each["rehearsed"]:
                yield each["learner_id"], competency, version, each["skills"][competency]

    def people(self, learners: Sequence[Learner]) -> None:
        """Keep the learning curves."""
        self.learners = [
            {
                "learner_id": person.learner_id,
                "region": person.region,
                "role": person.role,
                "ability": round(person.ability, 4),
                "rate": round(person.rate, 4),
                "start": {name: round(value, 4) for name, value in person.start.items()},
                "ceiling": {name: round(value, 4) for name, value in person.ceiling.items()},
                "practised": dict(person.practised),
            }
            for person in learners
        ]

    def write(self, path: Path) -> None:
        """truth.json, on one line: a reader of folders must not take it for input."""
        days = (self.end - self.start).days
        content = {
            "format": "rolecall.truth/1",
            "tenant": self.tenant,
            "seed": self.seed,
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "effects_per_10_points": asdict(self.effects),
            "outcome_model": {
                "skill_centre": 0.4,
                "log_deal": {"base": outcomes.BASE_LOG_DEAL, "ability": outcomes.ABILITY_LOG_DEAL},
                "win_logit": {"base": outcomes.BASE_WIN_LOGIT, "ability": outcomes.ABILITY_WIN},
                "csat": {"base": outcomes.BASE_CSAT, "ability": outcomes.ABILITY_CSAT},
                "noise": {"log_deal": outcomes.DEAL_NOISE, "csat": outcomes.CSAT_NOISE},
            },
            "growth_first_to_last_k": {name: round(value, 4) for name, value in true_growth(self._rehearsed()).items()},
            "scorers": [asdict(scorer) for scorer in SCORERS],
            "scorer_change": (self.start + timedelta(days=round(days * SCORER_CHANGE))).isoformat(),
            "version_change": (self.start + timedelta(days=round(days * VERSION_CHANGE))).isoformat(),
            "uglies": asdict(self.uglies),
            "counts": dict(sorted(self.counts.items())),
            "late_launches": self.late_launches,
            "learners": self.learners,
            "played": self.played,
        }
        path.write_bytes(orjson.dumps(content))
