"""Calls to a partner over a real connection: no secret in any log, limits kept, clocks that differ, no redirects."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.http_stub import Asked, Said, serving

from integrations.sync import answers
from integrations.sync.asking import TRIES, ask
from integrations.sync.base import Verdict
from integrations.sync.pacing import Bucket, retry_after
from integrations.sync.transport import Lost, Reply, Transport

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
PASSWORD, TOKEN = "correct-horse-battery", "pat-eu1-0123456789abcdef"


@contextmanager
def talking(*said: Said, **more: object) -> Iterator[tuple[Transport, list[Asked]]]:
    """A transport to a server that gives these answers in turn, the last one for ever, and what it was asked."""
    heard: list[Asked] = []

    def answer(asked: Asked) -> Said:
        heard.append(asked)
        return said[min(len(heard), len(said)) - 1]

    with serving(answer) as address:
        transport = Transport(address, **more)  # type: ignore[arg-type]
        try:
            yield transport, heard
        finally:
            transport.close()


def test_no_secret_reaches_a_log_or_an_error(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with talking(Said(), auth=("key", PASSWORD), secrets=[TOKEN]) as (transport, heard):
        transport.send("GET", f"people?token={TOKEN}", headers={"x-api-key": TOKEN})
        assert transport.redact(f"it says {PASSWORD} and {TOKEN}") == "it says [redacted] and [redacted]"
        basic = heard[0].headers["authorization"].partition(" ")[2]
        assert basic not in transport.redact(f"you sent {basic}")
    with serving(lambda _: Said()) as address:
        pass
    with pytest.raises(Lost) as lost:
        Transport(address, secrets=[TOKEN]).send("GET", f"people?token={TOKEN}", params={"email": PASSWORD})
    told = f"{caplog.text} {lost.value}"
    assert "people" in told
    assert PASSWORD not in told
    assert TOKEN not in told
    assert basic not in told


def test_a_redirect_is_an_answer_and_takes_no_credentials_elsewhere() -> None:
    with talking(Said(307, headers={"location": "http://127.0.0.1:9/elsewhere"}), auth=("key", PASSWORD)) as (
        transport,
        heard,
    ):
        assert transport.send("POST", "people", content=b"{}").status == 307
    assert len(heard) == 1


def test_a_server_that_is_not_there_was_sent_nothing_and_one_that_hangs_up_may_have_stored() -> None:
    with serving(lambda _: Said()) as address:
        pass
    gone = Transport(address)
    with pytest.raises(Lost) as lost:
        gone.send("GET", "people")
    assert answers.lost(lost.value).verdict is Verdict.UNSENT
    with talking(Said(200, b"", {"content-length": "9"}), read_s=0.2) as (transport, _), pytest.raises(Lost) as lost:
        transport.send("POST", "people", content=b"{}")
    assert answers.lost(lost.value).verdict is Verdict.UNKNOWN


def test_a_bucket_keeps_its_rate_and_what_the_server_says_is_left() -> None:
    bucket = Bucket(calls_a_minute=60, burst=2)
    for _ in range(2):
        assert bucket.delay(0.0) == 0
        bucket.take(0.0)
    assert bucket.delay(0.0) == pytest.approx(1)
    assert bucket.delay(1.0) == 0
    bucket.learn({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "30"}, 1.0)
    assert bucket.delay(1.0) == pytest.approx(30)
    bucket.learn({"x-ratelimit-remaining": "7", "x-ratelimit-reset": "500"}, 1.0)
    assert bucket.delay(31.0) == 0


def test_the_next_call_waits_for_the_limit_that_an_answer_told() -> None:
    slept: list[float] = []
    spent = Said(headers={"RateLimit-Remaining": "0", "RateLimit-Reset": "20"})
    with talking(spent, sleep=slept.append) as (transport, _):
        transport.send("GET", "people")
        transport.send("GET", "people")
    assert len(slept) == 1
    assert 15 < slept[0] <= 20


SKEWS = st.timedeltas(timedelta(days=-800), timedelta(days=800))


@given(SKEWS, st.integers(0, 100_000))
def test_the_clocks_may_differ_where_the_server_tells_its_own(skew: timedelta, seconds: int) -> None:
    theirs = NOW + skew
    until = theirs + timedelta(seconds=seconds)
    told = {"date": _date(theirs), "retry-after": _date(until)}
    assert retry_after(told, NOW) == seconds
    bucket = Bucket()
    bucket.learn({**told, "x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(until.timestamp()))}, 5.0)
    assert bucket.delay(5.0) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7), ("0.5", 0.5), ("-1", None), ("inf", None), ("soon", None), ("", None),
     (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
     (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0)],
)  # fmt: skip
def test_what_a_retry_after_may_say(text: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": text}, NOW) == seconds


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_question_is_asked_again_until_it_is_answered(status: int) -> None:
    slept: list[float] = []
    with talking(Said(status, headers={"retry-after": "2"}), Said(status), Said(200, b"[1]")) as (transport, heard):
        reply = ask(transport, "GET", "people", sleep=slept.append, jitter=lambda: 0.5)
    assert (reply.json(), len(heard)) == ([1], 3)
    assert slept[0] >= 2


@pytest.mark.parametrize(
    ("said", "calls"),
    [(Said(404), 1), (Said(429, headers={"retry-after": "3600"}), 1), (Said(503), TRIES)],
    ids=["clear", "too-long", "never"],
)
def test_a_question_is_not_asked_for_ever(said: Said, calls: int) -> None:
    with talking(said) as (transport, heard):
        assert ask(transport, "GET", "people", sleep=lambda _: None).status == said.status
    assert len(heard) == calls


@pytest.mark.parametrize(
    ("status", "headers", "verdict"),
    [(400, {}, "refused"), (401, {}, "denied"), (403, {}, "denied"), (404, {}, "denied"), (409, {}, "conflict"),
     (413, {}, "too_large"), (422, {}, "refused"), (429, {}, "throttled"), (500, {}, "unknown"),
     (503, {"retry-after": "9"}, "unknown"), (599, {}, "unknown"), (418, {}, "denied")],
)  # fmt: skip
def test_what_a_status_means_for_a_batch(status: int, headers: Mapping[str, str], verdict: str) -> None:
    assert answers.whole(Reply(status, headers, b"no")).verdict == verdict


def _date(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)
