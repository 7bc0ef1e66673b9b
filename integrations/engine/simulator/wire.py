"""A played session in the engine's own words: conversation webhooks, old and new naming, and the verbose row."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

import orjson

from integrations.engine.simulator.dialogue import LEARNER
from integrations.engine.simulator.phrases import NAMES
from integrations.engine.simulator.session import Played, iso
from integrations.engine.simulator.settings import Uglies

Json = dict[str, Any]
WEBHOOK = "https://gateway.acme.example/v1/engine/webhook"
BUCKET = "acme-eu-rec"


@dataclass
class Event:
    """One delivery: channel, when the engine made it, when we get it, its body, the signature header if any."""

    channel: str
    at: datetime
    received_at: datetime
    body: Json | str
    headers: dict[str, str] | None = None
    essential: bool = False  # without it the session could not be told apart from one that never began


@dataclass(frozen=True)
class Recording:
    """A recording as the engine announces it; ``uri`` of a file that exists where one was rendered."""

    started_at: datetime
    duration_s: float
    uri: str | None = None


class Wire:
    """Writes one session; the choice of naming holds for the whole session, as it does for a real account."""

    def __init__(
        self, rng: Random, played: Played, uglies: Uglies, tally: Counter[str], film: Recording | None
    ) -> None:
        self.rng, self.played, self.uglies, self.tally, self.film = rng, played, uglies, tally, film
        self.new = rng.random() < uglies.new_naming
        self.twins = rng.random() < uglies.twins
        self.slot = played.slot
        engine = self.slot.scenario.engine
        self.face = (engine.face_id if engine else None) or "r-stock-1"
        self.persona = (engine.personas.get(self.slot.language) if engine else None) or "p-stock-1"

    def webhook(self, event_type: str, at: datetime, properties: Json, lag_s: float = 0.4, **extra: Any) -> Event:
        """One conversation webhook."""
        body = {
            "properties": properties,
            "conversation_id": self.slot.engine_session_id,
            "webhook_url": f"{WEBHOOK}?t=redacted",
            "event_type": event_type,
            "message_type": event_type.split(".")[0],
            "timestamp": iso(at, millis=self.rng.random() < 0.5),
        }
        self.tally[f"event:{event_type}"] += 1
        return Event("webhook", at, at + timedelta(seconds=lag_s + self.rng.random()), body, **extra)

    def events(self) -> list[Event]:
        """Every conversation webhook of the session, in the engine's order."""
        played = self.played
        found = [*self._presence(), self._shutdown()]
        if played.spoke:
            found.append(self._transcript())
            found += self._perception()
            found += self._recordings()
            found += self._scores()
            found += self._memory()
        if self.rng.random() < self.uglies.unknown_event:
            self.tally["unknown_events"] += 1
            found.append(self.webhook("application.call_quality_report", played.ended_at, {"packet_loss": 0.012}))
        return found

    def _actor(self) -> Json:
        return {"face_id" if self.new else "replica_id": self.face}

    def _presence(self) -> list[Event]:
        if self.played.slot.ending == "technical_failure":
            return []
        at = self.played.joined_at
        old, new = ("system.replica_joined", {"replica_id": self.face}), ("system.pal_joined", {"face_id": self.face})
        names = [new if self.new else old]
        if self.twins:
            self.tally["twins"] += 1
            names.append(old if self.new else new)
        found = [self.webhook(name, at, properties) for name, properties in names]
        if self.rng.random() < self.uglies.heartbeats:
            found += [
                self.webhook("system.replica_present", at + timedelta(seconds=step), self._actor())
                for step in range(20, int((self.played.ended_at - at).total_seconds()), 60)
            ]
        return found

    def _shutdown(self) -> Event:
        key = "reason" if self.rng.random() < 0.1 else "shutdown_reason"
        properties = self._actor() | {key: self.played.reason}
        return self.webhook("system.shutdown", self.played.ended_at, properties, essential=True)

    def _transcript(self) -> Event:
        at = self.played.ended_at + timedelta(seconds=self.rng.uniform(1, 6))
        properties = self._actor() | {"transcript": self.transcript()}
        return self.webhook("application.transcription_ready", at, properties)

    def transcript(self) -> list[Json]:
        """Transcript entries: roles, times as epoch or ISO or none at all, prompts and tools in between."""
        timed = self.rng.random() >= self.uglies.no_timing
        as_iso = self.rng.random() < self.uglies.iso_times
        self.tally["transcripts_without_timing" if not timed else "iso_times" if as_iso else "epoch_times"] += 1
        entries: list[Json] = []
        if self.rng.random() < self.uglies.system_turns:
            self.tally["system_turns"] += 1
            entries.append({"role": "system", "content": self._prompt()})
        legacy = self.rng.random() < self.uglies.legacy_speech
        self.tally["legacy_speech"] += legacy
        for ordinal, turn in enumerate(self.played.turns):
            entry: Json = {"role": "user" if turn.speaker == LEARNER else "assistant", "content": turn.text}
            if legacy and turn.speaker == LEARNER:
                entry["content"] = f"USER_SPEECH: {turn.text} VISUAL_SCENE: A person at a desk looks at the screen."
            if timed:
                at = self.played.first_word_at + timedelta(seconds=turn.start_s)
                entry["timestamp"] = iso(at, millis=True) if as_iso else round(at.timestamp(), 3)
                entry["seconds_from_start"] = turn.start_s
                entry["duration"] = turn.duration_s
            if turn.speaker != LEARNER:
                entry["inference_id"] = f"inf_{ordinal}"
            entries.append(entry)
        if self.rng.random() < self.uglies.tool_turns:
            self.tally["tool_turns"] += 1
            entries[3:3] = [
                {"role": "assistant", "content": "", "tool_calls": [
                    {"id": "tc1", "function": {"name": "grep_transcripts", "arguments": '{"query": "last session"}'}}]},
                {"role": "tool", "tool_call_id": "tc1", "content": "No earlier session found."},
            ]  # fmt: skip
        return entries

    def _prompt(self) -> str:
        counterpart = self.slot.scenario.counterpart
        text = f"You are {counterpart.name}, {counterpart.role}. {counterpart.background} {counterpart.hidden}"
        if self.rng.random() < 0.3:
            self.tally["knowledge_passages"] += 1
            text = f"Information from documents: {self.slot.scenario.brief}"
        return text

    def _perception(self) -> list[Event]:
        at = self.played.ended_at + timedelta(seconds=180)
        if self.rng.random() < self.uglies.perception:
            self.tally["perception"] += 1
            analysis = (
                "**Gaze toward screen:** about 70% of the time.\n\n**Composure:** slightly nervous in the first minute."
                "\n\n**More than one person:** none seen."
            )
            return [self.webhook("application.perception_analysis", at, {"analysis": analysis})]
        if self.rng.random() < self.uglies.perception_unavailable:
            return [self.webhook("application.perception_unavailable", at, {"reason": "no_vision_history"})]
        return []

    def _recordings(self) -> list[Event]:
        if self.film is None and self.rng.random() >= self.uglies.recording:
            return []
        length = max(turn.start_s + turn.duration_s for turn in self.played.turns) + 3
        recordings = [self.film or Recording(self.played.joined_at, round(length))]
        if self.film is None and self.rng.random() < self.uglies.two_recordings:
            self.tally["two_recordings"] += 1
            half = timedelta(seconds=length / 2)
            recordings = [
                Recording(self.played.joined_at, round(length / 2)),
                Recording(self.played.joined_at + half, round(length / 2)),
            ]
        return [self._recording(number, recording) for number, recording in enumerate(recordings)]

    def _recording(self, number: int, recording: Recording) -> Event:
        at = self.played.ended_at + timedelta(seconds=250 + 5 * number)
        key = f"tavus/{self.slot.engine_session_id}/{int(recording.started_at.timestamp() * 1000)}"
        where: Json = {"s3_key": key, "duration": recording.duration_s, "storage_provider": "s3"}
        if recording.uri:
            return self.webhook(
                "application.recording_ready", at, {"bucket_name": BUCKET, **where, "storage_uri": recording.uri}
            )
        if self.rng.random() < self.uglies.copy_failed:
            self.tally["copy_failed"] += 1
            why = {"error_code": "DESTINATION_AUTH_FAILED", "error_message": "The role could not be assumed."}
            return self.webhook(
                "application.recording_copy_failed", at, {"recording_id": f"rec-{number}", **where, **why}
            )
        if self.rng.random() < self.uglies.old_recording:
            self.tally["old_recording_shape"] += 1
            del where["storage_provider"]
            return self.webhook("application.recording_ready", at, {"bucket_name": BUCKET, **where})
        return self.webhook(
            "application.recording_ready", at, {"bucket_name": BUCKET, **where, "storage_uri": f"s3://{BUCKET}/{key}"}
        )

    def _scores(self) -> list[Event]:
        if self.slot.rubric.post_call is None or (self.slot.ending == "learner_left" and self.rng.random() < 0.5):
            return []
        found = [self._post_call(125 + 25 * self.rng.random(), shift=0)]
        if self.rng.random() < self.uglies.rescored:
            self.tally["rescored"] += 1
            found.append(self._post_call(3600 * self.rng.uniform(2, 40), shift=1))
        return found

    def _post_call(self, delay_s: float, shift: int) -> Event:
        body = self._report(shift)
        pick = self.rng.random()
        wire_body: Json | str = body
        if pick < self.uglies.nested_body:
            self.tally["nested_bodies"] += 1
            wire_body = orjson.dumps(
                body | {"highlights_json": orjson.dumps(body["highlights_json"]).decode()}
            ).decode()
        elif pick < self.uglies.nested_body + self.uglies.string_body:
            self.tally["string_bodies"] += 1
            wire_body = orjson.dumps(body).decode()
        failed = self.rng.random() < self.uglies.post_call_error
        self.tally["post_call_errors"] += failed
        at = self.played.ended_at + timedelta(seconds=delay_s)
        post_call = self.slot.rubric.post_call
        tool = post_call.tool if post_call else ""
        return self.webhook(
            "application.post_call_action_executed",
            at,
            {
                "tool_id": self.slot.scorer.version,  # the engine gives a changed tool a new id
                "tool_name": tool,
                "status": "error" if failed else "success",
                "request": {"url": "https://scores.acme.example/rubric", "method": "POST", "body": wire_body},
                "response": {"http_status": 503, "body": "busy"} if failed else {"http_status": 200, "body": "ok"},
            },
        )

    def _report(self, shift: int) -> Json:
        """The fields that the customer defined for the tool, filled in by the scorer."""
        post_call, rubric = self.slot.rubric.post_call, self.slot.rubric
        assert post_call is not None  # noqa: S101 - the caller asked
        criteria = {item.id: item for item in rubric.criteria}
        body: Json = {}
        for name, criterion in post_call.fields.items():
            score, item = self.played.scores.get(criterion), criteria[criterion]
            body[name] = None if score is None else min(score + shift, int(item.max))
        if self.rng.random() < self.uglies.out_of_range:
            self.tally["out_of_range"] += 1
            name = next(iter(post_call.fields))
            body[name] = criteria[post_call.fields[name]].max + 4
        if self.rng.random() < self.uglies.unknown_criterion:
            self.tally["unknown_criteria"] += 1
            body["charisma"] = 4
        for name, criterion in post_call.comments.items():
            score = self.played.scores.get(criterion)
            if score is not None:
                body[name] = criteria[criterion].levels[score]
        if post_call.scorer_version:
            body[post_call.scorer_version] = self.slot.scorer.version
        if post_call.overall:
            body[post_call.overall] = round(100 * _overall(self.played, criteria))
        body[post_call.evidence or "highlights_json"] = self._highlights()
        return body

    def _highlights(self) -> list[Json]:
        """Evidence the way the vendor's sample writes it: minute:second and a quote."""
        found = []
        for criterion, ordinals in self.played.evidence.items():
            turn = self.played.turns[ordinals[0]]
            seconds = int(turn.start_s)
            stamp = f"{seconds // 60:02d}:{seconds % 60:02d}"
            found.append({"criterion": criterion, "timestamp": stamp, "quote": turn.text[:160]})
        return found

    def _memory(self) -> list[Event]:
        if self.rng.random() >= self.uglies.memory:
            return []
        self.tally["memory_events"] += 1
        at = self.played.ended_at + timedelta(seconds=300)
        return [
            self.webhook("application.memory_consolidation", at, {"memory_store": f"rp_{self.slot.scenario.id}"}),
            self.webhook("application.raven_memory_evidence", at, {"analysis": "Wore headphones again."}),
        ]

    def row(self, events: list[Event]) -> Json:
        """The verbose ``GET /v2/conversations/{id}``; guardrail triggers are not replayed there."""
        names = ("face_id", "pal_id") if self.new else ("replica_id", "persona_id")
        return {
            "conversation_id": self.slot.engine_session_id,
            "conversation_name": f"{self.slot.scenario.title} v{self.slot.scenario.version}",
            "status": "ended",
            "callback_url": f"{WEBHOOK}?t=redacted",
            "conversation_url": f"https://tavus.daily.co/{self.slot.engine_session_id}",
            names[0]: self.face,
            names[1]: self.persona,
            "test_mode": self.slot.is_test,
            "properties": {"language": NAMES[self.slot.language], "enable_recording": True, "max_call_duration": 1200},
            "created_at": iso(self.slot.at),
            "updated_at": iso(max((event.at for event in events), default=self.slot.at) + timedelta(seconds=2)),
            "events": [replayed(event.body) for event in events if isinstance(event.body, dict)] or None,
        }


def replayed(body: Json) -> Json:
    """An event as the verbose row repeats it: no envelope, and another name for the shutdown reason."""
    properties = dict(body["properties"])
    if "shutdown_reason" in properties:
        properties["reason"] = properties.pop("shutdown_reason")
    return {"event_type": body["event_type"], "timestamp": body["timestamp"], "properties": properties}


def _overall(played: Played, criteria: Json) -> float:
    """Weighted mean of the scaled scores that there are."""
    known = [(criteria[name], score) for name, score in played.scores.items() if score is not None]
    weight = sum(item.weight for item, _ in known)
    return (
        sum(item.weight * (score - item.min) / (item.max - item.min) for item, score in known) / weight
        if weight
        else 0.0
    )
