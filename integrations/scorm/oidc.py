"""The company's login provider, asked as an OpenID Connect client: authorization code with PKCE and nothing else.

A login is believed when its ID token is signed by a key that the provider publishes, was made by this issuer for this
client and for this very request, and has not ended.
"""

import base64
import hashlib
import hmac
import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx
import jwt

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")  # never a shared secret
REQUIRED = ("exp", "iat", "iss", "aud", "sub")
ENDPOINTS = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
TIMEOUT_S = 10.0
LEEWAY_S = 30  # clocks of two machines may differ by this
METADATA_S = 3_600.0


class LoginError(Exception):
    """A login that is not believed; ``why`` is its code in the access log, the text is for our own log."""

    def __init__(self, why: str, text: str) -> None:
        super().__init__(text)
        self.why = why


@dataclass(frozen=True)
class Client:
    """What the provider knows us by; ``metadata_url`` is its ``/.well-known/openid-configuration``."""

    metadata_url: str
    client_id: str
    client_secret: str
    scope: str


class Provider:
    """The provider as its metadata describe it, which are read again every hour."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._lock = threading.Lock()
        self._read_at = -METADATA_S
        self._metadata: dict[str, Any] = {}
        self._keys: jwt.PyJWKClient | None = None

    def address(self, redirect: str, state: str, nonce: str, verifier: str) -> str:
        """Where the browser has to go to log in.

        Raises:
            LoginError: the provider's metadata cannot be read.
        """
        metadata, _ = self._described()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code", "client_id": self.client.client_id, "redirect_uri": redirect,
            "scope": self.client.scope, "state": state, "nonce": nonce,
            "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        endpoint = metadata["authorization_endpoint"]
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"

    def claims(self, code: str, redirect: str, nonce: str, verifier: str) -> dict[str, Any]:
        """Who logged in: the claims of the ID token that the code is good for.

        Raises:
            LoginError: the provider does not answer or gives no token, or the token is not one for this request.
        """
        metadata, keys = self._described()
        return self.verified(self._token(metadata, code, redirect, verifier), nonce, metadata["issuer"], keys)

    def verified(self, token: str, nonce: str, issuer: str, keys: jwt.PyJWKClient) -> dict[str, Any]:
        """The claims of an ID token.

        Raises:
            LoginError: forged, ended, of another issuer, for another client or for another request.
        """
        client_id = self.client.client_id
        try:
            found = jwt.decode(
                token, _signer(token, keys), algorithms=list(ALGORITHMS), audience=client_id,
                issuer=issuer, leeway=LEEWAY_S, options={"require": list(REQUIRED)},
            )  # fmt: skip
        except jwt.ExpiredSignatureError as error:
            raise LoginError("login_ended", str(error)) from error
        except jwt.PyJWKClientConnectionError as error:
            raise LoginError("provider_away", f"the provider's keys: {error}") from error
        except jwt.PyJWTError as error:
            raise LoginError("forged_login", str(error)) from error
        if not hmac.compare_digest(str(found.get("nonce", "")).encode(), nonce.encode()):
            raise LoginError("forged_login", "the ID token was made for another request")
        if isinstance(found["aud"], list) and len(found["aud"]) > 1 and found.get("azp") != client_id:
            raise LoginError("forged_login", "the ID token was made for another client")
        return found

    def _token(self, metadata: dict[str, Any], code: str, redirect: str, verifier: str) -> str:
        """The ID token in exchange for the code."""
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": redirect, "code_verifier": verifier,
        }  # fmt: skip
        credentials = (self.client.client_id, self.client.client_secret)
        in_body = "client_secret_post" in metadata.get("token_endpoint_auth_methods_supported", ())
        if in_body:
            form |= dict(zip(("client_id", "client_secret"), credentials, strict=True))
        try:
            answer = httpx.post(
                metadata["token_endpoint"], data=form, auth=None if in_body else credentials, timeout=TIMEOUT_S
            )
            found = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise LoginError("provider_away", f"the provider's token endpoint: {type(error).__name__}") from error
        token = found.get("id_token") if isinstance(found, dict) else None
        if not answer.is_success or not isinstance(token, str):
            raise LoginError("login_refused", f"the provider gave no ID token (status {answer.status_code})")
        return token

    def _described(self) -> tuple[dict[str, Any], jwt.PyJWKClient]:
        """The provider's metadata and its keys."""
        with self._lock:
            if self._keys is None or time.monotonic() - self._read_at > METADATA_S:
                self._metadata = self._read()
                self._keys = jwt.PyJWKClient(self._metadata["jwks_uri"], timeout=int(TIMEOUT_S))
                self._read_at = time.monotonic()
            return self._metadata, self._keys

    def _read(self) -> dict[str, Any]:
        try:
            answer = httpx.get(self.client.metadata_url, timeout=TIMEOUT_S).raise_for_status()
            found = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise LoginError("provider_away", f"{self.client.metadata_url}: {type(error).__name__}") from error
        if not isinstance(found, dict) or not all(isinstance(found.get(name), str) for name in ENDPOINTS):
            raise LoginError("provider_away", f"{self.client.metadata_url}: no OpenID Connect metadata there")
        return found


def _signer(token: str, keys: jwt.PyJWKClient) -> jwt.PyJWK:
    """The key that the token names; one that names none can only be signed by the one key that there is."""
    wanted = jwt.get_unverified_header(token).get("kid")
    for refresh in (False, True):  # a key that is not known yet may be a new one
        usable = [key for key in keys.get_jwk_set(refresh=refresh).keys if key.public_key_use in ("sig", None)]
        if wanted is not None:
            usable = [key for key in usable if key.key_id == wanted]
        if len(usable) == 1:
            return usable[0]
    raise jwt.PyJWKClientError("no key of the provider can have signed this token")
