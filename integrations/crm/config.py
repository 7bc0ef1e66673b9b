"""A connector's file ``config/connectors/<name>.yaml``: where the CRM is, what its rows mean, what is written back.

Secrets never stand in it: ``secrets`` names the environment variable of each.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, Field, model_validator

from governance import yaml_files
from integrations.mapping import Feed, Match
from integrations.sync.credentials import DOTENV, variable

FILE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
FIELD = re.compile(
    r"(readiness|ready|attempts)\.[a-z0-9_-]+"
    r"|last_practised_on|last_certified_on|last_certification|next_practice_due|provenance"
)
Variable = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
System = Literal["salesforce", "hubspot", "tryton", "sql", "files"]


class ConnectorError(ValueError):
    """A connector's file cannot be used; the text names the file and what is wrong."""


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


class CrmConnector(Feed):
    """One CRM of one tenant. ``options`` are the system's own; its connector checks them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["crm"] = "crm"
    system: System
    enabled: bool = True
    url: str | None = None
    secrets: dict[str, Variable] = Field(default_factory=dict)
    options: dict[str, Any] = Field(default_factory=dict)
    write: Writing | None = None

    def secret(self, item: str) -> str:
        """A secret from the environment or ``.env``, by the variable that ``secrets`` names.

        Without a name there it is ``ROLECALL_<CONNECTOR>_<ITEM>``.

        Raises:
            ConnectorError: the variable is not set.
        """
        name = self.secrets.get(item) or variable(self.name, item)
        value = os.environ.get(name) or dotenv_values(DOTENV).get(name)
        if not value:
            raise ConnectorError(
                f"connector {self.name}: {name}, the {item} of {self.system}, is not set;"
                " put it into the environment or into .env"
            )
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
    return yaml_files.check({**content, "name": path.stem}, CrmConnector, ConnectorError, str(path))


def _content(path: Path) -> dict[str, Any]:
    content = yaml_files.read(path, ConnectorError, absent="check that it may be read")
    if not isinstance(content, dict):
        raise ConnectorError(f"{path}: expected keys and values")
    return content
