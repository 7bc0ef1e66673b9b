"""What /docs shows: an example of every body the gateway takes, and of every answer it gives."""

from typing import Any

from integrations.engine.refusals import REMEDIES, Refusal

SHUTDOWN = {
    "event_type": "system.shutdown",
    "message_type": "system",
    "conversation_id": "c0a11ce",
    "webhook_url": "https://gateway.example/v1/engine/webhook",
    "timestamp": "2026-11-02T09:12:30Z",
    "properties": {"replica_id": "r1", "shutdown_reason": "participant_left_timeout"},
}
TRANSCRIPT = {
    "event_type": "application.transcription_ready",
    "message_type": "application",
    "conversation_id": "c0a11ce",
    "timestamp": "2026-11-02T09:12:31Z",
    "properties": {
        "replica_id": "r1",
        "transcript": [
            {"role": "assistant", "content": "You wanted to talk?", "seconds_from_start": 0.0, "duration": 1.9},
            {"role": "user", "content": "Yes, about the release.", "seconds_from_start": 4.2, "duration": 2.6},
        ],
    },
}
SCORES = {
    "event_type": "application.post_call_action_executed",
    "message_type": "application",
    "conversation_id": "c0a11ce",
    "timestamp": "2026-11-02T09:15:02Z",
    "properties": {
        "tool_id": "t9",
        "tool_name": "submit_rubric",
        "status": "success",
        "request": {"url": "https://scores.example/", "method": "POST", "body": '{"overall": 72, "empathy": 3}'},
        "response": {"http_status": 200, "body": "ok"},
    },
}
OBJECTIVE = {
    "conversation_id": "c0a11ce",
    "objective_name": "acknowledge_impact",
    "output_variables": {"impact_named": "missed release"},
}
GUARDRAIL = {
    "conversation_id": "c0a11ce",
    "properties": {"guardrail": "no_guarantee_of_returns", "guardrail_uuid": "g12ab"},
}
TOOL = {
    "conversation_id": "c0a11ce",
    "event_type": "conversation.tool_call",
    "message_type": "conversation",
    "properties": {"name": "escalate_to_human", "arguments": '{"reason": "asked twice"}', "tool_call_id": "tc1"},
}
STOPPED_SPEAKING = {
    "message_type": "conversation",
    "event_type": "conversation.stopped_speaking",
    "conversation_id": "c0a11ce",
    "timestamp": 1793610013.02,
    "seq": 118,
    "turn_idx": 0,
    "inference_id": "inf_7",
    "properties": {"role": "user", "duration": 2.61, "interrupted": False},
}
UTTERANCE = {
    "message_type": "conversation",
    "event_type": "conversation.utterance",
    "conversation_id": "c0a11ce",
    "timestamp": 1793610013.4,
    "seq": 119,
    "inference_id": "inf_7",
    "properties": {"role": "user", "speech": "Yes, about the release."},
}
LAUNCH = {
    "conversation_id": "c0a11ce",
    "tenant": "acme",
    "learner_id": "e1042",
    "scenario_id": "feedback-1",
    "scenario_version": "3",
    "attempt": 2,
    "assigned": True,
    "region": "EMEA",
    "jurisdiction": "DE",
    "language": "en",
    "notice_ref": "n-9",
}

BODIES: dict[str, dict[str, Any]] = {
    "webhook": {"shutdown": SHUTDOWN, "transcript": TRANSCRIPT, "rubric scores": SCORES},
    "objective": {
        "documented": OBJECTIVE,
        "observed": {
            "conversation_id": "c0a11ce",
            "event_type": "conversation.objective.completed",
            "message_type": "conversation",
            "properties": {key: OBJECTIVE[key] for key in ("objective_name", "output_variables")},
        },
    },
    "guardrail": {"callback": GUARDRAIL},
    "tool": {"escalation": TOOL},
    "relay": {"one event": STOPPED_SPEAKING, "several": [STOPPED_SPEAKING, UTTERANCE]},
    "launches": {"one": LAUNCH, "several": [LAUNCH, LAUNCH | {"conversation_id": "c0a11cf", "attempt": 3}]},
}

TAKEN = {"accepted": 1, "repeated": 0, "refused": 0}
RECORDED = {
    "recorded": {"new": 1, "changed": 0, "same": 0},
    "launches": [
        {
            "conversation_id": "c0a11ce",
            "session_id": "cvi:c0a11ce",
            "callback_url": "/v1/engine/webhook?t=c.WyJhY21lIiwiY3ZpOmMwYTExY2UiXQ.…",
            "relay_url": "/v1/engine/relay?t=c.WyJhY21lIiwiY3ZpOmMwYTExY2UiXQ.…",
        }
    ],
}


def request_body(kind: str) -> dict[str, Any]:
    """The OpenAPI part of one route: its examples and how it is authorised."""
    content: dict[str, Any] = {
        "application/json": {
            "schema": {"type": "object"},
            "examples": {name: {"value": value} for name, value in BODIES[kind].items()},
        }
    }
    if kind == "relay":
        content["application/x-ndjson"] = {"schema": {"type": "string"}}
    ways: list[dict[str, list[str]]] = [{"token": []}, {"bearer": []}]
    if kind == "tool":
        ways.append({"signature": []})
    return {"requestBody": {"required": True, "content": content}, "security": ways}


def _refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """One documented answer a status, with the rules behind it."""
    answers: dict[int | str, dict[str, Any]] = {}
    for status in statuses:
        rules = [rule for rule, (code, _) in REMEDIES.items() if code == status]
        examples = {rule: {"value": Refusal(rule, "what exactly is wrong").line} for rule in rules}
        answers[status] = {
            "description": ", ".join(rules),
            "content": {"application/json": {"examples": examples}},
        }
    return answers


def _answers(success: dict[str, Any], meaning: str) -> dict[int | str, dict[str, Any]]:
    good = {"description": meaning, "content": {"application/json": {"example": success}}}
    return {200: good, **_refusals(400, 401, 403, 404, 408, 413, 422, 503)}


DELIVERY_ANSWERS = _answers(TAKEN, "Durable: stored now, or stored before")
LAUNCH_ANSWERS = _answers(RECORDED, "Recorded; each launch with its own addresses")
SECURITY_SCHEMES = {
    "token": {"type": "apiKey", "in": "query", "name": "t", "description": "Tenant's or conversation's token"},
    "bearer": {"type": "http", "scheme": "bearer"},
    "signature": {"type": "apiKey", "in": "header", "name": "X-Tavus-Signature"},
}
