"""From the claims of a login to a user, by ``config/access.yaml``; and the users of this machine.

Nothing is taken from a claim that the file does not name: a provider that sends a claim called ``roles`` gives
nobody a role until the file says which of its values mean which role.
"""

import getpass
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from sqlalchemy import select

from governance.access.users import Action, Role, User
from governance.identities import Identities, learner_key
from governance.state.models import IdentityRow

FILE = "access.yaml"
EVERYTHING = "*"
COMMANDS = "command line"
PERSON = IdentityRow.__table__.c
# Whoever sits at the machine owns its files, so they may see what the files hold; their looks are logged all the same.
OWNER = frozenset({Role.analyst, Role.compliance, Role.admin})


class AccessError(Exception):
    """The access rules are missing or malformed; the message says where and what they should be."""


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Texts = Annotated[list[str], BeforeValidator(_listed)]


class Claim(BaseModel):
    """Which claim says something, and what holds where it is absent (``*``: everything)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    claim: str | None = None
    absent: Texts = []


class RoleClaim(BaseModel):
    """Which claim holds roles, and which of its values mean which of our roles."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    claim: str = "roles"
    values: dict[str, Role] = {}


class Operator(BaseModel):
    """What somebody who runs commands on this machine is, and where (``*``: everywhere)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    roles: frozenset[Role] = OWNER
    tenants: Texts = [EVERYTHING]
    regions: Texts = [EVERYTHING]
    auditor_until: AwareDatetime | None = None


class Rules(BaseModel):
    """``config/access.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Annotated[str, Field(min_length=1)] = "none"
    roles: RoleClaim = RoleClaim()
    tenants: Claim = Claim()
    regions: Claim = Claim()
    learner: Claim = Claim()
    auditor_until: Claim = Claim()
    grants: dict[str, list[Action]] = {}
    four_eyes: list[str] = []
    operators: dict[str, Operator] = {EVERYTHING: Operator()}

    @classmethod
    def load(cls, config: Path) -> "Rules":
        """Read the file; without one nobody who logs in has a role.

        Raises:
            AccessError: With the file, the place and the remedy.
        """
        path = config / FILE
        try:
            return cls.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
        except FileNotFoundError:
            return cls()
        except OSError as error:
            raise AccessError(f"{path}: {error.strerror}; make it readable") from error
        except yaml.YAMLError as error:
            raise AccessError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise AccessError(f"{path}: {place}: {first['msg']}") from error


def user_of(claims: Mapping[str, Any], rules: Rules, identities: Identities, source: str | None = None) -> User | None:
    """The user whom verified claims describe, or ``None`` where they name nobody or have no end.

    The directory says which learners they are and who reports to them; a login without ``exp`` would last for ever.
    """
    subject, ends = claims.get("sub"), claims.get("exp")
    if not isinstance(subject, str) or not subject or not isinstance(ends, int | float) or isinstance(ends, bool):
        return None
    values = _values(claims, rules.roles.claim)
    roles = frozenset(rules.roles.values[value] for value in values if value in rules.roles.values)
    grants = frozenset(action for value in values for action in rules.grants.get(value, ()))
    tenants = _bounds(claims, rules.tenants)
    own, reports = _people(identities, tenants, _said(claims, rules.learner), roles)
    return User(
        name=f"oidc:{subject}", roles=roles, tenants=tenants, regions=_bounds(claims, rules.regions), own=own,
        reports=reports, grants=grants, until=datetime.fromtimestamp(ends, UTC),
        box=_instant(_said(claims, rules.auditor_until)), source=source,
    )  # fmt: skip


def local_user(name: str, roles: Iterable[Role] = OWNER, source: str | None = None) -> User:
    """Somebody at this machine, in the roles given."""
    return User(name=name, roles=frozenset(roles), tenants=None, regions=None, source=source)


def operator_name() -> str:
    """Who runs a command, as logs and the audit chain name them: the user of the operating system."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no entry
        name = "unknown"
    return f"os:{name}"


def operator(rules: Rules) -> User:
    """Whoever runs a command, by ``operators`` of the rules; whom they do not list may do nothing."""
    name = operator_name()
    found = rules.operators.get(name.removeprefix("os:"), rules.operators.get(EVERYTHING))
    if found is None:
        return User(name, frozenset(), source=COMMANDS)
    return User(
        name=name, roles=found.roles, tenants=_unless_all(found.tenants), regions=_unless_all(found.regions),
        box=found.auditor_until, source=COMMANDS,
    )  # fmt: skip


def chain_of(identities: Identities, tenant: str, learner_ids: Iterable[str]) -> frozenset[str]:
    """Keys of everybody below these people in one tenant's directory, direct and indirect; loops end."""
    query = select(PERSON.learner_id, PERSON.manager_id).where(
        PERSON.tenant == tenant, PERSON.manager_id.is_not(None), PERSON.manager_id != PERSON.learner_id
    )
    with identities.state.reading() as session:
        rows = session.execute(query).all()
    below: dict[str, list[str]] = {}
    for learner_id, manager_id in rows:
        below.setdefault(manager_id, []).append(learner_id)
    found: set[str] = set()
    waiting = list(learner_ids)
    start = set(waiting)
    while waiting:
        fresh = [each for each in below.get(waiting.pop(), ()) if each not in found and each not in start]
        found.update(fresh)
        waiting += fresh
    return frozenset(identities.key(tenant, each) for each in found)


def _people(
    identities: Identities, tenants: frozenset[str] | None, learner_ids: list[str], roles: frozenset[Role]
) -> tuple[frozenset[str], frozenset[str]]:
    if tenants is None or not learner_ids:  # an id means somebody else in every tenant
        return frozenset(), frozenset()
    own = frozenset(learner_key(identities.secret, tenant, each) for tenant in tenants for each in learner_ids)
    if Role.manager not in roles:
        return own, frozenset()
    return own, frozenset().union(*(chain_of(identities, tenant, learner_ids) for tenant in tenants))


def _values(claims: Mapping[str, Any], path: str | None) -> list[str]:
    """The texts of a claim; a dot leads into nested objects, as Keycloak's ``realm_access.roles``."""
    found: Any = claims
    for part in (path or "").split("."):
        if not isinstance(found, Mapping):
            return []
        found = found.get(part)
    listed = found if isinstance(found, list) else [found]
    return [each for each in listed if isinstance(each, str) and each]


def _said(claims: Mapping[str, Any], claim: Claim) -> list[str]:
    return _values(claims, claim.claim) or list(claim.absent)


def _bounds(claims: Mapping[str, Any], claim: Claim) -> frozenset[str] | None:
    """What a claim bounds; only the file can lift the bound, never a provider's ``*``."""
    said = _values(claims, claim.claim)
    if said:
        return frozenset(said) - {EVERYTHING}
    return _unless_all(claim.absent)


def _unless_all(names: Iterable[str]) -> frozenset[str] | None:
    """The bound that a list of the file sets; ``*`` in it sets none."""
    bound = frozenset(names)
    return None if EVERYTHING in bound else bound


def _instant(texts: list[str]) -> datetime | None:
    """An ISO 8601 time with offset; anything else opens no time box."""
    try:
        found = datetime.fromisoformat(texts[0]) if texts else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
