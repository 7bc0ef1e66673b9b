"""The words of access control: roles, actions, the users who act and the things that they act on."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Literal


class Role(StrEnum):
    """What somebody is to the data. A user may have several; the widest decides."""

    learner = "learner"
    manager = "manager"
    analyst = "analyst"
    compliance = "compliance"
    auditor = "auditor"
    admin = "admin"


# What can be done; whatever is not listed cannot be allowed.
Action = Literal[
    "view_aggregates",
    "view_health",
    "list_sessions",
    "open_session",
    "read_transcript",
    "play_recording",
    "see_names",
    "view_learner",
    "contest",
    "list_reviews",
    "review",
    "list_cases",
    "handle_case",
    "export_rows",
    "export_report",
    "read_access_log",
    "see_own_access",
    "manage_privacy",
    "configure",
    "deliver",
]


class Reach(IntEnum):
    """How far a role's permission goes: one's own data, the people below one, or all in tenant and region."""

    own = 1
    team = 2
    scope = 3


Kind = Literal["page", "cell", "session", "learner"]


@dataclass(frozen=True, slots=True)
class Thing:
    """What an action is about. ``region`` of a cell may be ``*``, all regions; of a person or session ``None``."""

    kind: Kind
    tenant: str
    session_id: str | None = None
    learner_key: str | None = None
    region: str | None = None

    @classmethod
    def page(cls, tenant: str) -> "Thing":
        """A page or list as such; what it shows is narrowed by ``scope``."""
        return cls("page", tenant)

    @classmethod
    def cell(cls, tenant: str, region: str) -> "Thing":
        """An aggregate over one region, or over all of them (``*``)."""
        return cls("cell", tenant, region=region)

    @classmethod
    def session(cls, tenant: str, session_id: str, learner_key: str | None, region: str | None) -> "Thing":
        """One session, and whose it is where that is known."""
        return cls("session", tenant, session_id, learner_key, region)

    @classmethod
    def learner(cls, tenant: str, learner_key: str, region: str | None) -> "Thing":
        """One learner."""
        return cls("learner", tenant, learner_key=learner_key, region=region)


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who acts.

    ``name`` is what logs and links carry. ``tenants`` and ``regions`` bound what they see (``None``: no bound).
    ``own`` are their learner keys, ``reports`` those of everybody below them. ``grants`` are actions given beyond
    their roles, as far as they may open sessions. ``until`` is the end of the login, ``box`` the end of an auditor's
    time box. ``source`` is where they connect from.
    """

    name: str
    roles: frozenset[Role]
    tenants: frozenset[str] | None = frozenset()
    regions: frozenset[str] | None = frozenset()
    own: frozenset[str] = frozenset()
    reports: frozenset[str] = frozenset()
    grants: frozenset[str] = frozenset()
    until: datetime | None = None
    box: datetime | None = None
    source: str | None = None
