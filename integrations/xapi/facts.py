"""What a session's statements are made from: core's facts, without a word that anybody said.

There is no field for a transcript, a comment, a perception signal or a name: what has no field cannot leave.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """A turn that the scorer cites: its ordinal and, where the engine timed it, its seconds in the session."""

    turn: int
    start_s: float | None = None
    end_s: float | None = None


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion under the score that holds."""

    criterion_id: str
    score: float
    score_min: float
    score_max: float
    scaled: float
    met: bool
    blocker: bool
    competency: str | None = None
    evidence: Sequence[Evidence] = ()


@dataclass(frozen=True, slots=True)
class Score:
    """One scorer's judgement of the session by one rubric; ``scorer_id`` of a person is a learner key."""

    rubric_id: str
    rubric_version: str
    scorer_kind: str
    scorer_id: str
    scorer_version: str
    scored_at: datetime | None
    overall: float
    passed: bool | None
    uncatalogued: bool = False
    blockers_hit: Sequence[str] = ()
    criteria: Sequence[Criterion] = ()


@dataclass(frozen=True, slots=True)
class Watched:
    """An objective completed or a guardrail crossed; ``nth`` counts crossings of one guardrail from 1."""

    kind: str
    name: str
    nth: int
    at_s: float | None = None
    alignment: str | None = None
    severity: str | None = None
    regulation: str | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording that is there, with its digest."""

    uri: str
    kind: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Mastery:
    """A competency that the learner reached in this session; ``level`` is the weighted score, 0 to 1."""

    competency: str
    level: float
    required: float
    attempts: int


@dataclass(frozen=True, slots=True)
class Session:
    """One attributed session. ``scores`` hold one judgement a rubric, ``reviews`` those of people."""

    tenant: str
    session_id: str
    day: date
    learner_key: str
    started_at: datetime
    policy_version: str
    ended_at: datetime | None = None
    duration_s: float | None = None
    end_reason: str | None = None
    scenario_id: str | None = None
    scenario_version: str | None = None
    attempt: int | None = None
    assigned: bool | None = None
    language: str | None = None
    scores: Sequence[Score] = ()
    reviews: Sequence[Score] = ()
    watched: Sequence[Watched] = ()
    recordings: Sequence[Recording] = ()
    mastered: Sequence[Mastery] = ()
    manager_key: str | None = None
    role: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """Display names from the catalog, in ``language``; what is not in it goes without a name."""

    scenarios: Mapping[tuple[str, str], str] = field(default_factory=dict)
    rubrics: Mapping[tuple[str, str], str] = field(default_factory=dict)
    criteria: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    competencies: Mapping[str, str] = field(default_factory=dict)
    language: str = "en"
