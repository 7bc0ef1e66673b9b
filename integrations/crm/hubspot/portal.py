"""Calls one HubSpot portal: paths of a dated API version, the two allowances, errors with what to do about them."""

import json
import time
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from integrations.crm.config import CrmConnector
from integrations.sources import SourceError
from integrations.sync.asking import ask
from integrations.sync.pacing import Bucket
from integrations.sync.transport import Lost, Reply, Transport

URL = "https://api.hubapi.com"
# what to do about a category; docs/crm.md has the same list
REMEDIES: Mapping[str, str] = {
    "INVALID_AUTHENTICATION": "Put a Service Key of this portal into the variable that `secrets.token` names",
    "EXPIRED_AUTHENTICATION": "Make a new Service Key: this one has expired or was rotated",
    "MISSING_SCOPES": "Add the scope to the Service Key in HubSpot's settings, under Integrations",
    "OBJECT_NOT_FOUND": "Check `object` and options.api_version: a version is served for 18 months",
    "PROPERTY_DOESNT_EXIST": "The property is not there: create it in HubSpot, or mend the connector's file",
    "NO_OBJECT": "Check `object`: contacts, deals, tickets, feedback_submissions or a custom object's name",
    "RATE_LIMIT": "The portal's API calls are used up for now; the next run goes on",
}


class Options(BaseModel):
    """``options`` of the connector.

    ``owners_email`` allows to turn owners' ids into e-mail addresses, which then find the learner; without it
    ``owner.email`` cannot be asked for. Searches lag behind changes by seconds, ``overlap_s`` covers that.
    ``daily_share`` is how much of the portal's daily calls may be used before reading and writing stop.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    api_version: Annotated[str, Field(pattern=r"^\d{4}-\d{2}$")] = "2026-09"
    owners_email: bool = False
    overlap_s: Annotated[int, Field(ge=0)] = 300
    searches_a_second: Annotated[float, Field(gt=0, le=5)] = 4.0
    daily_share: Annotated[float, Field(gt=0, le=1)] = 0.8
    calls_a_minute: Annotated[float, Field(gt=0)] = 540.0


class Spent(Exception):  # noqa: N818 - says what the portal said
    """The share of the daily calls is used up."""


class Portal:
    """The portal of one Service Key. Searches have an allowance of their own and so their own pace."""

    def __init__(self, connector: CrmConnector, options: Options) -> None:
        self.name, self.options = connector.name, options
        self.sleep = time.sleep
        self._daily: tuple[int, int] | None = None
        token = connector.secret("token")
        known: dict[str, Any] = {"headers": {"authorization": f"Bearer {token}"}, "secrets": [token]}
        url = connector.url or URL
        self._calls = Transport(url, bucket=Bucket(options.calls_a_minute), **known)
        self._searches = Transport(url, bucket=Bucket(options.searches_a_second * 60, burst=4), **known)

    def path(self, area: str, *parts: str) -> str:
        """``objects``, ``contacts``, ``search`` → ``/crm/objects/2026-09/contacts/search``."""
        return "/".join(("/crm", area, self.options.api_version, *parts))

    def send(self, path: str, body: Any) -> Reply:
        """One writing call, never repeated; raises ``Lost`` and ``Spent``."""
        self._check()
        return self._noted(self._calls.send("POST", path, **_content(body)))

    def ask(self, method: str, path: str, body: Any = None, params: Mapping[str, str | int] | None = None) -> Reply:
        """A call that changes nothing, asked again where its answer was lost or put off. Errors as of ``send``."""
        self._check()
        transport = self._searches if path.endswith("/search") else self._calls
        return self._noted(ask(transport, method, path, params=params, sleep=self.sleep, **_content(body)))

    def read(
        self, method: str, path: str, body: Any = None, params: Mapping[str, str | int] | None = None
    ) -> tuple[dict[str, Any], Reply]:
        """The good answer to a call that changes nothing, 207 included.

        Raises:
            SourceError: there is none; the text says why and how to mend it.
        """
        try:
            reply = self.ask(method, path, body, params)
        except Spent as spent:
            raise self.failed("RATE_LIMIT", str(spent)) from None
        except Lost as lost:
            raise SourceError(f"{self.name}: no answer ({lost})", "Check the network, then try again") from None
        found = reply.json()
        if not reply.ok or not isinstance(found, dict):
            raise self.failed(*problem(reply))
        return found, reply

    def failed(self, code: str, said: str) -> SourceError:
        """An error of HubSpot's with what to do about it."""
        return SourceError(f"{self.name}: HubSpot says {code}: {said}", REMEDIES.get(code))

    def _check(self) -> None:
        if self._daily is None:
            return
        total, left = self._daily
        if total - left >= total * self.options.daily_share:
            raise Spent(
                f"{total - left:,} of {total:,} daily calls are used, options.daily_share leaves the rest to others"
            )

    def _noted(self, reply: Reply) -> Reply:
        total, left = (reply.headers.get(f"x-hubspot-ratelimit-daily{part}", "") for part in ("", "-remaining"))
        if total.isdigit() and left.isdigit():
            self._daily = int(total), int(left)
        return reply

    def close(self) -> None:
        """Close the connections."""
        self._calls.close()
        self._searches.close()


def problem(reply: Reply) -> tuple[str, str]:
    """Code and message of an error answer: the detail's code where it says more than the category."""
    body = reply.json()
    if not isinstance(body, dict):
        return str(reply.status), reply.said()
    said = " ".join(str(body.get("message", "")).split())[:300]
    details = body.get("errors") or [{}]
    if details[0].get("code") == "PROPERTY_DOESNT_EXIST":
        return "PROPERTY_DOESNT_EXIST", said
    scopes = (details[0].get("context") or {}).get("requiredScopes")
    if scopes:
        said = f"{said} Needed: {', '.join(scopes)}"
    if body.get("policyName"):
        said = f"{said} ({body['policyName']})"
    return str(body.get("category") or body.get("errorType") or reply.status), said


def _content(body: Any) -> dict[str, Any]:
    if body is None:
        return {}
    return {"content": json.dumps(body).encode(), "headers": {"content-type": "application/json"}}
