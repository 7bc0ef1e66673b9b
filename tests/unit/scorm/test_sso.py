"""Logins from an LMS: an honest one gives a code for its own LMS id; everything else is refused and written down."""

import base64
import hashlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from support import login_provider
from support.login_provider import FOREIGN, LoginProvider

from governance.access.log import AccessLog
from governance.identities import DirectoryEntry, Identities
from governance.lms_identities import LmsIdentities
from governance.state import State
from integrations.scorm import destinations, marks, sso_page
from integrations.scorm.oidc import Provider
from integrations.scorm.sso import Departure, Logins

SECRET = b"s" * 32
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LMS = "https://lms.example"
PEOPLE = [("ada", "Ada@Example.com"), ("ben", "shared@example.com"), ("cleo", "shared@example.com")]


class Desk:
    """One installation's logins, with a destination ``here`` that takes them."""

    def __init__(self, folder: Path, provider: LoginProvider) -> None:
        self.stub = provider
        self.state = State.open(f"sqlite:///{folder / 'state.db'}")
        self.identities = Identities(self.state, SECRET)
        entries = [DirectoryEntry(tenant="acme", learner_id=name, email=email) for name, email in PEOPLE]
        self.identities.record(entries)
        self.people = LmsIdentities(self.state, self.identities)
        self.log = AccessLog(self.state)
        self.configure(folder)
        self.logins = Logins(folder, self.people, self.identities, self.log, SECRET, Provider(provider.client))

    def configure(self, folder: Path, **changes: Any) -> None:
        file = folder / destinations.FOLDER / "here.yaml"
        file.parent.mkdir(exist_ok=True)
        given = {
            "title": "Here",
            "tenant": "acme",
            "base_url": "https://rp.example",
            "origins": [LMS],
            "identity": "sso",
        }
        file.write_text(yaml.safe_dump(given | changes), "utf-8")

    def begin(self) -> str:
        """The state of a new login by the LMS's learner u-ada."""
        destination = destinations.load(self.logins.config, "here")
        address = self.logins.begin("here", destination, "u-ada", LMS, "de", NOW)
        assert address.startswith("https://rp.example/v1/scorm/sso?state=")
        return parse_qs(urlsplit(address).query)["state"][0]

    def depart(self, state: str, now: datetime = NOW) -> tuple[Departure, dict[str, str]]:
        """On to the provider; the query that it is asked."""
        found = self.logins.depart(state, now)
        query = {name: values[0] for name, values in parse_qs(urlsplit(found.address or "").query).items()}
        self.stub.nonce = query.get("nonce", "")
        return found, query

    def claim(self, external_id: str, code: str) -> str:
        digest = marks.code_digest(SECRET, "here", code)
        return self.people.claim("here", "lms_user", external_id, digest, NOW)[0]

    def logged(self) -> list[tuple[Any, ...]]:
        return list(self.log.frame().select("action", "allowed", "why", "learner_key").iter_rows())


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with login_provider.serving() as provider:
        made = Desk(tmp_path, provider)
        yield made
        made.state.close()


def test_an_honest_login_gives_a_code_for_its_own_id_alone(desk: Desk) -> None:
    state = desk.begin()
    found, asked = desk.depart(state)
    assert (asked["response_type"], asked["state"], asked["code_challenge_method"]) == ("code", state, "S256")
    assert asked["redirect_uri"] == "https://rp.example/v1/scorm/sso/return"
    arrival = desk.logins.arrive(state, "c", found.cookie, NOW)
    assert (arrival.why, arrival.code is not None) == ("ok", True)
    verifier = desk.stub.asked[0]["code_verifier"]
    proof = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    assert (proof, 43 <= len(verifier) <= 128) == (asked["code_challenge"], True)
    assert arrival.code is not None
    assert desk.claim("u-mallory", arrival.code) == "code_of_another"
    assert desk.claim("u-ada", arrival.code) == "bound"
    assert desk.logged() == [("lms_sso", True, "ok", desk.identities.key("acme", "ada"))]
    assert "u-ada" not in str(desk.log.frame().to_dicts())


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"exp": int(time.time()) - 3_600}, "login_ended"),
        ({"aud": "another-client"}, "forged_login"),
        ({"iss": "https://evil.example"}, "forged_login"),
        ({"nonce": "of-another-request"}, "forged_login"),
        ({"nonce": None}, "forged_login"),
        ({"exp": None}, "forged_login"),
        ({"aud": [login_provider.CLIENT_ID, "other"], "azp": "other"}, "forged_login"),
        ({"email": None}, "no_claim"),
        ({"email": ["ada@example.com"]}, "no_claim"),
        ({"email": "nobody@example.com"}, "no_learner"),
        ({"email": "shared@example.com"}, "no_learner"),
        ({"email_verified": False}, "unverified_email"),
    ],
)  # fmt: skip
def test_a_token_that_does_not_say_who_it_is_gives_no_code(desk: Desk, claims: dict[str, Any], why: str) -> None:
    desk.stub.claims = claims
    refused(desk, why)


@pytest.mark.parametrize(("key", "algorithm"), [(FOREIGN, "RS256"), (None, "none"), ("a-secret" * 8, "HS256")])
def test_a_token_of_another_key_gives_no_code(desk: Desk, key: Any, algorithm: str) -> None:
    desk.stub.key, desk.stub.algorithm = key, algorithm
    refused(desk, "forged_login")


def test_a_token_that_names_no_key_is_of_the_only_one_and_one_of_an_unknown_key_is_refused(desk: Desk) -> None:
    desk.stub.kid = None
    state = desk.begin()
    found, _ = desk.depart(state)
    assert desk.logins.arrive(state, "c", found.cookie, NOW).why == "ok"
    desk.stub.kid = "k2"
    assert desk.logins.arrive(state, "c", found.cookie, NOW).why == "forged_login"


def refused(desk: Desk, why: str) -> None:
    state = desk.begin()
    found, _ = desk.depart(state)
    arrival = desk.logins.arrive(state, "c", found.cookie, NOW)
    assert (arrival.code, arrival.why) == (None, why)
    assert desk.logged() == [("lms_sso", False, why, None)]


def test_another_browser_or_a_refusal_of_the_provider_ends_the_login(desk: Desk) -> None:
    state = desk.begin()
    found, _ = desk.depart(state)
    assert desk.logins.arrive(state, "c", "", NOW).why == "another_browser"
    other, _ = desk.depart(desk.begin())
    assert desk.logins.arrive(state, "c", other.cookie, NOW).why == "another_browser"
    assert desk.logins.arrive(state, "", found.cookie, NOW).why == "login_refused"
    assert desk.stub.asked == []


def test_a_forged_or_old_state_leads_nowhere(desk: Desk) -> None:
    state = desk.begin()
    late = NOW + timedelta(minutes=11)
    for text in (
        "",
        "s",
        "s..",
        state[:-1],
        "ü",
        marks.learner_token(SECRET, marks.LearnerMark("here", "x", "y", 1, 2)),
    ):
        assert desk.logins.depart(text, NOW) == Departure(None)
        assert desk.logins.arrive(text, "c", "x", NOW).why == "no_login"
    assert desk.logins.depart(state, late) == Departure(None)
    assert desk.logins.arrive(state, "c", desk.logins.depart(state, NOW).cookie, late).why == "no_login"


def test_a_provider_that_is_away_says_so(desk: Desk) -> None:
    desk.logins.provider = Provider(login_provider.LoginProvider("http://127.0.0.1:9").client)
    state = desk.begin()
    assert desk.logins.depart(state, NOW).address is None
    assert desk.logins.arrive(state, "c", desk.logins._cookie(state), NOW).why == "provider_away"


def test_a_destination_that_takes_no_logins_any_more(desk: Desk) -> None:
    state = desk.begin()
    desk.configure(desk.logins.config, identity="claim")
    assert desk.logins.arrive(state, "c", desk.logins._cookie(state), NOW).why == "not_configured"
    assert desk.logins.arrive(state, "c", "", NOW).why == "not_configured"
    assert [desk.logins.arrive(state, "c", "", NOW).why for _ in range(10)][-1] == "too_many"


def test_the_claim_may_be_the_learner_id(desk: Desk) -> None:
    desk.configure(desk.logins.config, sso={"claim": "sub", "match": "learner_id"})
    desk.stub.claims = {"sub": "ben", "email_verified": False}
    state = desk.begin()
    found, _ = desk.depart(state)
    assert desk.logins.arrive(state, "c", found.cookie, NOW).why == "ok"
    assert desk.logged()[0][3] == desk.identities.key("acme", "ben")


def test_the_window_hands_the_code_to_one_origin_alone() -> None:
    shown, policy = sso_page.render("en", "K7QF-29XM-4T8B", LMS, "ok")
    assert f'data-origin="{LMS}"' in shown
    assert "'nonce-" in policy
    assert "unsafe" not in policy
    opaque, _ = sso_page.render("ja", "K7QF-29XM-4T8B", "null", "ok")
    assert "K7QF-29XM-4T8B" in opaque
    assert "postMessage" not in opaque
