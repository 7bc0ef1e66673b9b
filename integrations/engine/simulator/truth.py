"""What was put into a simulation, so that whatever is computed from it can be held against it."""

from collections import Counter
from collections.abc import Sequence
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
                "skills": {name: round(value, 4) for name, value in slot.skills.items()},
                "performance": {name: round(value, 4) for name, value in played.performance.items()},
                "scores": played.scores,
                "objectives": [name for name, _, _ in played.objectives],
                "guardrails": [name for name, _, _ in played.guardrails],
            }
        )

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
