"""Who calls the gateway: tenant tokens, tokens bound to one conversation, tool signatures.

The engine signs none of its webhooks, so the proof travels in the ``callback_url``. A conversation's
token opens nothing but that conversation, which makes it fit for the relay in a learner's browser.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from governance.seals import seal, unseal
from integrations.engine.refusals import Refusal

PREFIX = "c"
DELIVERS = "d"


@dataclass(frozen=True)
class Caller:
    """The tenant a token stands for; with ``session_id``, good for that session's deliveries alone.

    ``delivers_only`` marks the token of a conversation that had no id yet when its ``callback_url`` was given.
    """

    tenant: str
    session_id: str | None = None
    delivers_only: bool = False


def issue(secret: bytes, tenant: str, session_id: str) -> str:
    """The token of one session, for its ``callback_url`` and its relay."""
    return seal(secret, PREFIX, [tenant, session_id])


def issue_ahead(secret: bytes, tenant: str, nonce: str) -> str:
    """The token of a conversation that the engine has yet to name: it delivers, and opens nothing else."""
    return seal(secret, DELIVERS, [tenant, nonce])


def bound(secret: bytes, token: str) -> Caller | None:
    """What a conversation's token stands for; None when we did not issue it."""
    ahead = unseal(secret, DELIVERS, token)
    if ahead is not None:
        return Caller(ahead[0], delivers_only=True)
    scope = unseal(secret, PREFIX, token)
    return None if scope is None else Caller(*scope)


def identify(token: str | None, tokens: Mapping[str, bytes], secret: bytes) -> Caller:
    """The caller behind a token; ``tokens`` maps tenants to the digests of their tokens (see ``digest``)."""
    if not token:
        raise Refusal("missing_token", "no token in the address or the Authorization header")
    offered = digest(token)
    # Every tenant is compared, so that the time tells nothing about which one was close.
    found = [tenant for tenant, known in tokens.items() if hmac.compare_digest(offered, known)]
    if found:
        return Caller(found[0])
    caller = bound(secret, token)
    if caller is None:
        raise Refusal("wrong_token", "the token belongs to no tenant and no conversation")
    if caller.tenant not in tokens:
        raise Refusal("unknown_tenant", "the token's tenant is not configured any more")
    return caller


def digest(token: str) -> bytes:
    """Tokens are compared by digest: equal lengths, and no plain token in the gateway's memory map."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def bearer(authorization: str | None) -> str | None:
    """The token in an ``Authorization`` header, if it is of that kind."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def signed(secret: str, body: bytes, signature: str | None) -> bool:
    """Whether ``X-Tavus-Signature`` is the HMAC-SHA256 of the raw body, in hex, ``sha256=`` before it or not."""
    offered = (signature or "").strip().lower().removeprefix("sha256=")
    return hmac.compare_digest(offered.encode("utf-8", "replace"), signature_of(secret, body).encode())


def signature_of(secret: str, body: bytes) -> str:
    """The signature that the engine puts on a tool delivery."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
