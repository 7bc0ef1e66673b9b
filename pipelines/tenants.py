"""Which tenant a command means."""

import re
from typing import TYPE_CHECKING

from governance.names import TENANT_PATTERN
from pipelines.problems import Problem

if TYPE_CHECKING:
    from governance.settings import Settings


def published(settings: "Settings") -> list[str]:
    """Tenants that have published marts."""
    if not settings.marts.is_dir():
        return []
    return sorted(folder.name for folder in settings.marts.iterdir() if (folder / "current").exists())


def only_tenant(settings: "Settings", given: str | None) -> str:
    """The tenant given, or the only one there is; a wrong or missing one is a ``Problem`` that lists them."""
    known = published(settings)
    if not known:
        raise Problem("Nothing is published yet", "Run `rolecall ingest` and `rolecall run`, or `rolecall demo`")
    if given is None and len(known) == 1:
        return known[0]
    if given is None:
        raise Problem(f"There are {len(known)} tenants: {', '.join(known)}", "Choose one with --tenant")
    if given not in known:
        raise Problem(f"Tenant {given!r} has nothing published", f"Known tenants: {', '.join(known)}")
    return given


def well_named(tenant: str | None) -> str | None:
    """The tenant as given; a name that cannot be one is a ``Problem``, before anything is read."""
    if tenant is not None and re.fullmatch(TENANT_PATTERN, tenant) is None:
        raise Problem(
            f"{tenant!r} cannot be a tenant's name",
            "Use lower-case letters, digits, - and _, beginning with a letter or digit",
        )
    return tenant
