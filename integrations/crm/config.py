"""A connector's file ``config/connectors/<name>.yaml``: where the CRM is, what its rows mean, what is written back.

Secrets never stand in it: ``secrets`` names the environment variable of each.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from governance.names import Tenant
from integrations.mapping import Entity, Match

FILE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
FIELD = re.compile(
    r"(readiness|ready|attempts)\.[a-z0-9_-]+"
    r"|last_practised_on|last_certified_on|last_certification|next_practice_due|provenance"
)
Variable = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
System = Literal["salesforce", "hubspot", "tryton", "sql", "files"]


class ConnectorError(ValueError):
    """A connector's file cannot be used; the text names the file and what is wrong."""


class Ramp(BaseModel):
    """Time from the hire date to the first success: a won deal, or an event of kind ``until``.

    ``roles`` limits it to learners of these directory roles; without, whoever has an account in this CRM counts.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    until: str = "deal_won"
    roles: tuple[str, ...] = ()


class Retention(BaseModel):
    """Whether somebody still worked here so many days after the hire date."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    days: tuple[Annotated[int, Field(ge=1, le=3650)], ...] = (90, 365)


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


class CrmConnector(BaseModel):
    """One CRM of one tenant. ``options`` are the system's own; its connector checks them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    kind: Literal["crm"] = "crm"
    system: System
    enabled: bool = True
    tenant: Tenant
    url: str | None = None
    secrets: dict[str, Variable] = {}
    options: dict[str, Any] = {}
    read: dict[str, Entity] = {}
    ramp: Ramp | None = None
    retention: Retention | None = None
    write: Writing | None = None
    deleted_cap: Annotated[float, Field(gt=0, le=1)] = 0.5

    def secret(self, item: str) -> str:
        """A secret from the environment.

        Raises:
            ConnectorError: the variable is not named or not set.
        """
        variable = self.secrets.get(item)
        if variable is None:
            raise ConnectorError(f"connector {self.name}: secrets.{item} is missing; name the environment variable")
        value = os.environ.get(variable)
        if not value:
            raise ConnectorError(f"connector {self.name}: set {variable}, the {item} of {self.system}")
        return value


def load(config: Path, name: str) -> CrmConnector:
    """The connector of that name.

    Raises:
        ConnectorError: there is none, or its file is wrong.
    """
    path = config / "connectors" / f"{name}.yaml"
    if FILE_NAME.fullmatch(name) is None or not path.is_file():
        known = ", ".join(connector.name for connector in connectors(config)) or "none yet"
        raise ConnectorError(f"{path}: there is no such connector; known: {known}")
    return _read(path)


def connectors(config: Path) -> Iterator[CrmConnector]:
    """Every CRM connector, by name; files of other kinds are left to whom they belong."""
    for path in sorted((config / "connectors").glob("*.yaml")):
        if _content(path).get("kind") == "crm":
            yield _read(path)


def _read(path: Path) -> CrmConnector:
    content = _content(path)
    if content.get("kind") != "crm":
        raise ConnectorError(f"{path}: kind is {content.get('kind')!r}, not crm; another command takes this connector")
    try:
        return CrmConnector.model_validate({**content, "name": path.stem})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise ConnectorError(f"{path}: {place + ': ' if place else ''}{message}") from error


def _content(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConnectorError(f"{path}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise ConnectorError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise ConnectorError(f"{path}: expected keys and values")
    return content
