"""Which tenants a run is about, told by a tag of the run. Nothing else belongs here."""

from collections.abc import Mapping, Sequence

TENANT = "rolecall/tenant"  # a run that carries it refreshes, checks and publishes this tenant alone


def scoped(tenants: Sequence[str], tags: Mapping[str, str]) -> list[str]:
    """The tenants, or the one of them that the run's tags name."""
    only = tags.get(TENANT)
    return [tenant for tenant in tenants if only in (None, tenant)]
