"""Spelling of times, durations and numbers; the recipe of ids; signatures; people for one destination."""

import uuid
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st
from support.xapi import bodies

from governance.identities import Person
from integrations.xapi import signing
from integrations.xapi.destinations import Casting, Destination, DestinationError, load
from integrations.xapi.encoder import duration, instant, number
from integrations.xapi.identifiers import ROOT, namespace, registration, statement_id, voiding_id
from integrations.xapi.tincan_bridge import to_tincan
from integrations.xapi.vocabulary import PROFILE, Kind

KEY = "l_0123456789abcdef0123456789abcdef"


def test_instants() -> None:
    assert instant(datetime(2026, 11, 2, 9, 0, 4, 999_999, UTC)) == "2026-11-02T09:00:04.999Z"
    assert instant(datetime(2026, 11, 2, 1, tzinfo=timezone(timedelta(hours=2)))) == "2026-11-01T23:00:00.000Z"
    with pytest.raises(ValueError, match="offset"):
        instant(datetime(2026, 11, 2))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "PT0S"), (0.004, "PT0S"), (0.005001, "PT0.01S"), (60, "PT1M"), (746.25, "PT12M26.25S"), (3600, "PT1H"),
        (3600.5, "PT1H0.5S"), (59.999, "PT1M"), (90_061, "PT25H1M1S"),
    ],
)  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@given(st.floats(0, 1e6))
def test_durations_read_back_to_a_hundredth(seconds: float) -> None:
    import tincan

    back = tincan.Result(duration=duration(seconds)).duration
    assert back is not None
    assert abs(back.total_seconds() - seconds) <= 0.0051


def test_numbers() -> None:
    assert [repr(number(value)) for value in (82.5, 4.0, 0.66666, -0.00001)] == ["82.5", "4", "0.6667", "0"]


def test_ids_follow_the_recipe() -> None:
    space = uuid.uuid5(uuid.uuid5(uuid.NAMESPACE_URL, PROFILE), "acme")
    assert (ROOT, namespace("acme")) == (uuid.uuid5(uuid.NAMESPACE_URL, PROFILE), space.bytes)
    name = '["cvi:c1","criterion",["feedback","empathy"],[3,true]]'
    assert statement_id("acme", "cvi:c1", Kind.CRITERION, ("feedback", "empathy"), (3, True)) == str(
        uuid.uuid5(space, name)
    )
    assert registration("acme", "cvi:c1") == str(uuid.uuid5(space, '["registration","cvi:c1"]'))
    assert voiding_id("acme", "x") == str(uuid.uuid5(space, '["voiding","x"]'))
    assert statement_id("globex", "cvi:c1", Kind.ATTEMPT, (), ()) != statement_id(
        "acme", "cvi:c1", Kind.ATTEMPT, (), ()
    )


def test_ids_of_a_known_session_never_change() -> None:
    first = orjson.loads(bodies("plain-pass")[0])
    assert first["id"] == "73ef978b-785d-5ba0-bfe4-4fe89df7d859"
    assert first["context"]["registration"] == "831e7c44-d443-5507-ba1b-c208b0f5261a"


def test_tincan_does_not_take_the_second_version() -> None:
    with pytest.raises(ValueError, match=r"1\.0\.3"):
        to_tincan(bodies("manager-and-cohort-in-2.0", "2.0")[0])


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def test_signatures(key: rsa.RSAPrivateKey) -> None:
    for body in bodies("recordings"):
        signed = signing.sign(body, key)
        assert signing.sign(body, key) == signed, "a repeat sends the same bytes"
        assert signing.verify(signed, key.public_key()) == body
        to_tincan(signed.statement)
        forged = signed._replace(statement=signed.statement.replace(b'"platform":"Rolecall"', b'"platform":"Another"'))
        with pytest.raises(signing.SigningError, match="altered"):
            signing.verify(forged, key.public_key())
        with pytest.raises(signing.SigningError, match="does not hold"):
            signing.verify(signed, rsa.generate_private_key(65537, 2048).public_key())
        with pytest.raises(signing.SigningError, match="already"):
            signing.sign(signed.statement, key)


def test_keys_that_cannot_sign() -> None:
    short = rsa.generate_private_key(65537, 1024).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(signing.SigningError, match="1024 bits"):
        signing.private_key(short)
    with pytest.raises(signing.SigningError, match="cannot be read"):
        signing.private_key(b"no key")


def people(key: str) -> Person | None:
    return Person("acme", key, "e1", "Ruth", "ruth@acme.example", {"lms": "u-17"}) if key == KEY else None


def test_people_for_one_destination() -> None:
    attempt, *_, review = bodies("review-alone")
    casting = Casting(Destination(actor="mbox"), "acme", people)
    seen, reviewed = orjson.loads(casting.cast(attempt)), orjson.loads(casting.cast(review))
    assert seen["actor"] == {"objectType": "Agent", "mbox": "mailto:ruth@acme.example"}
    assert reviewed["actor"]["account"]["name"] == "l_" + "c0ac" * 8, "the coach has no address: the pseudonym stays"
    assert casting.unidentified == {"l_" + "c0ac" * 8}
    assert orjson.loads(attempt)["id"] == seen["id"]

    moodle = Destination(actor="account", account_of="lms", home_page="https://lms.acme.example")
    seen = orjson.loads(Casting(moodle, "acme", people).cast(attempt))
    assert seen["actor"]["account"] == {"homePage": "https://lms.acme.example", "name": "u-17"}
    assert Casting(Destination(), "acme", people).cast(review) == review


def test_destination_files(tmp_path: Path) -> None:
    folder = tmp_path / "connectors"
    folder.mkdir()
    (folder / "archive.yaml").write_text("kind: xapi\nactor: mbox\nversion: '2.0'\n")
    assert load(tmp_path, "archive") == Destination(actor="mbox", version="2.0")
    (folder / "wrong.yaml").write_text("actor: account\n")
    for name, said in (("wrong", "account_of"), ("missing", "no such destination"), ("../archive", "no such")):
        with pytest.raises(DestinationError, match=said):
            load(tmp_path, name)
