"""In-call events as the client application relays them: one JSON object a line, never sent to a callback."""

from collections import Counter
from datetime import timedelta
from random import Random
from typing import Any

import orjson

from integrations.engine.simulator.callbacks import guardrail_uuid
from integrations.engine.simulator.dialogue import LEARNER, Turn
from integrations.engine.simulator.session import Played
from integrations.engine.simulator.wire import Json

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="


class Relay:
    """Collects the events of one session with their global sequence number."""

    def __init__(self, rng: Random, played: Played, tally: Counter[str]) -> None:
        self.rng, self.played, self.tally = rng, played, tally
        self.timed: list[tuple[float, int, Json]] = []
        self.turn_idx = 0

    def put(self, at_s: float, event_type: str, properties: Json | None = None, **extra: Any) -> None:
        """One event at an offset from the first word."""
        body: Json = {
            "message_type": "conversation",
            "event_type": event_type,
            "conversation_id": self.played.slot.engine_session_id,
            "timestamp": round((self.played.first_word_at + timedelta(seconds=at_s)).timestamp(), 3),
            "turn_idx": self.turn_idx,
            **extra,
        }
        if properties is not None:
            body["properties"] = properties
        self.timed.append((at_s, len(self.timed), body))
        self.tally[f"relay:{event_type}"] += 1

    def lines(self) -> list[bytes]:
        """Every event of the call as JSON lines, in sequence but for a few that overtook each other."""
        self.put(-2.0, "conversation.joined", {})
        for ordinal, turn in enumerate(self.played.turns):
            self._turn(ordinal, turn)
        self._steps()
        end = max(turn.start_s + turn.duration_s for turn in self.played.turns)
        self.put(end + 1.0, "conversation.left", {})
        found = [body | {"seq": seq} for seq, (_, _, body) in enumerate(sorted(self.timed, key=lambda item: item[:2]))]
        for index in range(1, len(found)):
            if self.rng.random() < 0.02:
                self.tally["relay_out_of_order"] += 1
                found[index - 1], found[index] = found[index], found[index - 1]
        return [orjson.dumps(body) for body in found]

    def _turn(self, ordinal: int, turn: Turn) -> None:
        user = turn.speaker == LEARNER
        role, legacy = ("user", "user") if user else ("pal", "replica")
        inference = {"inference_id": f"inf_{ordinal}" if not user else f"spec_{ordinal}"}
        end = turn.start_s + turn.duration_s
        self.turn_idx += user
        self.put(turn.start_s, "conversation.started_speaking", {"role": role}, **inference)
        self.put(turn.start_s, f"conversation.{legacy}.started_speaking", {}, **inference)
        stopped: Json = {"role": role, "duration": turn.duration_s, "interrupted": turn.interrupted}
        if self.rng.random() < 0.03:
            stopped["duration"] = None
        self.put(end, "conversation.stopped_speaking", stopped, **inference)
        self.put(end, f"conversation.{legacy}.stopped_speaking", {"interrupted": turn.interrupted}, **inference)
        for name in ("user",) if user else ("pal", "replica"):
            self._utterance(ordinal, turn, name)
        if not user and self.rng.random() < 0.1:
            self._streaming(ordinal, turn)
        if user and self.rng.random() < 0.02:
            self._perception_tool(end)
        if user and ordinal == 1 and self.rng.random() < 0.2:
            self.put(end + 0.1, "conversation.respond", {"text": "(typed) One moment, my microphone was off."})

    def _utterance(self, ordinal: int, turn: Turn, role: str) -> None:
        properties: Json = {"role": role, "speech": turn.text, "interrupted": turn.interrupted}
        if role == "user":
            properties["user_audio_analysis"] = self.rng.choice(
                ("Hesitant at first, then firm.", "Even pace, warm tone.")
            )
            properties["user_visual_analysis"] = "Looks at the screen most of the time."
        self.put(turn.start_s + turn.duration_s, "conversation.utterance", properties, inference_id=f"inf_{ordinal}")

    def _streaming(self, ordinal: int, turn: Turn) -> None:
        for index, share in enumerate((0.5, 1.0)):
            self.put(
                turn.start_s + turn.duration_s * share,
                "conversation.utterance.streaming",
                {
                    "role": "pal",
                    "speech": turn.text[: int(len(turn.text) * share)],
                    "content_index": index,
                    "final": share == 1.0,
                    "is_interrupted": turn.interrupted and share == 1.0,
                },
                inference_id=f"inf_{ordinal}",
            )

    def _perception_tool(self, at_s: float) -> None:
        vision = self.rng.random() < 0.5
        arguments = {"item": "headset"}
        properties: Json = {
            "modality": "vision" if vision else "audio",
            "name": "notice_equipment" if vision else "notice_background_noise",
            "arguments": arguments if vision else orjson.dumps(arguments).decode(),
        }
        if vision:
            properties["frames"] = [{"data": PIXEL, "mime_type": "image/png"}]
        self.put(at_s, "conversation.perception_tool_call", properties)

    def _steps(self) -> None:
        """Objectives as they open and close, lines crossed with their reason, the analysis at the end."""
        before = 0.5
        for name, at_s, variables in self.played.objectives:
            top_level = self.rng.random() < 0.2
            self._objective(before, "activated", name, None, top_level)
            self._objective(at_s - 0.5, "pending", name, variables, top_level)
            self._objective(at_s, "completed", name, variables, top_level)
            before = at_s + 0.1
        for number, (name, at_s, words) in enumerate(self.played.guardrails):
            reason = f"The participant said: {words[:90]}"
            properties = {"guardrail": name, "guardrail_uuid": guardrail_uuid(name), "reason": reason}
            self.put(at_s, "conversation.guardrail_triggered", properties)
            call = {"name": "escalate_to_human", "arguments": orjson.dumps({"reason": name}).decode()}
            self.put(at_s + 0.8, "conversation.tool_call", call | {"tool_call_id": f"tc{number + 1}"})
            answer = {"tool_call_id": f"tc{number + 1}", "output": "noted", "status": "success"}
            self.put(at_s + 1.4, "conversation.tool_result", answer)

    def _objective(self, at_s: float, state: str, name: str, variables: Json | None, top_level: bool) -> None:
        fields: Json = {"objective_name": name}
        if variables is not None:
            fields["output_variables"] = variables
        event_type = f"conversation.objective.{state}"
        if top_level:
            self.put(at_s, event_type, None, **fields)
        else:
            self.put(at_s, event_type, fields)
