"""What a rubric, a scenario and the competency model are made of; reading files is `governance.catalog`'s business."""

import hashlib
import json
import math
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{1,63}$")]
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=20)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")]
Severity = Literal["info", "low", "medium", "high", "critical"]
Unit = Annotated[float, Field(ge=0, le=1)]


def _version_text(value: object) -> object:
    """Versions are text: YAML reads 1.10 as 1.1, so a number with a fraction is refused rather than guessed."""
    if isinstance(value, bool | float):
        raise ValueError('write the version in quotes, for example "1.10"')  # noqa: TRY004 - pydantic reports ValueError
    return str(value) if isinstance(value, int) else value


Version = Annotated[
    str, BeforeValidator(_version_text), StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]{0,31}$")
]


class Strict(BaseModel):
    """Unknown keys are errors: a misspelt `minimun` would otherwise switch a blocker off in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def canonical(self) -> str:
        """The object as JSON with sorted keys; equal content gives equal text."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False, separators=(",", ":"))

    @property
    def digest(self) -> str:
        """SHA-256 over the canonical content; comments and layout of the YAML do not count."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()


class ProficiencyLevel(Strict):
    """One step of the general scale; ``floor`` is the scaled score (0 to 1) from which it holds."""

    name: Text
    floor: Unit
    description: Sentence


class Competency(Strict):
    """What a person can do; ``mastery`` is the scaled score (0 to 1) that counts as mastered."""

    id: Code
    name: Text
    definition: Sentence
    indicators: tuple[Sentence, ...] = Field(min_length=1)
    mastery: Unit = Field(gt=0)


class CompetencyModel(Strict):
    """The competencies that all rubrics share, and the proficiency levels that describe them."""

    version: Version
    title: Text
    levels: tuple[ProficiencyLevel, ...] = Field(min_length=2)
    competencies: tuple[Competency, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _coherent(self) -> "CompetencyModel":
        floors = [level.floor for level in self.levels]
        if floors[0] != 0 or any(a >= b for a, b in pairwise(floors)):
            raise ValueError("levels: floors start at 0 and rise")
        _unique([item.id for item in self.competencies], "competencies")
        return self


class Criterion(Strict):
    """One behaviour that is scored on ``min`` to ``max``; ``levels`` describes every whole step in words."""

    id: Code
    name: Text
    competency: Code
    weight: float = Field(gt=0)
    min: float = Field(ge=-100, le=100)
    max: float = Field(ge=-100, le=100)
    minimum: float | None = None
    blocker: bool = False
    looks_for: Sentence
    levels: dict[int, Sentence]
    regulation: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _coherent(self) -> "Criterion":
        if self.max <= self.min:
            raise ValueError(f"max {self.max:g} is not above min {self.min:g}")
        if self.minimum is not None and not self.min < self.minimum <= self.max:
            raise ValueError(f"minimum {self.minimum:g} lies outside the scale {self.min:g} to {self.max:g}")
        if self.blocker and self.minimum is None:
            raise ValueError("a blocker needs a minimum: below it the session fails")
        steps = set(range(math.ceil(self.min), math.floor(self.max) + 1))
        if set(self.levels) != steps:
            raise ValueError(f"levels must describe exactly the steps {sorted(steps)}, has {sorted(self.levels)}")
        return self


class PassRule(Strict):
    """Passed when the weighted overall (0 to 1) reaches ``overall_minimum`` and no minimum is missed."""

    overall_minimum: Unit = Field(gt=0)


class PostCall(Strict):
    """Which fields of the engine's post-call tool hold what. ``fields`` maps the tool's field to a criterion id."""

    tool: Text
    fields: dict[str, Code] = Field(min_length=1)
    comments: dict[str, Code] = {}
    evidence: Text | None = None
    overall: Text | None = None
    scorer_version: Text | None = None


class Rubric(Strict):
    """One version of a rubric; immutable once a score refers to it."""

    id: Code
    version: Version
    title: Text
    purpose: Sentence
    changes: Sentence | None = None
    approved_by: Text | None = None
    criteria: tuple[Criterion, ...] = Field(min_length=1)
    pass_rule: PassRule | None = None
    post_call: PostCall | None = None

    @model_validator(mode="after")
    def _coherent(self) -> "Rubric":
        known = [item.id for item in self.criteria]
        _unique(known, "criteria")
        if self.post_call is None:
            return self
        mapped = list(self.post_call.fields.values())
        for criterion in (*mapped, *self.post_call.comments.values()):
            if criterion not in known:
                raise ValueError(f"post_call maps to {criterion!r}, which is none of the criteria {known}")
        _unique(mapped, "post_call.fields")
        if missing := [criterion for criterion in known if criterion not in mapped]:
            raise ValueError(f"post_call.fields has no field for {missing}: they would never be scored")
        return self

    @property
    def key(self) -> tuple[str, str]:
        """Rubric id and version."""
        return self.id, self.version


class Objective(Strict):
    """A step of the conversation that the engine's evaluator ticks off; ``after`` names the step it needs first."""

    name: Code
    prompt: Sentence
    variables: tuple[Code, ...] = ()
    after: Code | None = None
    severity: Severity = "info"
    regulation: tuple[Text, ...] = ()


class Guardrail(Strict):
    """A line that the learner must not cross; severity and regulation are ours, the engine gives neither."""

    name: Code
    prompt: Sentence
    modality: Literal["verbal", "visual"] = "verbal"
    severity: Severity
    regulation: tuple[Text, ...] = ()


class Counterpart(Strict):
    """Who sits on the other side: what the persona's prompt is written from."""

    name: Text
    role: Text
    background: Sentence
    opening: Text
    hidden: Sentence


class RubricRef(Strict):
    """A rubric version."""

    id: Code
    version: Version


class EngineSettings(Strict):
    """The engine's own ids: persona (PAL) per language, face, and the ids of its objective and guardrail sets."""

    personas: dict[Language, Text] = Field(min_length=1)
    face_id: Text | None = None
    objectives_id: Text | None = None
    guardrail_ids: tuple[Text, ...] = ()
    max_call_s: int = Field(default=1200, ge=60)


class LmsSettings(Strict):
    """What an LMS sees: course identifiers, attempts, and whether failing still completes the item."""

    identifier: Code
    title: Text
    description: Sentence
    max_attempts: int | None = Field(default=None, ge=1)
    completed_by: Literal["attempt", "pass"] = "attempt"
    due_days: int | None = Field(default=None, ge=1)
    scorm_versions: tuple[Literal["1.2", "2004-4"], ...] = ("1.2", "2004-4")


class Scenario(Strict):
    """One version of a rehearsal: who is met, what has to happen, which rubric judges it."""

    id: Code
    version: Version
    kind: Code
    title: Text
    changes: Sentence | None = None
    rubric: RubricRef
    difficulty: int = Field(ge=1, le=5)
    duration_min: int = Field(ge=1, le=120)
    languages: tuple[Language, ...] = Field(min_length=1)
    audience: Text
    learning_objectives: tuple[Sentence, ...] = Field(min_length=1)
    brief: Sentence
    counterpart: Counterpart
    objectives: tuple[Objective, ...] = ()
    guardrails: tuple[Guardrail, ...] = ()
    debrief: tuple[Sentence, ...] = ()
    engine: EngineSettings | None = None
    lms: LmsSettings | None = None

    @model_validator(mode="after")
    def _coherent(self) -> "Scenario":
        _unique([item.name for item in self.objectives], "objectives")
        _unique([item.name for item in self.guardrails], "guardrails")
        earlier: set[str] = set()
        for item in self.objectives:
            if item.after is not None and item.after not in earlier:
                raise ValueError(f"objectives: {item.name!r} comes after {item.after!r}, which is not above it")
            earlier.add(item.name)
        if self.engine and (lost := sorted(set(self.engine.personas) - set(self.languages))):
            raise ValueError(f"engine.personas has languages that the scenario does not offer: {lost}")
        return self

    @property
    def key(self) -> tuple[str, str]:
        """Scenario id and version."""
        return self.id, self.version


def _unique(names: list[str], where: str) -> None:
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ValueError(f"{where}: {', '.join(doubled)} occurs more than once")
