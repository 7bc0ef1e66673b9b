"""Who reads: the local reader of this machine, or whoever a login names.

What they may do is decided in ``governance.access``; pages and routes ask there and nowhere else. Without a login the
dashboards serve this machine alone. With one, identity comes from Streamlit's signed cookie, for pages and for
our own routes alike, and ends with the provider's ``exp``, which Streamlit itself does not look at.
"""

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from governance.access import Action, Role, Thing, User, authorize
from governance.access.claims import Rules, chain_of, local_user, user_of
from governance.identities import Identities
from governance.secrets import secret_key
from governance.settings import Settings
from governance.state import State

Reader = User
LOCAL = local_user("local", source="this machine")
LOCAL_AS = {role: f"local as {role}" for role in Role}
COOKIE = "_streamlit_user"  # Streamlit's, which holds the claims of a login
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")
FRESH_S = 60  # for so long the manager tree behind a login is not read again
LOOK = timedelta(hours=1)  # the time box of somebody who tries the auditor's view
REFUSAL = (
    "Rolecall's dashboards answer this machine only, because no login is configured. "
    "Open them on the machine itself, or through an SSH tunnel to it."
)


def login_configured(settings: Settings) -> bool:
    """Whether people log in."""
    return settings.oidc_metadata_url is not None


def allowed(reader: Reader | None, action: Action, tenant: str) -> bool:
    """Whether the reader may open a page that asks for ``action``; what it shows is narrowed further."""
    return authorize(reader, action, Thing.page(tenant)).allowed


def reader_of(address: str | None, headers: Mapping[str, str]) -> Reader | None:
    """The local reader behind a connection, or ``None``.

    The peer's address alone would trust every reverse proxy on this machine, and every web page that points a
    name of its own at 127.0.0.1. So forwarded requests are refused, and the Host must be a loopback name.
    """
    lowered = {name.lower(): value for name, value in headers.items()}
    if any(name in lowered for name in FORWARDED):
        return None
    if not is_loopback(address) or not is_loopback(host_name(lowered.get("host", ""))):
        return None
    return LOCAL


def visitor(settings: Settings, address: str | None, headers: Mapping[str, str]) -> Reader | None:
    """Who sends a request outside a page: by the login's cookie where there is a login, else the local reader."""
    if not login_configured(settings):
        return reader_of(address, headers)
    if not expected_host(settings, headers):
        return None
    claims = cookie_claims(headers)
    return None if claims is None else reader_from(settings, claims, source(address, headers))


def reader_from(settings: Settings, claims: Mapping[str, Any], where: str | None) -> Reader | None:
    """The reader whom verified claims name; nobody where they have ended or say too little."""
    ends = claims.get("exp")
    if not isinstance(ends, int | float) or ends <= time.time():
        return None
    text = json.dumps(dict(claims), sort_keys=True, default=str)
    return _reader(settings.database_url, text, where, int(time.time() // FRESH_S))


def expected_host(settings: Settings, headers: Mapping[str, str]) -> bool:
    """Whether a request is meant for the configured address: a page elsewhere may point its name at this server."""
    lowered = {name.lower(): value for name, value in headers.items()}
    return host_name(lowered.get("host", "")).lower() == (urlsplit(settings.public_url or "").hostname or "")


def same_origin(settings: Settings, headers: Mapping[str, str]) -> bool:
    """Whether a socket is opened by a page of ours; a program that is no browser names no origin."""
    lowered = {name.lower(): value for name, value in headers.items()}
    origin = lowered.get("origin")
    ours = {lowered.get("host", "").lower(), urlsplit(settings.public_url or "").netloc.lower()}
    return origin is None or urlsplit(origin).netloc.lower() in ours - {""}


def cookie_claims(headers: Mapping[str, str]) -> dict[str, Any] | None:
    """The claims in Streamlit's signed login cookie; ``None`` where it is absent, forged or of another site.

    Streamlit has no public way to read its cookie outside a page, so these two functions are its own.
    """
    from streamlit.auth_util import get_origin_from_redirect_uri
    from streamlit.web.server.starlette import starlette_websocket as own

    lowered = {name.lower(): value for name, value in headers.items()}
    try:
        cookies = {name: morsel.value for name, morsel in SimpleCookie(lowered.get("cookie", "")).items()}
    except CookieError:
        return None
    signed = own._get_signed_cookie_with_chunks(cookies, COOKIE)
    found = own._parse_decoded_user_cookie(signed, get_origin_from_redirect_uri() or "") if signed else {}
    return found if found.get("is_logged_in") is True else None


def carries_login(headers: Mapping[str, str]) -> bool:
    """Whether a request brings a login's cookie, whatever it is worth."""
    lowered = {name.lower(): value for name, value in headers.items()}
    return any(part.strip().startswith(f"{COOKIE}=") for part in lowered.get("cookie", "").split(";"))


def brings_login(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether an answer sets a login's cookie; one that takes it away sets an empty one."""
    given = f"{COOKIE}=".encode()
    cookies = [value.split(b";")[0] for name, value in headers if name.lower() == b"set-cookie"]
    return any(each.startswith(given) and each not in (given, given + b'""') for each in cookies)


def source(address: str | None, headers: Mapping[str, str]) -> str:
    """Where a request comes from, for the log: the peer, and whom a proxy says that it speaks for."""
    lowered = {name.lower(): value for name, value in headers.items()}
    told = next((lowered[name] for name in FORWARDED if lowered.get(name)), None)
    peer = address or "unknown"
    return peer if told is None else f"{peer} for {told[:100]}"


def acting_as(role: str, learner_id: str, settings: Settings, tenant: str) -> Reader:
    """The local reader in one role alone, to see what that role sees; it can only lose rights by it."""
    chosen = next((each for each in Role if each == role), None)
    if chosen is None:
        return LOCAL
    identities = Identities(state_of(settings.database_url), secret_key(settings))
    own = frozenset({identities.key(tenant, learner_id)} if learner_id else ())
    reports = chain_of(identities, tenant, [learner_id]) if learner_id and chosen is Role.manager else frozenset()
    return User(
        name=LOCAL_AS[chosen], roles=frozenset({chosen}), tenants=None, regions=None, own=own, reports=reports,
        box=datetime.now(UTC) + LOOK, source=LOCAL.source,
    )  # fmt: skip


def bearer(reader: Reader, named: str) -> Reader | None:
    """Who brings a ticket made out to ``named``: its reader, or the local one, who looks at a page in one role.

    A route sees no role picked on a page, so the local reader's own tickets were refused there as somebody else's.
    """
    if named == reader.name:
        return reader
    return replace(reader, name=named) if reader == LOCAL and named in LOCAL_AS.values() else None


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
    """The published tenants in the reader's scope, in order of name; what they may do there each page asks."""
    if reader is None:
        return []
    return sorted(tenant for tenant in published if reader.tenants is None or tenant in reader.tenants)


@lru_cache(maxsize=4)
def state_of(url: str) -> State:
    """The state database, opened once for all readers."""
    return State.open(url)


@lru_cache(maxsize=512)
def _reader(url: str, claims: str, where: str | None, _minute: int) -> Reader | None:
    settings = Settings()
    identities = Identities(state_of(url), secret_key(settings))
    return user_of(json.loads(claims), Rules.load(settings.config), identities, where)
