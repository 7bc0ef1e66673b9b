"""A simulated Salesforce: sign-in by OAuth, REST, Bulk 2.0, over an ``Org``.

Example:
    >>> org = Org()
    >>> api = app(org)  # serve it with uvicorn, with a certificate: the public clients speak TLS alone
"""

import base64
import binascii
from typing import Any
from urllib.parse import parse_qs

import jwt
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from integrations.crm.simulators.faults import Disturbed, http_date
from integrations.crm.simulators.salesforce_bulk import Bulk
from integrations.crm.simulators.salesforce_org import Client, Org
from integrations.crm.simulators.salesforce_rest import Rest
from integrations.crm.simulators.store import Refused

__all__ = ["Client", "Org", "app"]
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class _Denied(Exception):  # noqa: N818 - the answer, not a fault
    """The token is not given."""


def app(org: Org) -> ASGIApp:
    """The organisation's addresses, behind its fault switches."""
    data = [*Rest(org).routes(), *Bulk(org).routes()]
    routes = [
        Route("/services/oauth2/token", _Tokens(org).issue, methods=["POST"]),
        Mount("/services/data/{version}", routes=data, middleware=[Middleware(_Guarded, org=org)]),
    ]
    handlers: Any = {Refused: _refused, 404: _not_found}
    return Disturbed(Starlette(routes=routes, exception_handlers=handlers), org.faults)


class _Tokens:
    """Access tokens by JWT bearer or client credentials; the password flow is refused, as Salesforce advises."""

    def __init__(self, org: Org) -> None:
        self._org = org

    async def issue(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        try:
            self._admit(form, request.headers.get("authorization", ""))
        except _Denied as denied:
            error, description = denied.args
            return JSONResponse({"error": error, "error_description": description}, 400)
        address = f"{request.url.scheme}://{request.url.netloc}"
        return JSONResponse(
            {
                "access_token": self._org.sign_in(),
                "scope": " ".join(sorted(self._org.scopes)),
                "instance_url": address,
                "id": f"{address}/id/00D000000000001EAA/005000000000001AAA",
                "token_type": "Bearer",
            }
        )

    def _admit(self, form: dict[str, str], basic: str) -> None:
        if self._org.revoked:
            raise _Denied("invalid_grant", "user hasn't approved this consumer")
        grant = form.get("grant_type")
        if grant == JWT_BEARER:
            self._by_jwt(form.get("assertion", ""))
        elif grant == "client_credentials":
            self._by_secret(form, basic)
        else:
            raise _Denied("unsupported_grant_type", "grant type not supported")

    def _by_jwt(self, assertion: str) -> None:
        try:
            issuer = jwt.decode(assertion, options={"verify_signature": False}).get("iss", "")
            client = self._client(issuer)
            claims = jwt.decode(
                assertion,
                client.certificate or "",
                algorithms=["RS256"],
                audience=[self._org.my_domain, "https://login.salesforce.com"],
            )
        except jwt.InvalidAudienceError:
            raise _Denied("invalid_grant", "audience is invalid") from None
        except jwt.ExpiredSignatureError:
            raise _Denied("invalid_grant", "expired authorization code") from None
        except (jwt.PyJWTError, ValueError):
            raise _Denied("invalid_grant", "invalid assertion") from None
        if claims.get("sub") not in client.usernames:
            raise _Denied("invalid_grant", "user hasn't approved this consumer")

    def _by_secret(self, form: dict[str, str], basic: str) -> None:
        key, secret = form.get("client_id", ""), form.get("client_secret", "")
        if basic.lower().startswith("basic "):
            try:
                key, _, secret = base64.b64decode(basic[6:]).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                raise _Denied("invalid_client", "invalid client credentials") from None
        client = self._client(key)
        if client.secret is None or client.secret != secret:
            raise _Denied("invalid_client", "invalid client credentials")
        if client.run_as is None:
            raise _Denied("invalid_grant", "no client credentials user enabled")

    def _client(self, key: str) -> Client:
        if key not in self._org.clients:
            raise _Denied("invalid_client_id", "client identifier invalid")
        return self._org.clients[key]


class _Guarded:
    """Lets calls with a token through, counts them, and says so in every answer."""

    def __init__(self, app: ASGIApp, org: Org) -> None:
        self._app, self._org = app, org

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(Request(scope).headers.get("authorization", ""))
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        self._org.api_used += 1
        usage = f"api-usage={self._org.api_used}/{self._org.api_limit}".encode()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"sforce-limit-info", usage), http_date(self._org.now())]
            await send(message)

        # a final slash changes nothing: some clients write it
        await self._app({**scope, "path": scope["path"].rstrip("/")}, receive, counted)

    def _refusal(self, authorization: str) -> Response | None:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() not in ("bearer", "oauth") or token not in self._org.tokens:
            return _error(401, "INVALID_SESSION_ID", "Session expired or invalid")
        if "api" not in self._org.scopes:
            return _error(403, "INSUFFICIENT_ACCESS", "This session is not valid for use with the REST API")
        if self._org.api_used >= self._org.api_limit:
            return _error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        return None


def _error(status: int, code: str, message: str) -> Response:
    return JSONResponse([{"message": message, "errorCode": code}], status)


async def _refused(_: Request, error: Exception) -> Response:
    from integrations.crm.simulators.salesforce_rest import error_answer

    return error_answer(error)


async def _not_found(_: Request, __: Exception) -> Response:
    return _error(404, "NOT_FOUND", "The requested resource does not exist")
