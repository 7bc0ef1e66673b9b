"""Who is reading, and what they may see: the one place that decides it.

Until a login is configured the dashboards serve this machine alone, and whoever sits at it is the local
reader. Pages and routes ask ``authorize`` and nothing else, so that roles and scopes can grow behind it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

Action = Literal["view_aggregates", "list_sessions", "open_session", "play_recording", "view_health"]

LOCAL_ROLE = "local"
# What a role may do; an action that is not listed is refused.
PERMITTED: Mapping[str, frozenset[str]] = {
    LOCAL_ROLE: frozenset({"view_aggregates", "list_sessions", "open_session", "play_recording", "view_health"}),
}
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")
REFUSAL = (
    "Rolecall's dashboards answer this machine only, because no login is configured. "
    "Open them on the machine itself, or through an SSH tunnel to it."
)


@dataclass(frozen=True)
class Reader:
    """Somebody who reads: a name for tickets and logs, a role, and the tenants in scope (``None``: all)."""

    name: str
    role: str
    tenants: frozenset[str] | None = None


LOCAL = Reader(name="local", role=LOCAL_ROLE)


def authorize(reader: Reader | None, action: Action, tenant: str) -> bool:
    """Whether this reader may do this in this tenant; nobody may do anything by default."""
    if reader is None or (reader.tenants is not None and tenant not in reader.tenants):
        return False
    return action in PERMITTED.get(reader.role, frozenset())


def reader_of(address: str | None, headers: Mapping[str, str]) -> Reader | None:
    """The reader behind a connection, or ``None``.

    The peer's address alone would trust every reverse proxy on this machine, and every web page that points a
    name of its own at 127.0.0.1. So forwarded requests are refused, and the Host must be a loopback name.
    """
    lowered = {name.lower(): value for name, value in headers.items()}
    if any(name in lowered for name in FORWARDED):
        return None
    if not is_loopback(address) or not is_loopback(host_name(lowered.get("host", ""))):
        return None
    return LOCAL


def host_name(host: str) -> str:
    """The name in a Host header, without port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def is_loopback(address: str | None) -> bool:
    """Whether an address or host name means this machine."""
    if not address:
        return False
    if address.lower() == "localhost":
        return True
    try:
        found = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback


def tenants_for(reader: Reader | None, published: Iterable[str]) -> list[str]:
    """The published tenants that the reader may look at, in order of name."""
    return sorted(tenant for tenant in published if authorize(reader, "view_aggregates", tenant))
