"""What comes outside the conversation webhooks: objective and guardrail callbacks, signed tool deliveries."""

import hashlib
import hmac
import uuid
from collections import Counter
from datetime import timedelta
from random import Random

import orjson

from integrations.engine.simulator.session import Played
from integrations.engine.simulator.wire import Event, Json

NAMESPACE = uuid.UUID("6f1d0a52-8f0e-5c7b-9a38-3a6f0c2be7a1")


def objectives(rng: Random, played: Played, tally: Counter[str]) -> list[Event]:
    """Completed objectives, each in one of the two shapes; neither carries a time."""
    found = []
    for name, at_s, variables in played.objectives:
        body: Json = {"conversation_id": played.slot.engine_session_id}
        if rng.random() < 0.5:
            body |= {"objective_name": name, "output_variables": variables}
            tally["objectives_documented_shape"] += 1
        else:
            body |= {
                "event_type": "conversation.objective.completed",
                "message_type": "conversation",
                "properties": {"objective_name": name, "output_variables": variables},
            }
            tally["objectives_observed_shape"] += 1
        tally["not_found_variables"] += sum(value == "NOTFOUND" for value in variables.values())
        found.append(_stamped(rng, played, "objective", at_s, body))
    return found


def guardrail_uuid(name: str) -> str:
    """The engine's id of a guardrail: one per name, whatever the session."""
    return str(uuid.uuid5(NAMESPACE, name))


def guardrails(rng: Random, played: Played, tally: Counter[str]) -> list[Event]:
    """Triggers: name and id; no time, no reason."""
    found = []
    for name, at_s, _ in played.guardrails:
        tally["guardrail_callbacks"] += 1
        body: Json = {
            "conversation_id": played.slot.engine_session_id,
            "properties": {"guardrail": name, "guardrail_uuid": guardrail_uuid(name)},
        }
        found.append(_stamped(rng, played, "guardrail", at_s, body))
    return found


def tools(rng: Random, played: Played, tally: Counter[str], secret: str) -> list[Event]:
    """Tool calls delivered by API, signed over the raw body: an escalation after a crossed line."""
    found = []
    for number, (name, at_s, _) in enumerate(played.guardrails):
        if rng.random() < 0.5:
            continue
        tally["tool_deliveries"] += 1
        body = orjson.dumps(
            {
                "conversation_id": played.slot.engine_session_id,
                "event_type": "conversation.tool_call",
                "message_type": "conversation",
                "timestamp": round((played.first_word_at + timedelta(seconds=at_s + 0.8)).timestamp(), 3),
                "properties": {
                    "name": "escalate_to_human",
                    "arguments": orjson.dumps({"reason": name}).decode(),
                    "tool_call_id": f"tc{number + 1}",
                },
            }
        ).decode()
        event = _stamped(rng, played, "tool", at_s + 0.8, body)
        event.headers = {"X-Tavus-Signature": hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()}
        found.append(event)
    return found


def _stamped(rng: Random, played: Played, channel: str, at_s: float, body: Json | str) -> Event:
    at = played.first_word_at + timedelta(seconds=at_s)
    return Event(channel, at, at + timedelta(seconds=0.5 + rng.random()), body)
