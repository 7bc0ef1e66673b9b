"""SCORM tracks of one attempt, as an LMS kept them, turned into what the attempt says.

Both editions end in the same ``Attempt``. The summary that Moodle puts in front of the tracks is not used for pass and
fail: in 2004 it repeats the completion status, so a failed learner reads "completed" there.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

Edition = Literal["1.2", "2004"]

_CLOCK = re.compile(r"(\d{1,4}):(\d{2}):(\d{2}(?:\.\d+)?)")
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_ARRAY = re.compile(r"\b(interactions|objectives)_(\d+)\b")


@dataclass(frozen=True, slots=True)
class Criterion:
    """What the LMS kept of one rubric criterion; matched by id, since an LMS may put objectives of its own in front."""

    id: str
    raw: Decimal | None = None
    passed: bool | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt. Scores are on the scale ``low`` to ``high``; ``result_id`` and ``signature`` are ours, or absent."""

    edition: Edition
    raw: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    passed: bool | None = None
    completed: bool | None = None
    seconds: Decimal | None = None
    result_id: str | None = None
    signature: str | None = None
    criteria: tuple[Criterion, ...] = ()

    @property
    def scaled(self) -> Decimal | None:
        """The score on 0..1; None without a score or a usable scale."""
        low = Decimal(0) if self.low is None else self.low
        high = Decimal(100) if self.high is None else self.high
        return None if self.raw is None or high <= low else (self.raw - low) / (high - low)


def attempt(elements: Mapping[str, Any]) -> Attempt:
    """The attempt that the elements describe, keyed as the LMS names them (``cmi.objectives_0.id`` in 1.2)."""
    cmi = {_ARRAY.sub(r"\1.\2", name): value for name, value in elements.items() if name.startswith("cmi.")}
    edition: Edition = "1.2" if any(name.startswith("cmi.core.") for name in cmi) else "2004"
    score = "cmi.core.score" if edition == "1.2" else "cmi.score"
    passed, completed = _verdict(cmi, edition)
    result_id, signature = _ours(cmi.get("cmi.suspend_data"))
    return Attempt(
        edition=edition,
        raw=_number(cmi.get(f"{score}.raw")),
        low=_number(cmi.get(f"{score}.min")),
        high=_number(cmi.get(f"{score}.max")),
        passed=passed,
        completed=completed,
        seconds=seconds(cmi.get("cmi.core.total_time" if edition == "1.2" else "cmi.total_time")),
        result_id=result_id,
        signature=signature,
        criteria=tuple(_criteria(cmi, edition)),
    )


def seconds(text: object) -> Decimal | None:
    """Seconds of a SCORM time span, ``00:12:34.50`` or ``PT12M34.5S``; None for anything else."""
    if not isinstance(text, str):
        return None
    clock = _CLOCK.fullmatch(text)
    if clock:
        hours, minutes, rest = clock.groups()
        return int(hours) * 3600 + int(minutes) * 60 + Decimal(rest)
    span = _DURATION.fullmatch(text)
    if span is None or not any(span.groups()):
        return None
    days, hours, minutes, rest = (Decimal(part or 0) for part in span.groups())
    return days * 86_400 + hours * 3_600 + minutes * 60 + rest


def _verdict(cmi: Mapping[str, Any], edition: Edition) -> tuple[bool | None, bool | None]:
    """Passed and completed; None where the attempt says neither."""
    if edition == "1.2":
        status = cmi.get("cmi.core.lesson_status")
        passed = {"passed": True, "failed": False}.get(str(status))
        completed = {"passed": True, "failed": True, "completed": True, "incomplete": False}.get(str(status))
        return passed, completed
    passed = {"passed": True, "failed": False}.get(str(cmi.get("cmi.success_status")))
    completed = {"completed": True, "incomplete": False}.get(str(cmi.get("cmi.completion_status")))
    return passed, completed


def _criteria(cmi: Mapping[str, Any], edition: Edition) -> list[Criterion]:
    status = "status" if edition == "1.2" else "success_status"
    found = []
    for index in sorted(int(name.split(".")[2]) for name in cmi if re.fullmatch(r"cmi\.objectives\.\d+\.id", name)):
        place = f"cmi.objectives.{index}"
        raw = _number(cmi.get(f"{place}.score.raw"))
        passed = {"passed": True, "failed": False}.get(str(cmi.get(f"{place}.{status}")))
        if raw is not None or passed is not None:  # an objective of the manifest that nobody scored says nothing
            found.append(Criterion(str(cmi[f"{place}.id"]), raw, passed))
    return found


def _ours(suspended: object) -> tuple[str | None, str | None]:
    """Result id and signature prefix out of ``suspend_data``; a learner may have written anything there."""
    try:
        kept = json.loads(suspended) if isinstance(suspended, str) else None
    except ValueError:
        return None, None
    if not isinstance(kept, dict):
        return None, None
    texts = [kept.get(key) for key in ("r", "s")]
    result_id, signature = (text if isinstance(text, str) and 0 < len(text) <= 64 else None for text in texts)
    return (result_id, signature) if result_id else (None, None)


def _number(value: object) -> Decimal | None:
    try:
        found = None if value is None or value == "" or isinstance(value, bool) else Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found is not None and found.is_finite() else None
