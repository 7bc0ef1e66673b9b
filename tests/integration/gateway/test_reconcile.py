"""The reconciling pull against both databases: lost callbacks come back, twins do not count twice."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from governance import secrets
from governance.gate import SignalPolicy
from governance.identities import Identities
from governance.inbox import Inbox
from governance.launches import Launch, Launches
from governance.settings import PROJECT, Settings
from governance.state import State
from integrations.engine import delivery, examples, pull
from pipelines.reconcile import Reconciled, complete, reconcile

ENDED = datetime(2026, 11, 2, 9, 12, 30, tzinfo=UTC)
LATER = ENDED + timedelta(minutes=16)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, config=PROJECT / "config", reconcile_after_s=900)


class Engine:
    """GET /v2/conversations/{id} of the engine, as far as these tests need it."""

    def __init__(self, rows: dict[str, dict[str, Any]], status: int = 200) -> None:
        self.rows = rows
        self.status = status
        self.asked: list[str] = []

    def client(self) -> pull.PullClient:
        return pull.PullClient("http://engine", "key", httpx.MockTransport(self._answer), sleep=lambda _: None)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        name = request.url.path.rsplit("/", 1)[1]
        self.asked.append(name)
        if self.status != 200:
            return httpx.Response(self.status, json={"message": "no"})
        row = self.rows.get(name)
        return httpx.Response(404, json={"error": "none"}) if row is None else httpx.Response(200, json=row)


def conversation(*events: dict[str, Any]) -> dict[str, Any]:
    return {
        "conversation_id": "c0a11ce",
        "status": "ended",
        "created_at": "2026-11-02T09:00:00Z",
        "updated_at": "2026-11-02T09:14:21Z",
        "events": [{key: value for key, value in event.items() if key != "conversation_id"} for event in events],
    }


def deliver(settings: Settings, state: State, event: dict[str, Any], at: datetime = ENDED) -> None:
    policy = SignalPolicy.load(settings.config / "policy.yaml")
    Inbox(state).accept(delivery.prepare(json.dumps(event), "webhook", at, "acme", None, policy))


ANALYSIS = {
    "event_type": "application.perception_analysis",
    "conversation_id": "c0a11ce",
    "timestamp": "2026-11-02T09:15:40Z",
    "properties": {"analysis": "**Gaze:** away."},
}


def test_what_the_webhooks_lost_is_pulled_and_what_they_brought_is_a_repeat(settings: Settings, state: State) -> None:
    deliver(settings, state, examples.SHUTDOWN)
    pulled_shutdown = examples.SHUTDOWN | {"properties": {"reason": "participant_left_timeout"}}
    engine = Engine({"c0a11ce": conversation(pulled_shutdown, examples.TRANSCRIPT, ANALYSIS, examples.SCORES)})
    assert reconcile(settings, state, engine.client(), ENDED + timedelta(minutes=14)) == Reconciled()
    assert reconcile(settings, state, engine.client(), LATER) == Reconciled(complete=1, new=4, repeated=1)
    types = [row.event_type for row in Inbox(state).waiting()]
    assert types.count("system.shutdown") == 1
    assert {"conversation", "application.transcription_ready"} <= set(types)
    assert reconcile(settings, state, engine.client(), LATER + timedelta(days=2)) == Reconciled()
    assert engine.asked == ["c0a11ce"]


def test_biometric_text_is_dropped_from_a_pull_as_well(settings: Settings, state: State) -> None:
    deliver(settings, state, examples.SHUTDOWN)
    engine = Engine({"c0a11ce": conversation(examples.SHUTDOWN, ANALYSIS)})
    reconcile(settings, state, engine.client(), LATER)
    assert not [row.body for row in Inbox(state).waiting() if "Gaze" in (row.body or "")]


def test_a_session_with_all_parts_is_not_asked_about(settings: Settings, state: State) -> None:
    for event in (examples.SHUTDOWN, examples.TRANSCRIPT, ANALYSIS, examples.SCORES):
        deliver(settings, state, event)
    engine = Engine({})
    assert reconcile(settings, state, engine.client(), LATER) == Reconciled()
    assert engine.asked == []


def test_a_launch_whose_callbacks_never_came_is_pulled(settings: Settings, state: State) -> None:
    launches = Launches(state, Identities(state, secrets.secret_key(settings)))
    launches.record([Launch(tenant="acme", conversation_id="c0a11ce", launched_at=ENDED)], ENDED)
    engine = Engine({"c0a11ce": conversation(examples.SHUTDOWN, examples.TRANSCRIPT, ANALYSIS, examples.SCORES)})
    assert reconcile(settings, state, engine.client(), ENDED + timedelta(hours=1)) == Reconciled()
    assert reconcile(settings, state, engine.client(), ENDED + timedelta(hours=7)).complete == 1


def test_a_session_that_stays_partial_is_asked_less_and_less_often_then_left(settings: Settings, state: State) -> None:
    deliver(settings, state, examples.SHUTDOWN)
    engine = Engine({"c0a11ce": conversation(examples.SHUTDOWN)})
    for hours in range(1, 24 * 40, 12):
        reconcile(settings, state, engine.client(), ENDED + timedelta(hours=hours))
    assert 3 <= len(engine.asked) <= 20


def test_a_conversation_that_the_engine_does_not_have_is_gone(settings: Settings, state: State) -> None:
    deliver(settings, state, examples.SHUTDOWN)
    engine = Engine({})
    assert reconcile(settings, state, engine.client(), LATER) == Reconciled(gone=1)
    assert reconcile(settings, state, engine.client(), LATER + timedelta(days=1)) == Reconciled()


def test_an_engine_that_is_down_is_tried_again(settings: Settings, state: State) -> None:
    deliver(settings, state, examples.SHUTDOWN)
    down = Engine({}, status=503)
    assert reconcile(settings, state, down.client(), LATER) == Reconciled(failed=1)
    up = Engine({"c0a11ce": conversation(examples.SHUTDOWN, examples.TRANSCRIPT, ANALYSIS, examples.SCORES)})
    assert reconcile(settings, state, up.client(), LATER + timedelta(hours=2)).complete == 1


def test_a_wrong_key_stops_the_run(settings: Settings, state: State) -> None:
    deliver(settings, state, examples.SHUTDOWN)
    with pytest.raises(pull.PullRefusedError, match="ROLECALL_ENGINE_KEY"):
        reconcile(settings, state, Engine({}, status=401).client(), LATER)


def test_a_bad_event_does_not_keep_the_good_ones_out(settings: Settings, state: State) -> None:
    deliver(settings, state, examples.SHUTDOWN)
    naive = examples.SCORES | {"timestamp": "2026-11-02T09:15:02"}
    engine = Engine({"c0a11ce": conversation(examples.SHUTDOWN, naive, examples.TRANSCRIPT)})
    found = reconcile(settings, state, engine.client(), LATER)
    assert (found.partial, found.refused, found.new) == (1, 1, 2)


def test_complete() -> None:
    assert not complete(frozenset({"system.shutdown"}))
    seen = {"system.shutdown", "application.transcription_ready", "application.post_call_action_executed"}
    assert not complete(frozenset(seen))
    assert complete(frozenset(seen | {"application.perception_unavailable"}))
