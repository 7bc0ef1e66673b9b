"""Who may do what with what: one decision for pages, routes, the command line and exports."""

from governance.access.rules import Decision, Scope, authorize, scope
from governance.access.users import Action, Reach, Role, Thing, User

__all__ = ["Action", "Decision", "Reach", "Role", "Scope", "Thing", "User", "authorize", "scope"]
