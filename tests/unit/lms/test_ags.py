"""Grades through LTI's grade service, against a platform that checks tokens, media types and times."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from support.gradebook import Gradebook, serving

from integrations.lms.ags import Ags, GradeSink, beneath, score
from integrations.sync.base import Fate, Outgoing, Presence, SyncError, Verdict, Whole
from integrations.sync.transport import Transport

AT = datetime(2026, 11, 22, 10, 15, 30, tzinfo=UTC)


@pytest.fixture
def gradebook() -> Gradebook:
    return Gradebook()


@pytest.fixture
def sink(gradebook: Gradebook) -> Iterator[GradeSink]:
    with serving(gradebook) as address:
        sink = GradeSink(Ags(Transport(address), gradebook.registration()), gradebook.line_item(1))
        yield sink
        sink.close()


def outgoing(given: float, at: datetime = AT, user: str = "3") -> Outgoing:
    return Outgoing("l_1", orjson.dumps(score(user, given, 100, at, "empathy 82; discovery 60")), "d")


def fate(answer: object) -> tuple[Fate, str]:
    assert isinstance(answer, list)
    return answer[0].fate, answer[0].code


def test_a_grade_goes_out_and_is_read_back(gradebook: Gradebook, sink: GradeSink) -> None:
    assert sink.preflight().limits.batch_count == 1
    grade = outgoing(82.5)
    assert sink.read_back([grade])[0].presence is Presence.ABSENT
    assert fate(sink.apply([grade])) == (Fate.STORED, "204")
    assert sink.read_back([grade])[0].presence is Presence.SAME
    assert gradebook.scores["1", "3"]["scoreGiven"] == 82.5
    assert gradebook.scores["1", "3"]["timestamp"] == "2026-11-22T10:15:30.000+00:00"


def test_the_same_grade_again_and_an_older_one_change_nothing(gradebook: Gradebook, sink: GradeSink) -> None:
    sink.apply([outgoing(55.25)])
    assert fate(sink.apply([outgoing(55.25)])) == (Fate.STORED, "newer")
    assert fate(sink.apply([outgoing(82.5, AT - timedelta(days=1))])) == (Fate.STORED, "newer")
    assert gradebook.scores["1", "3"]["scoreGiven"] == 55.25
    assert fate(sink.apply([outgoing(0, AT + timedelta(seconds=1))])) == (Fate.STORED, "204")
    assert gradebook.scores["1", "3"]["scoreGiven"] == 0


FAILURES = {500: Verdict.UNKNOWN, 429: Verdict.THROTTLED, 400: Verdict.REFUSED, 403: Verdict.DENIED}


@pytest.mark.parametrize(("status", "verdict"), FAILURES.items())
def test_what_a_failure_says(gradebook: Gradebook, sink: GradeSink, status: int, verdict: Verdict) -> None:
    gradebook.failures = [(status, False)]
    answer = sink.apply([outgoing(82.5)])
    assert isinstance(answer, Whole)
    assert answer.verdict is verdict


def test_a_grade_that_was_stored_before_the_answer_was_lost_is_seen(gradebook: Gradebook, sink: GradeSink) -> None:
    gradebook.failures = [(500, True)]
    grade = outgoing(82.5)
    assert isinstance(sink.apply([grade]), Whole)
    assert sink.read_back([grade])[0].presence is Presence.SAME


def test_a_token_is_kept_and_renewed_in_time(gradebook: Gradebook) -> None:
    now = [AT.timestamp()]
    with serving(gradebook) as address:
        ags = Ags(Transport(address), gradebook.registration(), clock=lambda: now[0])
        with pytest.raises(SyncError, match="token"):
            ags.token()  # the platform's own clock says that the assertion has ended
        now[0] = datetime.now(UTC).timestamp()
        assert ags.token() == ags.token() == "t0"
        now[0] += 3_590 - 60 * 60  # still good
        assert ags.token() == "t0"
        ags.close()


def test_a_key_that_the_platform_does_not_know(gradebook: Gradebook) -> None:
    foreign = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with serving(gradebook) as address:
        sink = GradeSink(Ags(Transport(address), gradebook.registration(foreign)), gradebook.line_item(1))
        with pytest.raises(SyncError, match="no token: status 400") as refused:
            sink.preflight()
        sink.close()
    assert "public key" in (refused.value.remedy or "")


def test_a_column_that_is_not_there_is_named(gradebook: Gradebook) -> None:
    with serving(gradebook) as address:
        sink = GradeSink(Ags(Transport(address), gradebook.registration()), gradebook.line_item(9))
        with pytest.raises(SyncError, match="lineitems/9") as refused:
            sink.preflight()
        sink.close()
    assert gradebook.line_item(1) in (refused.value.remedy or "")


@pytest.mark.parametrize(
    ("line_item", "scores"),
    [
        ("https://lms.example/5/lineitems/1/lineitem?type_id=2", "https://lms.example/5/lineitems/1/lineitem/scores?type_id=2"),
        ("https://lms.example/li/1", "https://lms.example/li/1/scores"),
        ("https://lms.example/li/1/", "https://lms.example/li/1/scores"),
    ],
)  # fmt: skip
def test_the_path_grows_before_the_query(line_item: str, scores: str) -> None:
    assert beneath(line_item, "scores") == scores


def test_what_no_platform_takes_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        score("3", 1, 0, AT)
    with pytest.raises(ValueError, match="offset"):
        score("3", 1, 1, AT.replace(tzinfo=None))
