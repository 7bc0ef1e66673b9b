"""What an answer says: numbers as SCORM takes them, which session is told, practice notes, marks and limits."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from governance.catalog import Catalog
from governance.settings import PROJECT
from integrations.engine import callers
from integrations.scorm import live, marks, released, signing
from integrations.scorm.destinations import load
from integrations.scorm.marks import LearnerMark, PackageMark
from integrations.scorm.rates import Rates
from integrations.scorm.results import Criterion, Result, choose

SECRET = b"s" * 32
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PLAIN = re.compile(r"-?\d+(\.\d{1,6})?")


@given(st.floats(min_value=0, max_value=1))
def test_a_number_is_a_plain_decimal_and_the_same_number(value: float) -> None:
    for text, factor in ((released.plain(value), 1), (released.hundredfold(value), 100)):
        assert PLAIN.fullmatch(text)
        assert float(text) == pytest.approx(value * factor, abs=1e-6 * factor)
        assert not text.endswith(".")


def test_a_score_below_the_mark_is_never_rounded_up_to_it() -> None:
    assert released.hundredfold(0.699999) == "69.9999"
    assert (released.plain(0.0), released.hundredfold(0.825), released.plain(1e-7)) == ("0", "82.5", "0")


def test_a_time_has_two_decimals_and_a_z() -> None:
    assert released.moment(datetime(2026, 11, 22, 10, 15, 30, 123456, UTC)) == "2026-11-22T10:15:30.00Z"


def row(session_id: str, overall: float | None, passed: bool | None = None, **more: Any) -> dict[str, Any]:
    day = int(session_id.removeprefix("s"))
    plain = {"pending": False, "end_reason": "completed", "started_at": datetime(2026, 11, day, tzinfo=UTC)}
    return {"session_id": session_id, "overall": overall, "passed": passed, **plain, **more}


def test_the_latest_and_the_best_session() -> None:
    rows = [row("s9", 0.55, False), row("s7", 0.9, False), row("s5", 0.8, True)]  # a knock-out is never the best
    assert choose(rows, "latest") == ("result", rows[0])
    assert choose(rows, "best") == ("result", rows[2])
    assert choose([row("s9", None), *rows], "latest") == ("result", rows[0])


@pytest.mark.parametrize(
    ("newest", "awaited", "state"),
    [
        ({}, None, "none"),
        ({}, "s9", "waiting"),
        ({"pending": True}, "s9", "pending"),
        ({"end_reason": "no_show"}, None, "unscored"),
        ({"end_reason": "technical_failure"}, "s9", "unscored"),
    ],
)
def test_why_there_is_no_result(newest: dict[str, Any], awaited: str | None, state: str) -> None:
    assert choose([row("s9", None, **newest)], "latest", awaited) == (state, None)


def test_nothing_at_all() -> None:
    assert choose([], "latest") == ("none", None)
    assert choose([], "best", "s1") == ("waiting", None)
    assert choose([row("s2", 0.9, True)], "latest", "s9") == ("waiting", None)


def result(overall: float, passed: bool | None = True) -> Result:
    key = ("suitability-disclosure", "1", "engine_llm", "t", "1", 1)
    criteria = (
        Criterion("risk_disclosure", 2, 1, 4, 1 / 3, False, "A secret word"),
        Criterion("plain_language", 2, 1, 4, 1 / 3, True, None),
        Criterion("understanding_check", 4, 1, 4, 1.0, True, None),
    )
    return Result("cvi:c1", "1", key, overall, passed, NOW, 600.0, criteria)


def test_practice_notes_hold_criteria_and_no_word() -> None:
    catalog = Catalog.load(PROJECT / "config")
    scenario = catalog.scenarios["suitability-fund", "1"]
    notes = live.practice_notes(scenario, result(0.6, passed=False), catalog.rubrics)
    assert notes.index("Risk disclosure: 2 of 4") < notes.index("Plain language: 2 of 4")
    assert "understanding" not in notes.lower()
    assert "secret" not in notes
    destination = load(PROJECT / "config", "demo")
    body = live.conversation(scenario, destination, "de", "d.x.y", notes)
    assert body["persona_id"] == "p-client-ruth-de"
    assert body["properties"]["language"] == "german"
    assert body["callback_url"] == "http://127.0.0.1:8080/v1/engine/webhook?t=d.x.y"
    assert body["conversational_context"] == notes
    assert "conversational_context" not in live.conversation(scenario, destination, "xx", "d", None)


@pytest.mark.parametrize(
    ("overall", "passed", "own", "suggested"),
    [(0.3, False, 4, 3), (0.3, False, 1, 1), (0.7, True, 4, 4), (0.9, True, 4, 5), (0.9, True, 5, 5)],
)  # fmt: skip
def test_difficulty_moves_one_step(overall: float, passed: bool, own: int, suggested: int) -> None:
    assert live.difficulty(own, result(overall, passed)) == suggested


def test_marks_are_good_for_what_they_were_made_for() -> None:
    package = marks.package_token(SECRET, PackageMark("demo", "s", 1))
    learner = marks.learner_token(SECRET, LearnerMark("demo", "username", "ünï 漢", 1, int(NOW.timestamp()) + 60))
    assert marks.package_mark(SECRET, package) == PackageMark("demo", "s", 1)
    assert marks.learner_mark(SECRET, learner, NOW) == LearnerMark(
        "demo", "username", "ünï 漢", 1, int(NOW.timestamp()) + 60
    )
    assert marks.learner_mark(SECRET, learner, NOW.replace(hour=13)) is None
    assert marks.package_mark(SECRET, learner) is None
    assert marks.learner_mark(SECRET, package.replace("p.", "l.", 1), NOW) is None
    assert marks.package_mark(b"t" * 32, package) is None
    assert all(marks.package_mark(SECRET, text) is None for text in ("", "p", "p..", "p.é.é", package[:-1]))


def test_a_code_may_be_typed_carelessly() -> None:
    code = marks.new_code()
    assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){2}[0-9A-HJKMNP-TV-Z]{4}", code)
    digest = marks.code_digest(SECRET, "demo", code)
    careless = code.lower().replace("-", " ").replace("1", "l").replace("0", "o")
    assert marks.code_digest(SECRET, "demo", careless) == digest
    assert marks.code_digest(SECRET, "other", code) != digest


def test_the_signing_key_follows_from_the_secret() -> None:
    one, again, other = (signing.private_key(each) for each in (SECRET, SECRET, b"t" * 32))
    assert signing.public_jwk(one) == signing.public_jwk(again) != signing.public_jwk(other)
    token = signing.sign({"raw": "82.5"}, one)
    assert signing.verify(token, again.public_key()) == {"raw": "82.5"}
    for key in (other.public_key(), ec.generate_private_key(ec.SECP256R1()).public_key()):
        with pytest.raises(signing.SignatureError):
            signing.verify(token, key)


def test_a_bucket_refills() -> None:
    rates = Rates(burst=2, per_minute=6, most_keys=3)
    assert [rates.take("a", 0.0), rates.take("a", 0.0)] == [0.0, 0.0]
    assert rates.take("a", 0.0) == pytest.approx(10)
    assert rates.take("b", 0.0) == 0.0
    assert rates.take("a", 10.0) == 0.0
    for name in "cdefg":
        assert rates.take(name, 100.0) == 0.0
    assert len(rates._buckets) <= 6


def test_the_engine_delivers_with_a_token_that_opens_nothing_else() -> None:
    token = callers.issue_ahead(SECRET, "acme", "nonce")
    caller = callers.identify(token, {"acme": callers.digest("t")}, SECRET)
    assert (caller.tenant, caller.session_id, caller.delivers_only) == ("acme", None, True)
    assert callers.bound(b"t" * 32, token) is None
