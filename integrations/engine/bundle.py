"""Session bundles, format ``rolecall.session/1``: the neutral way in for any other engine and for history.

``SessionBundle`` is the careful reader with messages for people; bulk landing checks the same rules in SQL.
``merge`` makes one session of several bundles of it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

from integrations.engine.merging import merge
from integrations.engine.times import EXAMPLE, TimeProblemError, parse

__all__ = ["FORMAT", "BundleError", "Problem", "SessionBundle", "merge", "read"]

FORMAT = "rolecall.session/1"
MOMENT = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d(:?\d\d)?)$"
_MOMENT = re.compile(MOMENT)


def _moment(value: object) -> str:
    """A time as it was written, once it is sure to name a moment."""
    if not isinstance(value, str):
        raise ValueError(f"must be text such as {EXAMPLE}")  # noqa: TRY004 - pydantic reports ValueError alone
    text = value.strip()
    try:
        parse(text)
    except TimeProblemError as problem:
        remedy = "has no UTC offset" if problem.rule == "naive_time" else "is not a time between 2000 and 2100"
        raise ValueError(f"{remedy}; write it as {EXAMPLE}") from None
    if _MOMENT.fullmatch(text) is None:
        raise ValueError(f"is not a full date and time; write it as {EXAMPLE}")
    return text


def _name(value: str) -> str:
    if not value.strip():
        raise ValueError("is empty; write it or leave it out")
    return value


def _finite(value: float) -> float:
    if value != value or abs(value) == float("inf"):
        raise ValueError("is not a number")
    return value


Moment = Annotated[
    str,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": MOMENT, "examples": [EXAMPLE]}),
]
Name = Annotated[str, AfterValidator(_name), Field(min_length=1, max_length=300)]
Number = Annotated[float, AfterValidator(_finite)]
Seconds = Annotated[Number, Field(ge=0)]


class Part(BaseModel):
    """A part of a bundle; a field that the format does not name is left out, not refused."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class Launch(Part):
    """Who rehearsed what; may also come by the launch registry."""

    tenant: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")] | None = None
    learner_id: str | None = None
    scenario_id: str | None = None
    scenario_version: str | None = None
    attempt: Annotated[int, Field(ge=1)] | None = None
    assigned: bool | None = None
    region: str | None = None
    jurisdiction: str | None = None
    language: str | None = None
    notice_ref: str | None = None


class TurnPart(Part):
    """One speech turn; its position in the list is its ordinal, from 0."""

    speaker: Literal["learner", "counterpart"]
    text: str
    start_s: Annotated[Seconds | None, Field(description="Seconds from the start of the session")] = None
    duration_s: Seconds | None = None
    interrupted: Annotated[bool | None, Field(description="The other speaker cut this turn off")] = None
    language: Annotated[str | None, Field(description="BCP 47")] = None
    input_mode: Literal["voice", "typed"] | None = None


class SignalPart(Part):
    """One event beside the speech."""

    kind: Literal["objective", "guardrail", "tool", "perception", "memory", "knowledge"]
    name: str | None = None
    state: str | None = None
    at_s: Seconds | None = None
    reason: str | None = None
    payload: Any = None
    alignment: Literal["exact", "estimated"] | None = None


class ScorerPart(Part):
    """Who or what scored; a person is named by learner key, never by name."""

    kind: Literal["engine_llm", "our_llm", "human"]
    id: str | None = None
    version: str | None = None


class CriterionPart(Part):
    """One score on the criterion's own scale; absent is not 0."""

    criterion_id: Name
    score: Number | None = None
    min: Number | None = None
    max: Number | None = None
    evidence_turns: list[Annotated[int, Field(ge=0)]] | None = None
    comment: str | None = None


class AssessmentPart(Part):
    """One scoring by one scorer on one rubric version."""

    rubric_id: Name
    rubric_version: str | None = None
    scorer: ScorerPart
    scored_at: Moment | None = None
    criteria: list[CriterionPart]


class MediaPart(Part):
    """One recording, by address."""

    uri: Name
    kind: Literal["video", "audio"] = "video"
    started_at: Moment | None = None
    duration_s: Seconds | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None


class SessionBundle(Part):
    """One session. Only format, engine_session_id, started_at and turns must be there; absent is never 0."""

    format: Literal["rolecall.session/1"]
    engine: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,40}$")] | None = None
    engine_session_id: Name
    launch: Launch | None = None
    started_at: Moment
    ended_at: Moment | None = None
    end_reason: str | None = None
    is_test: bool | None = None
    config_hash: str | None = None
    turns: list[TurnPart]
    signals: list[SignalPart] | None = None
    assessments: list[AssessmentPart] | None = None
    media: list[MediaPart] | None = None

    @property
    def session_id(self) -> str:
        """``engine:engine_session_id``."""
        return f"{self.engine or 'generic'}:{self.engine_session_id}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: where it is, the rule it broke, and what to do; never the value."""

    where: str
    rule: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.remedy}" if self.where else self.remedy


class BundleError(ValueError):
    """The bundle cannot be taken; ``problems`` has every fault of it."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems[:5]))
        self.problems = problems


def read(line: bytes | str | Mapping[str, Any]) -> SessionBundle:
    """One checked bundle from a line of JSON, or from the object in it.

    Raises:
        BundleError: with every fault, where it is and how to mend it.
    """
    value: Any = line
    if isinstance(line, bytes | str):
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            remedy = "not JSON; write one session bundle on each line, in UTF-8"
            raise BundleError([Problem("", "malformed_json", remedy)]) from None
    if not isinstance(value, Mapping):
        raise BundleError([Problem("", "not_an_object", "a session bundle is a JSON object")])
    try:
        return SessionBundle.model_validate(dict(value))
    except ValidationError as error:
        raise BundleError([_problem(dict(fault)) for fault in error.errors(include_url=False)]) from None


_REMEDIES = {
    "missing": "is missing; write it",
    "extra_forbidden": "is not part of the format; leave it out",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number, without quotes",
    "float_type": "must be a number, without quotes",
    "list_type": "must be a list",
    "model_type": "must be an object",
    "string_type": "must be text, in quotes",
    "string_pattern_mismatch": "has characters that are not allowed here",
    "string_too_short": "is empty; write it or leave it out",
}


def _problem(fault: dict[str, Any]) -> Problem:
    where = ""
    for part in fault["loc"]:
        where += f"[{part}]" if isinstance(part, int) else f".{part}" if where else str(part)
    kind, context = fault["type"], fault.get("ctx") or {}
    if kind == "literal_error":
        remedy = f"must be {context.get('expected', 'one of the listed values')}"
    elif kind == "greater_than_equal":
        remedy = f"must be {context.get('ge')} or more"
    elif kind == "value_error":
        remedy = str(context.get("error", fault["msg"]))
    else:
        remedy = _REMEDIES.get(kind) or str(fault["msg"])
    return Problem(where, kind, remedy)
