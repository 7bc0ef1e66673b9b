"""The file of an LMS's connector: where the LMS is, what its rows mean, which gradebook columns are written."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from integrations import connectors as files
from integrations.connectors import Connector, ConnectorError
from integrations.mapping import Match

System = Literal["moodle", "canvas", "lti", "lrs", "files"]
# what names a column of the gradebook in each system that is written to
ADDRESSED: Mapping[System, tuple[str, ...]] = {
    "moodle": ("course", "activity"),
    "canvas": ("course", "activity"),
    "lti": ("line_item",),
}


class Column(BaseModel):
    """A column of the gradebook and the scenario whose score stands in it.

    ``activity`` is Canvas's assignment id or Moodle's course module id, ``component`` what kind of activity Moodle has
    there; ``points`` is the column's maximum.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    scenario: str
    line_item: str | None = None
    course: Annotated[int, Field(ge=1)] | None = None
    activity: Annotated[int, Field(ge=1)] | None = None
    component: Annotated[str, Field(pattern=r"^mod_[a-z0-9_]+$")] = "mod_assign"
    points: Annotated[Decimal, Field(gt=0)] = Decimal(100)


class Grading(BaseModel):
    """What is written: for each column one score per learner, the latest or the best that is known.

    ``match`` says what names the learner at the LMS: the account of the directory or of the LMS's own people.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: tuple[Column, ...] = Field(min_length=1)
    match: Match = "account"
    counts: Literal["latest", "best"] = "latest"
    change_cap: Annotated[float, Field(gt=0, le=1)] = 0.5
    failure_cap: Annotated[float, Field(gt=0, le=1)] = 0.2


class LmsConnector(Connector):
    """One LMS of one tenant.

    ``activities`` says which activity, by the id that the LMS reports, holds which scenario: results of these are held
    against our own sessions.
    """

    kind: Literal["lms"] = "lms"
    system: System
    activities: dict[str, str] = Field(default_factory=dict)
    write: Grading | None = None

    @model_validator(mode="after")
    def _addressed(self) -> "LmsConnector":
        if self.write is None:
            return self
        needed = ADDRESSED.get(self.system)
        if needed is None:
            raise ValueError(f"write: {self.system} are read only; take write out")
        for number, column in enumerate(self.write.columns):
            missing = [name for name in needed if getattr(column, name) is None]
            if missing:
                raise ValueError(f"write.columns.{number}: {self.system} needs {' and '.join(missing)}")
        names = [column.scenario for column in self.write.columns]
        if len(set(names)) < len(names):
            raise ValueError("write.columns: a scenario has two columns; split them over two connectors")
        return self

    @property
    def scenarios(self) -> dict[str, str]:
        """Scenario by activity id, as far as the file says."""
        columns = () if self.write is None else self.write.columns
        return {str(each.activity): each.scenario for each in columns if each.activity} | self.activities


def load(config: Path, name: str) -> LmsConnector:
    """The connector of that name.

    Raises:
        ConnectorError: there is none, or its file is wrong.
    """
    return files.load(config, name, "lms", LmsConnector)


def connectors(config: Path) -> Iterator[LmsConnector]:
    """Every LMS connector, by name; files of other kinds are left to whom they belong."""
    return files.every(config, "lms", LmsConnector)


__all__ = ["Column", "ConnectorError", "Grading", "LmsConnector", "connectors", "load"]
