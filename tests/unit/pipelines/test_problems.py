"""Failures come out as one line with a remedy, and without secrets."""

import errno

import httpx
import pytest
import sqlalchemy as sa

from governance.settings import Settings
from pipelines import alerts
from pipelines.problems import Problem, explain, one_line, redact


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("postgresql://rolecall:hunter2@db/state", "hunter2"),
        ("Authorization: Bearer abc.def", "abc.def"),
        ('{"api_key": "k-123"}', "k-123"),
        ("password=topsecret;", "topsecret"),
        ("x-api-key: live_9", "live_9"),
    ],
)
def test_secrets_are_struck_out(text: str, secret: str) -> None:
    assert secret not in redact(text)
    assert "[redacted]" in redact(text)


def test_a_full_disk_says_that_nothing_is_lost() -> None:
    problem = explain(OSError(errno.ENOSPC, "No space left on device", "/data/x"))
    assert problem.what == "The disk is full (/data/x)"
    assert "nothing accepted was lost" in str(problem)


def test_the_cause_is_named_even_below_other_errors() -> None:
    error = RuntimeError("step failed")
    error.__cause__ = PermissionError(errno.EACCES, "denied", "/data")
    assert explain(error).what == "No permission (/data)"


def test_a_state_database_that_is_away() -> None:
    with pytest.raises(sa.exc.OperationalError) as caught:
        sa.create_engine("sqlite:////nowhere/at/all.db").connect()
    assert "ROLECALL_STATE_URL" in str(explain(caught.value))


def test_a_wrong_setting_is_named_as_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLECALL_MINIMUM_CELL", "2")
    with pytest.raises(ValueError, match="minimum_cell") as caught:
        Settings()
    assert "ROLECALL_MINIMUM_CELL" in explain(caught.value).what


def test_an_unknown_error_keeps_its_words_on_one_line() -> None:
    problem = explain(KeyError("a\nb"))
    assert "KeyError" in problem.what
    assert "--debug" in str(problem)
    assert one_line(ValueError("x" * 999)).endswith("…")


def test_an_alert_names_the_check_and_hides_secrets() -> None:
    alert = alerts.failure("everything", "r1", "", ["core/sessions: contract"])
    assert "core/sessions: contract" in alert.body()["text"]
    assert alert.kind == "check_failed"
    broken = alerts.failure("everything", "r1", Problem("no postgresql://u:pw@h", "Start it"), [])
    assert "pw" not in str(broken.body())


def test_an_alert_that_cannot_be_sent_never_raises() -> None:
    def refuse(*_: object, **__: object) -> httpx.Response:
        raise httpx.ConnectError("no route")

    alert = alerts.failure("everything", "r1", "x", [])
    assert not alerts.send("https://hooks.example/abc", alert, refuse)
    assert not alerts.send(None, alert)


def test_an_alert_is_posted_as_json() -> None:
    seen: dict[str, object] = {}

    def take(url: str, *, json: dict[str, object], timeout: float) -> httpx.Response:
        seen.update(json)
        return httpx.Response(200, request=httpx.Request("POST", url))

    assert alerts.send("https://hooks.example/abc", alerts.failure("everything", "r1", "x", []), take)
    assert seen["run_id"] == "r1"
