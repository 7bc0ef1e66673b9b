"""Signs in to Salesforce by OAuth and calls it; renews a session that ended, and watches the daily allowance."""

import json
import re
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import jwt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from integrations.crm.config import CrmConnector
from integrations.sources import SourceError
from integrations.sync.asking import ask
from integrations.sync.transport import Lost, Reply, Transport

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
JWT_LIVES_S = 180
USAGE = re.compile(r"api-usage=(\d+)/(\d+)")
# what to do about an error code; docs/crm.md has the same list
REMEDIES: Mapping[str, str] = {
    "INVALID_FIELD": "The field is not there, or the integration user may not see it: mend the connector's file, "
    "or grant the field in the user's permission set",
    "INVALID_TYPE": "The object is not there, or the integration user may not see it: mend `object`, or grant Read",
    "MALFORMED_QUERY": "Mend `where` of the connector's file: it is SOQL, without the word WHERE",
    "INVALID_SESSION_ID": "Check that the External Client App is active and its session policy allows the API",
    "INSUFFICIENT_ACCESS": "Give the External Client App the scope `api` and the integration user API Enabled",
    "API_DISABLED_FOR_ORG": "This edition has no API; Enterprise and above do, others by an add-on",
    "REQUEST_LIMIT_EXCEEDED": "The organisation's API calls of these 24 hours are used up; the next run goes on",
    "invalid_client_id": "options.client_id must be the consumer key of the External Client App",
    "invalid_client": "Check the consumer key and the client secret of the External Client App",
    "invalid_grant": "Check username, audience (the My Domain address) and certificate, and that the app's policy "
    "pre-authorises the integration user",
    "unsupported_grant_type": "Enable the flow (JWT bearer or client credentials) in the External Client App",
    "inactive_user": "Activate the integration user",
}


class Options(BaseModel):
    """``options`` of the connector.

    ``api_share`` is how much of the organisation's daily calls may be used before reading and writing stop: others
    need them too. ``bulk_from`` rows and more are read, ``write_bulk_from`` people and more written by Bulk 2.0.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    login: Literal["jwt", "client_credentials"] = "jwt"
    client_id: str
    username: str | None = None
    audience: str | None = None
    api_version: Annotated[str, Field(pattern=r"^\d{2,3}\.0$")] = "66.0"
    api_share: Annotated[float, Field(gt=0, le=1)] = 0.8
    overlap_s: Annotated[int, Field(ge=0)] = 300
    page: Annotated[int, Field(ge=200, le=2_000)] = 2_000
    bulk_from: Annotated[int, Field(ge=1)] = 20_000
    bulk_page: Annotated[int, Field(ge=1)] = 20_000
    write_bulk_from: Annotated[int, Field(ge=1)] = 2_000
    poll_s: Annotated[float, Field(gt=0)] = 2.0
    bulk_wait_s: Annotated[float, Field(gt=0)] = 3_600.0

    @model_validator(mode="after")
    def _complete(self) -> "Options":
        if self.login == "jwt" and not self.username:
            raise ValueError("username: JWT bearer signs in as a user; name the integration user")
        return self


class Denied(Exception):  # noqa: N818 - says what the server said
    """Signing in failed, or the allowance is used up; ``code`` is the server's."""

    def __init__(self, code: str, said: str) -> None:
        super().__init__(said)
        self.code = code


class Session:
    """Calls to one organisation, signed in when the first is made."""

    def __init__(
        self,
        connector: CrmConnector,
        options: Options,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if connector.url is None:
            raise SourceError(
                f"{connector.name}: url is missing", "Write the My Domain address, https://….my.salesforce.com"
            )
        self.name, self.options, self.sleep = connector.name, options, sleep
        self._clock = clock
        self._secret = connector.secret("private_key" if options.login == "jwt" else "client_secret")
        self._login = Transport(connector.url, secrets=[self._secret])
        self._url = connector.url.rstrip("/")
        self._api: Transport | None = None
        self.used: tuple[int, int] | None = None

    def send(self, method: str, path: str, body: Any = None, **how: Any) -> Reply:
        """One call, never repeated, except where a session had ended and nothing was done.

        Raises:
            Lost: no answer.
            Denied: signing in failed, or the allowance is used up.
        """
        return self._called(lambda api: api.send(method, self._path(path), **_content(body), **how))

    def ask(self, method: str, path: str, body: Any = None, **how: Any) -> Reply:
        """A call that changes nothing, asked again where the answer was lost or put off. Errors as of ``send``."""
        return self._called(lambda api: ask(api, method, self._path(path), sleep=self.sleep, **_content(body), **how))

    def read(self, method: str, path: str, body: Any = None, **how: Any) -> Reply:
        """The good answer to a call that changes nothing.

        Raises:
            SourceError: there is none; the text says why and how to mend it.
        """
        try:
            reply = self.ask(method, path, body, **how)
        except Denied as denied:
            raise self.failed(denied.code, str(denied)) from None
        except Lost as lost:
            raise SourceError(
                f"{self.name}: no answer ({lost})", "Check `url` and the network, then try again"
            ) from None
        if not reply.ok:
            raise self.failed(*problem(reply))
        return reply

    def failed(self, code: str, said: str) -> SourceError:
        """An error of Salesforce's with what to do about it."""
        return SourceError(f"{self.name}: Salesforce says {code}: {said}", REMEDIES.get(code))

    def close(self) -> None:
        """Close the connections."""
        self._login.close()
        if self._api is not None:
            self._api.close()

    def _called(self, call: Callable[[Transport], Reply]) -> Reply:
        if self.used is not None and self.used[0] >= self.used[1] * self.options.api_share:
            used, total = self.used
            said = f"{used:,} of {total:,} API calls of 24 hours are used, options.api_share leaves the rest to others"
            raise Denied("REQUEST_LIMIT_EXCEEDED", said)
        fresh = self._api is None
        reply = call(self._signed_in())
        if reply.status == 401 and not fresh:
            self._api = None
            reply = call(self._signed_in())
        found = USAGE.search(reply.headers.get("sforce-limit-info", ""))
        self.used = (int(found[1]), int(found[2])) if found else self.used
        return reply

    def _signed_in(self) -> Transport:
        if self._api is None:
            given = self._token()
            token, address = str(given["access_token"]), str(given.get("instance_url") or self._url)
            headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
            self._api = Transport(address, headers=headers, secrets=[token, self._secret])
        return self._api

    def _token(self) -> Mapping[str, Any]:
        form = self._grant()
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        content = urlencode(form).encode()
        reply = ask(self._login, "POST", "/services/oauth2/token", headers=headers, content=content, sleep=self.sleep)
        body = reply.json()
        if reply.ok and isinstance(body, dict) and body.get("access_token"):
            return body
        error = body if isinstance(body, dict) else {}
        said = self._login.redact(str(error.get("error_description") or reply.said()))
        raise Denied(str(error.get("error") or reply.status), said)

    def _grant(self) -> dict[str, str]:
        if self.options.login == "client_credentials":
            return {
                "grant_type": "client_credentials",
                "client_id": self.options.client_id,
                "client_secret": self._secret,
            }
        claims = {
            "iss": self.options.client_id,
            "sub": self.options.username,
            "aud": self.options.audience or self._url,
            "exp": int(self._clock()) + JWT_LIVES_S,
        }
        try:
            assertion = jwt.encode(claims, self._secret.replace("\\n", "\n"), "RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            raise Denied("private_key", "the private key is not an RSA key in PEM") from None
        return {"grant_type": JWT_BEARER, "assertion": assertion}

    def _path(self, path: str) -> str:
        """Salesforce's own links are whole paths, ours begin after the version."""
        return path if path.startswith("/services/") else f"/services/data/v{self.options.api_version}{path}"


def exact(reply: Reply) -> Any:
    """The body as JSON whose numbers keep their digits: money is no float."""
    return json.loads(reply.body, parse_float=Decimal)


def problem(reply: Reply) -> tuple[str, str]:
    """Code and message of an error answer."""
    body = reply.json()
    first = body[0] if isinstance(body, list) and body else body
    if isinstance(first, dict) and first.get("errorCode"):
        return str(first["errorCode"]), " ".join(str(first.get("message", "")).split())[:300]
    return str(reply.status), reply.said()


def _content(body: Any) -> dict[str, Any]:
    if body is None:
        return {}
    if isinstance(body, bytes):
        return {"content": body}
    return {"content": json.dumps(body).encode(), "headers": {"content-type": "application/json"}}
