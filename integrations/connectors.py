"""A connector's file ``config/connectors/<name>.yaml``, whatever the partner: found by kind, checked, with its secrets.

Secrets never stand in it: ``secrets`` names the environment variable of each.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, TypeVar

from dotenv import dotenv_values
from pydantic import ConfigDict, Field, ValidationError

from governance import yaml_files
from integrations.mapping import Feed
from integrations.sync.credentials import DOTENV, variable

FILE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
Variable = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]


class ConnectorError(ValueError):
    """A connector's file cannot be used; the text names the file and what is wrong."""


class Connector(Feed):
    """One system of one tenant. ``options`` are the system's own; whoever speaks to it checks them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = True
    url: str | None = None
    secrets: dict[str, Variable] = Field(default_factory=dict)
    options: dict[str, Any] = Field(default_factory=dict)

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
                f"connector {self.name}: {name}, its {item}, is not set; put it into the environment or into .env"
            )
        return value


Kind = TypeVar("Kind", bound=Connector)


def load(config: Path, name: str, kind: str, model: type[Kind]) -> Kind:
    """The connector of that name.

    Raises:
        ConnectorError: there is none, it is of another kind, or its file is wrong.
    """
    path = config / "connectors" / f"{name}.yaml"
    if FILE_NAME.fullmatch(name) is None or not path.is_file():
        known = ", ".join(connector.name for connector in every(config, kind, model)) or "none yet"
        raise ConnectorError(f"{path}: there is no such connector; known: {known}")
    return _read(path, kind, model)


def every(config: Path, kind: str, model: type[Kind]) -> Iterator[Kind]:
    """Every connector of a kind, by name; files of other kinds are left to whom they belong."""
    for path in sorted((config / "connectors").glob("*.yaml")):
        if _content(path).get("kind") == kind:
            yield _read(path, kind, model)


def first_line(error: ValidationError) -> str:
    """The first mistake: which key, and what is wrong with it."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place + ': ' if place else ''}{first['msg'].removeprefix('Value error, ')}"


def _read(path: Path, kind: str, model: type[Kind]) -> Kind:
    content = _content(path)
    if content.get("kind") != kind:
        raise ConnectorError(
            f"{path}: kind is {content.get('kind')!r}, not {kind}; another command takes this connector"
        )
    return yaml_files.check({**content, "name": path.stem}, model, ConnectorError, str(path))


def _content(path: Path) -> dict[str, Any]:
    content = yaml_files.read(path, ConnectorError, absent="check that it may be read")
    if not isinstance(content, dict):
        raise ConnectorError(f"{path}: expected keys and values")
    return content
