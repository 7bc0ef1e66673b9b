"""``config/retention.yaml`` and the decision it leads to: may this session go, must it go, or does it stay, and why.

Precedence: legal hold > legal retention > request for erasure > restriction of processing > end of retention. Each
answer names its basis, a refusal as well (GDPR Article 17(3)(b) and (e)).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from governance import yaml_files

FILE = "retention.yaml"
DEFAULT = "default"
Days = Annotated[int, Field(ge=1, le=36_525)]


class RetentionError(ValueError):
    """The retention file cannot be used; the text names the file, the place and what is wrong."""


class RetentionClass(BaseModel):
    """How long, and by which rule: at least ``keep_days`` whatever is asked, at most ``most_days``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    basis: Annotated[str, Field(min_length=1, max_length=300)]
    keep_days: Days | None = None
    most_days: Days | None = None

    @model_validator(mode="after")
    def _possible(self) -> "RetentionClass":
        if self.keep_days is not None and self.most_days is not None and self.most_days < self.keep_days:
            raise ValueError("most_days is shorter than keep_days")
        return self


class Retention(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Annotated[str, Field(min_length=1, max_length=40)]
    approved_by: Annotated[str, Field(min_length=1, max_length=200)]
    classes: dict[str, RetentionClass]
    scenarios: dict[str, str] = {}

    @model_validator(mode="after")
    def _whole(self) -> "Retention":
        if DEFAULT not in self.classes:
            raise ValueError(f"classes.{DEFAULT} is missing; sessions of no other class need it")
        for scenario, name in self.scenarios.items():
            if name not in self.classes:
                raise ValueError(f"scenarios.{scenario}: there is no class {name!r}")
        return self

    @classmethod
    def load(cls, config: Path) -> "Retention":
        """Read and check the file.

        Raises:
            RetentionError: with the file, the place and the remedy.
        """
        remedy = "set ROLECALL_CONFIG to the folder that holds it"
        return yaml_files.load(config / FILE, cls, RetentionError, absent=remedy)

    def class_of(self, scenario_id: str | None) -> tuple[str, RetentionClass]:
        """Name and class of a scenario's sessions."""
        name = self.scenarios.get(scenario_id or "", DEFAULT)
        return name, self.classes[name]


class Fate(StrEnum):
    """What happens to a session."""

    HELD = "held"
    RETAINED = "retained"
    ERASED = "erased"
    EXPIRED = "expired"
    KEPT = "kept"

    @property
    def goes(self) -> bool:
        """Whether the session's data is to be removed."""
        return self in (Fate.ERASED, Fate.EXPIRED)


@dataclass(frozen=True, slots=True)
class Decision:
    """The fate of one session, its basis in words, and until when a refusal stands where that is known."""

    fate: Fate
    basis: str
    until: date | None = None


def decide(
    retention: Retention, scenario_id: str | None, day: date, holds: Sequence[str], today: date, *, requested: bool,
    frozen: str | None = None,
) -> Decision:  # fmt: skip
    """What happens to a session of ``day``; ``holds`` are the reasons of the legal holds that cover it.

    ``requested`` says that the learner asked for erasure; ``frozen`` is the basis on which processing is restricted.
    """
    name, kept = retention.class_of(scenario_id)
    if holds:
        return Decision(Fate.HELD, f"legal hold: {'; '.join(holds)}")
    if kept.keep_days is not None and today < (until := day + timedelta(days=kept.keep_days)):
        return Decision(Fate.RETAINED, f"retention class {name}: {kept.basis}", until)
    if requested:
        return Decision(Fate.ERASED, "request of the data subject, GDPR Article 17(1)")
    if frozen is not None:
        return Decision(Fate.KEPT, f"restriction of processing: {frozen}")
    if kept.most_days is not None and today >= day + timedelta(days=kept.most_days):
        return Decision(Fate.EXPIRED, f"end of retention class {name}: {kept.basis}")
    until = None if kept.most_days is None else day + timedelta(days=kept.most_days)
    return Decision(Fate.KEPT, f"retention class {name}", until)
