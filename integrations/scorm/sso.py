"""The company's login in the place of a personal code: who logs in gets a code that is good for this LMS id alone.

A login begins in the package's page, goes through the provider in a window of its own and ends at the gateway, which
shows the code and hands it to the page that opened the window. So whoever lures somebody else into logging in gains
nothing: the code stands on that person's screen. What a login was begun for travels sealed in ``state``; the cookie
keeps it in one browser.
"""

import hashlib
import hmac
import logging
import secrets as random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from governance.access.log import AccessLog, Entry
from governance.identities import Identities
from governance.lms_identities import LmsIdentities
from governance.seals import seal, unseal
from governance.secrets import derive
from integrations.scorm import destinations, marks
from integrations.scorm.destinations import Destination, DestinationError
from integrations.scorm.oidc import LoginError, Provider
from integrations.scorm.rates import Rates

LOG = logging.getLogger("rolecall.gateway")
WHO, ACTION, STATE = "service:results", "lms_sso", "s"
LASTS = timedelta(minutes=10)  # from the click to the end, and the code's life
START, RETURN = "/v1/scorm/sso", "/v1/scorm/sso/return"


@dataclass(frozen=True)
class Login:
    """What a login was begun for: the LMS id, the page's origin and language, and when (epoch seconds)."""

    destination: str
    external_id: str
    origin: str
    language: str
    begun: int
    salt: str


@dataclass(frozen=True)
class Departure:
    """Where the browser goes to log in, and the cookie that it brings back. ``address`` is None where it cannot."""

    login: Login | None
    address: str | None = None
    cookie: str = ""
    secure: bool = True


@dataclass(frozen=True)
class Arrival:
    """How a login ended: with a code, or with why there is none."""

    login: Login | None
    code: str | None
    why: str


@dataclass
class Logins:
    """Logins of one installation; plain and blocking, like the service."""

    config: Path
    people: LmsIdentities
    identities: Identities
    log: AccessLog
    secret: bytes
    provider: Provider | None
    arrivals: Rates = field(default_factory=lambda: Rates(burst=10, per_minute=10))
    clock: Callable[[], float] = time.monotonic

    def begin(self, name: str, destination: Destination, external_id: str, origin: str, language: str | None,
              now: datetime) -> str:  # fmt: skip
        """The address of the gateway at which the login's window starts."""
        spoken = language if language in destination.languages else destination.languages[0]
        scope = [name, external_id, origin, spoken, int(now.timestamp()), random.token_urlsafe(12)]
        return f"{destination.base_url}{START}?state={seal(self._key('state'), STATE, scope)}"

    def depart(self, state: str, now: datetime) -> Departure:
        """On to the provider."""
        login = self._login(state, now)
        if login is None or self.provider is None:
            return Departure(login)
        try:
            destination = destinations.load(self.config, login.destination)
            address = self.provider.address(_redirect(destination), state, *self._proofs(state))
        except (LoginError, DestinationError) as error:
            LOG.warning("a login was not begun: %s", error)
            return Departure(login)
        return Departure(login, address, self._cookie(state), destination.base_url.startswith("https://"))

    def arrive(self, state: str, code: str, cookie: str, now: datetime) -> Arrival:
        """Back from the provider with its code, empty where it refused; every arrival is written down."""
        login = self._login(state, now)
        if login is None:
            return Arrival(None, None, "no_login")
        if self.arrivals.take(f"{login.destination}/{login.external_id}", self.clock()) > 0:
            return Arrival(login, None, "too_many")  # unwritten, or anybody could fill the disk
        try:
            destination = destinations.load(self.config, login.destination)
        except DestinationError as error:
            LOG.warning("a login came back for what is not configured any more: %s", error)
            return self._ended(login, "unknown", "not_configured", now)
        try:
            key = self._learner(destination, state, code, cookie)
            issued = self._code(login, destination, key, now)
        except LoginError as error:
            LOG.warning("a login ended without a learner: %s", error)
            return self._ended(login, destination.tenant, error.why, now)
        return self._ended(login, destination.tenant, "ok", now, key, issued)

    def _learner(self, destination: Destination, state: str, code: str, cookie: str) -> str:
        """The key of the learner who logged in."""
        if destination.identity != "sso" or self.provider is None:
            raise LoginError("not_configured", "the destination takes no logins")
        if not hmac.compare_digest(cookie.encode(), self._cookie(state).encode()):
            raise LoginError("another_browser", "the login was begun in another browser")
        if not code:
            raise LoginError("login_refused", "the provider sent no code")
        claims = self.provider.claims(code, _redirect(destination), *self._proofs(state))
        said = claims.get(destination.sso.claim)
        if not isinstance(said, str) or not said:
            raise LoginError("no_claim", f"the ID token has no claim {destination.sso.claim}")
        if destination.sso.match == "email" and claims.get("email_verified") is False:
            raise LoginError("unverified_email", "the provider has not verified the address")
        key = self.identities.named(destination.tenant, destination.sso.match, said)
        if key is None:
            raise LoginError("no_learner", "no learner of the directory, or more than one, is meant by the login")
        return key

    def _code(self, login: Login, destination: Destination, key: str, now: datetime) -> str:
        person = self.identities.person(destination.tenant, key)
        if person is None:
            raise LoginError("no_learner", "the learner has just been erased")
        code = marks.new_code()
        digest = marks.code_digest(self.secret, login.destination, code)
        self.people.add_codes(
            login.destination, destination.tenant, {person.learner_id: digest}, now, now + LASTS,
            external_id=login.external_id,
        )  # fmt: skip
        return code

    def _ended(
        self, login: Login, tenant: str, why: str, now: datetime, key: str | None = None, code: str | None = None
    ) -> Arrival:
        """How the login ended, once it is in the access log."""
        what = f"{login.destination} {marks.pseudonym(self.secret, login.external_id)}"
        entry = Entry(WHO, ACTION, tenant, allowed=why == "ok", why=why, learner_key=key, what=what,
                      source=login.origin, at=now)  # fmt: skip
        self.log.record(entry)
        return Arrival(login, code, why)

    def _login(self, state: str, now: datetime) -> Login | None:
        scope: list[Any] | None = unseal(self._key("state"), STATE, state) if state.isascii() else None
        login = None if scope is None else Login(*scope)
        return login if login is not None and now.timestamp() - login.begun <= LASTS.total_seconds() else None

    def _proofs(self, state: str) -> tuple[str, str]:
        """Nonce and PKCE verifier of a login: derived, so that nothing has to be kept between its two ends."""
        nonce, verifier = (hmac.new(self._key(name), state.encode(), hashlib.sha256) for name in ("nonce", "verifier"))
        return nonce.hexdigest(), verifier.hexdigest()

    def _cookie(self, state: str) -> str:
        return hmac.new(self._key("cookie"), state.encode(), hashlib.sha256).hexdigest()

    def _key(self, purpose: str) -> bytes:
        return derive(self.secret, f"scorm-sso-{purpose}")


def _redirect(destination: Destination) -> str:
    return f"{destination.base_url}{RETURN}"
