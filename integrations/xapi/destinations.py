"""Where statements go, which of them, and whom the destination may know: pseudonyms, or people by e-mail or account.

A destination is a file ``config/connectors/<name>.yaml`` with ``kind: xapi``. Without one everybody stays a pseudonym.
Frozen statements are pseudonymous; people are put in for one destination when the statement goes there.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, model_validator

from governance import yaml_files
from governance.identities import Person
from governance.names import Tenant
from integrations.xapi.identifiers import home_page
from integrations.xapi.statements.scene import account
from integrations.xapi.vocabulary import Kind

FileName = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
FindPerson = Callable[[str], Person | None]


class DestinationError(ValueError):
    """A destination's file cannot be used; the text names the file and what is wrong."""


class Destination(BaseModel):
    """One place that statements go to.

    ``account_of`` names the connector whose id the directory gives for a learner (``accounts`` of a directory entry),
    ``home_page`` the IRI that issued those ids. ``url`` is the endpoint that ``/statements`` is below; without one the
    destination serves files alone. Empty ``tenants`` or ``kinds`` mean all. ``recheck`` is how many acknowledged
    statements each sync looks for again. Its secrets are ``ROLECALL_<NAME>_KEY`` and ``_SECRET`` (basic), ``_TOKEN``
    (bearer) and ``_SIGNING_KEY`` (PEM or the path of a PEM file).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["xapi"] = "xapi"
    version: Literal["1.0.3", "2.0"] = "1.0.3"
    actor: Literal["pseudonym", "mbox", "account"] = "pseudonym"
    account_of: str | None = None
    home_page: str | None = Field(default=None, pattern=r"^https?://\S+$")

    url: Annotated[str | None, Field(pattern=r"^https?://[^\s@]+$")] = None
    enabled: bool = True
    auth: Literal["basic", "bearer", "none"] = "basic"
    tenants: tuple[Tenant, ...] = ()
    kinds: tuple[Kind, ...] = ()
    since: date | None = None
    sign: tuple[Kind, ...] = ()
    gzip: bool = False
    batch_count: Annotated[int, Field(ge=1, le=10_000)] = 200
    batch_bytes: Annotated[int, Field(ge=1_000)] = 1 << 20
    calls_a_minute: Annotated[float | None, Field(gt=0)] = None
    calls_a_day: Annotated[int | None, Field(ge=1)] = None
    statements_a_day: Annotated[int | None, Field(ge=1)] = None
    timeout_s: Annotated[float, Field(gt=0, le=150)] = 60.0
    recheck: Annotated[int, Field(ge=0)] = 20
    failure_cap: Annotated[float, Field(gt=0, le=1)] = 0.2

    @model_validator(mode="after")
    def _complete(self) -> "Destination":
        if self.actor == "account" and not (self.account_of and self.home_page):
            raise ValueError("actor: account needs account_of (the connector) and home_page (its address)")
        if Kind.VOIDING in self.kinds:
            raise ValueError("kinds: leave voiding out; whatever was sent is voided where it no longer holds")
        return self


def load(config: Path, name: str) -> Destination:
    """The destination of that name.

    Raises:
        DestinationError: there is none, or its file is wrong.
    """
    path = config / "connectors" / f"{name}.yaml"
    if FileName.fullmatch(name) is None or not path.is_file():
        raise DestinationError(f"{path}: there is no such destination; write the file or leave --destination out")
    return yaml_files.load(path, Destination, DestinationError, absent="check that it may be read")


def deliverable(config: Path) -> Iterator[tuple[str, Destination]]:
    """Every enabled destination with an address, by name; files of other kinds are left to whom they belong."""
    for path in sorted((config / "connectors").glob("*.yaml")):
        content = yaml_files.read(path, DestinationError, absent="check that it may be read")
        if isinstance(content, dict) and content.get("kind") == "xapi":
            found = load(config, path.stem)
            if found.enabled and found.url is not None:
                yield path.stem, found


class Casting:
    """Puts people in the place of pseudonyms, for one destination and tenant; remembers who it had to leave."""

    def __init__(self, destination: Destination, tenant: str, find: FindPerson) -> None:
        self.destination, self.tenant, self.find = destination, tenant, find
        self.unidentified: set[str] = set()
        self._agents: dict[bytes, bytes] = {}
        start = orjson.dumps(account(tenant, "l_"))[: -len(b'"}}')]
        self._pattern = re.compile(re.escape(start) + rb'([0-9a-f]{32})"}}')

    def cast(self, statement: bytes) -> bytes:
        """The statement as the destination may see it: learner, reviewer and manager alike.

        A learner without an address or account there keeps the pseudonym: the statement is worth more than the name.
        """
        if self.destination.actor == "pseudonym":
            return statement
        return self._pattern.sub(lambda match: self._agent(match.group(0), match.group(1)), statement)

    def _agent(self, pseudonym: bytes, digits: bytes) -> bytes:
        found = self._agents.get(pseudonym)
        if found is None:
            key = "l_" + digits.decode()
            known = self._known(key)
            if known is None:
                self.unidentified.add(key)
            found = self._agents[pseudonym] = pseudonym if known is None else orjson.dumps(known)
        return found

    def _known(self, key: str) -> dict[str, object] | None:
        person = self.find(key)
        if person is None:
            return None
        if self.destination.actor == "mbox":
            return {"objectType": "Agent", "mbox": f"mailto:{person.email}"} if person.email else None
        name = person.accounts.get(self.destination.account_of or "")
        page = self.destination.home_page or home_page(self.tenant)
        return {"objectType": "Agent", "account": {"homePage": page, "name": name}} if name else None
