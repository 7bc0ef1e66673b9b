"""The file of a CRM's connector: where the CRM is, what its rows mean, what is written back."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from integrations import connectors as files
from integrations.connectors import Connector, ConnectorError
from integrations.mapping import Match

FIELD = re.compile(
    r"(readiness|ready|attempts)\.[a-z0-9_-]+"
    r"|last_practised_on|last_certified_on|last_certification|next_practice_due|provenance"
)
System = Literal["salesforce", "hubspot", "tryton", "sql", "files"]


class Writing(BaseModel):
    """What goes back to the person's record.

    ``key`` is the CRM's field that finds the record and ``match`` what of the learner it holds. ``fields`` maps our
    values (``readiness.<competency>``, ``last_certified_on``, …) to the CRM's fields.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    object: str
    key: str = "id"
    match: Match = "account"
    fields: dict[str, str]
    options: dict[str, Any] = {}
    create: Literal[False] = False  # people are the CRM's own: a missing record is reported, never made
    removed: Literal["keep", "clear"] = "keep"
    change_cap: Annotated[float, Field(gt=0, le=1)] = 0.5
    failure_cap: Annotated[float, Field(gt=0, le=1)] = 0.2
    review_days: Annotated[int, Field(ge=1)] = 90
    practice_days: Annotated[int, Field(ge=1)] = 14

    @model_validator(mode="after")
    def _known(self) -> "Writing":
        if not self.fields:
            raise ValueError("fields: name at least one")
        for name in self.fields:
            if not FIELD.fullmatch(name):
                raise ValueError(f"fields.{name}: is none of the values that Rolecall writes; docs/crm.md lists them")
        if len(set(self.fields.values())) < len(self.fields):
            raise ValueError("fields: two values go to one field")
        return self


class CrmConnector(Connector):
    """One CRM of one tenant."""

    kind: Literal["crm"] = "crm"
    system: System
    write: Writing | None = None


def load(config: Path, name: str) -> CrmConnector:
    """The connector of that name.

    Raises:
        ConnectorError: there is none, or its file is wrong.
    """
    return files.load(config, name, "crm", CrmConnector)


def connectors(config: Path) -> Iterator[CrmConnector]:
    """Every CRM connector, by name; files of other kinds are left to whom they belong."""
    return files.every(config, "crm", CrmConnector)


__all__ = ["ConnectorError", "CrmConnector", "Writing", "connectors", "load"]
