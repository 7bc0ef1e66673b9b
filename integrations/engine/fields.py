"""Allow-list of the engine's fields: the signal class of every field of every delivery shape and of bundles.

A field without a class is unknown and does not pass. ``perception`` passes only where the policy allows
it. ``confidential`` (prompts, tokens, addresses, memory tags, which may be names) and ``image`` never
pass, since no policy lists them; they have a class so that they are counted as what they are.
"""

from collections.abc import Mapping
from typing import Any

from governance.gate import By, Each, FieldClasses, Free
from integrations.engine import vocabulary as v

IDENTITY = "identity"
OPERATIONAL = "operational"
SPEECH = "speech_text"
TIMING = "timing"
SCORE = "score"
PERCEPTION = "perception"
CONFIDENTIAL = "confidential"
IMAGE = "image"

# Where a reader puts what it found hidden in other text; see hidden.py.
NOTES = "hidden_perception"
IMAGES = "hidden_images"
FOUND = {NOTES: Each(PERCEPTION), IMAGES: Each(IMAGE)}

Tree = Mapping[str, Any]


def _all(signal: str, *names: str) -> dict[str, Any]:
    return dict.fromkeys(names, signal)


ENVELOPE: Tree = {
    **_all(IDENTITY, "conversation_id"),
    **_all(OPERATIONAL, "event_type", "message_type", "inference_id", "test_mode"),
    **_all(TIMING, "timestamp", "seq", "turn_idx"),
    **_all(CONFIDENTIAL, "webhook_url", "callback_url"),
    **FOUND,
}
FACES = _all(OPERATIONAL, "replica_id", "face_id", "persona_id", "pal_id")
RAVEN = _all(PERCEPTION, "user_audio_analysis", "user_visual_analysis", "visual_context")

# Arguments stay out here: a perception tool's call may be among them, and nothing tells it apart.
_CALLED = _all(OPERATIONAL, "id", "type", "name") | _all(CONFIDENTIAL, "arguments")
TOOL_CALLS = Each({**_CALLED, "function": _CALLED})
ENTRY: Tree = {
    **_all(OPERATIONAL, "role", "inference_id", "tool_call_id", "passages"),
    **_all(SPEECH, "content"),
    **_all(TIMING, "timestamp", "seconds_from_start", "duration", "interrupted"),
    **_all(CONFIDENTIAL, "confidential"),
    "documents": Each(OPERATIONAL),
    "tool_calls": TOOL_CALLS,
    **RAVEN,
    **FOUND,
}
RECORDING = _all(
    OPERATIONAL, "recording_id", "bucket_name", "s3_key", "storage_provider", "storage_uri", "bucket_region"
) | _all(TIMING, "duration")
SPEAKING = _all(OPERATIONAL, "role", "inference_id") | _all(TIMING, "duration", "interrupted", "is_interrupted")
UTTERED = _all(OPERATIONAL, "content_index", "final") | _all(SPEECH, "speech") | SPEAKING | RAVEN
ARGUMENTS = Free(SPEECH)
TOOL = {**_all(OPERATIONAL, "name", "tool_name", "tool_call_id", "status", "modality"), "arguments": ARGUMENTS}
OBJECTIVE = {**_all(OPERATIONAL, "objective_name", "modality"), "output_variables": ARGUMENTS}
GUARDRAIL = _all(OPERATIONAL, "guardrail", "guardrail_name", "guardrail_uuid", "modality") | _all(SCORE, "reason")
POST_CALL = {
    **_all(OPERATIONAL, "tool_id", "tool_name", "status"),
    "request": {**_all(OPERATIONAL, "method"), **_all(CONFIDENTIAL, "url", "headers"), "body": Free(SCORE)},
    "response": {**_all(OPERATIONAL, "http_status"), **_all(CONFIDENTIAL, "body")},
}
TURN_TAKING = _all(
    OPERATIONAL, "turn_detection_model", "turn_taking_patience", "replica_interruptibility", "pal_interruptibility",
    "perception_model", "llm_model", "idle_engagement", "voice_isolation", "wake_phrase",
)  # fmt: skip
ROW_PROPERTIES = {
    **_all(OPERATIONAL, "language", "enable_recording", "enable_closed_captions", "apply_greenscreen", "test_mode"),
    **_all(TIMING, "max_call_duration", "participant_left_timeout", "participant_absent_timeout"),
    **_all(CONFIDENTIAL, "recording_storage", "aws_assume_role_arn"),
    **TURN_TAKING,
    "languages": Each(OPERATIONAL),
}
ROW: Tree = {
    **ENVELOPE,
    **FACES,
    **_all(
        OPERATIONAL, "status", "audio_only", "policy", "language", "document_retrieval_strategy", "objectives_id",
        "guardrails_id", "max_participants", "require_auth", "events_seen",
    ),
    **_all(TIMING, "created_at", "updated_at"),
    **_all(
        CONFIDENTIAL, "conversation_name", "conversation_url", "meeting_token", "custom_greeting",
        "conversational_context",
    ),
    **TURN_TAKING,
    **dict.fromkeys(("languages", "document_ids", "document_tags"), Each(OPERATIONAL)),
    **dict.fromkeys(("guardrail_ids", "guardrail_tags"), Each(OPERATIONAL)),
    "memory_stores": Each(CONFIDENTIAL),
    "properties": ROW_PROPERTIES,
}  # fmt: skip


def _event(names: Tree) -> dict[str, Any]:
    """An event's shape; fields sometimes sit at top level instead of under ``properties``."""
    fields = {**FACES, **names}
    return {**ENVELOPE, **fields, "properties": {**fields, **FOUND}}


def _perceived(names: Tree, *but: str) -> dict[str, Any]:
    """The same fields when a camera or microphone is the source: all perception, but for ``but``."""
    return {name: signal if name in but else PERCEPTION for name, signal in names.items()}


PERCEPTION_TOOL = {**_perceived(TOOL, "modality", "tool_call_id"), "arguments": Free(PERCEPTION), "frames": IMAGE}
SHAPES: dict[str, Tree] = {
    v.JOINED: {},
    v.PRESENT: {},
    v.SHUTDOWN: _all(OPERATIONAL, "shutdown_reason", "reason"),
    v.TRANSCRIPT: {"transcript": Each(ENTRY)},
    v.RECORDING: RECORDING,
    v.COPY_FAILED: RECORDING | _all(OPERATIONAL, "error_code", "error_message"),
    v.PERCEPTION: _all(PERCEPTION, "analysis"),
    v.NO_PERCEPTION: _all(OPERATIONAL, "reason", "unavailable_reason", "error_code"),
    v.POST_CALL: POST_CALL,
    v.MEMORY: {},
    v.RAVEN_MEMORY: _all(PERCEPTION, "analysis"),
    v.UTTERANCE: UTTERED,
    v.STREAMING: UTTERED,
    v.STARTED: SPEAKING,
    v.STOPPED: SPEAKING,
    v.TOOL_CALL: TOOL,
    v.TOOL_RESULT: _all(OPERATIONAL, "tool_call_id", "status") | _all(CONFIDENTIAL, "output"),
    v.PERCEPTION_TOOL: PERCEPTION_TOOL,
    **dict.fromkeys((*v.OBJECTIVES, v.OBJECTIVE_CONFIRM), OBJECTIVE),
    v.GUARDRAIL: GUARDRAIL,
    v.ARRIVED: {},
    v.LEFT: {},
    v.RESPOND: _all(SPEECH, "text"),
    v.ECHO: _all(CONFIDENTIAL, "text", "audio"),
    v.INTERRUPT: {},
    v.APPEND_CONTEXT: _all(CONFIDENTIAL, "context"),
    v.OVERWRITE_CONTEXT: _all(CONFIDENTIAL, "context"),
    v.SENSITIVITY: {},
    v.TOOL_DELIVERY: TOOL,
}
# A visual objective or guardrail judges what the camera saw, so its very name may be the finding.
VISUAL_OBJECTIVE = {**_perceived(OBJECTIVE, "modality"), "output_variables": Free(PERCEPTION)}
VISUAL: dict[str, Tree] = {
    **dict.fromkeys((*v.OBJECTIVES, v.OBJECTIVE_CONFIRM), VISUAL_OBJECTIVE),
    v.GUARDRAIL: _perceived(GUARDRAIL, "modality", "guardrail_uuid"),
}

CLASSES: dict[str, FieldClasses] = {
    **{name: FieldClasses(_event(names)) for name, names in SHAPES.items()},
    v.CONVERSATION: FieldClasses(ROW),
}
VISUAL_CLASSES: dict[str, FieldClasses] = {name: FieldClasses(_event(names)) for name, names in VISUAL.items()}
UNKNOWN_CLASSES = FieldClasses(ENVELOPE)  # of an unknown event its envelope is kept, and that it happened


def classes(event_type: str, modality: object = None) -> FieldClasses:
    """The allow-list for one event; ``modality`` is what an objective or guardrail says of itself."""
    if modality not in (None, "", "verbal") and event_type in VISUAL_CLASSES:
        return VISUAL_CLASSES[event_type]
    return CLASSES.get(event_type, UNKNOWN_CLASSES)


LAUNCH = {
    **_all(IDENTITY, "tenant", "learner_id", "learner_key"),
    **_all(
        OPERATIONAL, "scenario_id", "scenario_version", "attempt", "assigned", "region", "jurisdiction", "language",
        "notice_ref",
    ),
}  # fmt: skip
BUNDLE_SIGNAL = {
    **_all(OPERATIONAL, "kind", "name", "state", "alignment"),
    **_all(TIMING, "at_s"),
    **_all(SCORE, "reason"),
    "payload": ARGUMENTS,
}
BUNDLE_CRITERION = {
    **_all(SCORE, "criterion_id", "score", "min", "max", "comment"),
    "evidence_turns": Each(OPERATIONAL),
}
BUNDLE_TREE: Tree = {
    **_all(OPERATIONAL, "format", "engine", "engine_session_id", "end_reason", "is_test", "config_hash"),
    **_all(TIMING, "started_at", "ended_at"),
    "launch": LAUNCH,
    "turns": Each(
        _all(OPERATIONAL, "speaker", "language", "input_mode")
        | _all(SPEECH, "text")
        | _all(TIMING, "start_s", "duration_s", "interrupted")
    ),
    "signals": Each(
        By("kind", {"perception": {**_perceived(BUNDLE_SIGNAL, "kind"), "payload": Free(PERCEPTION)}}, BUNDLE_SIGNAL)
    ),
    "assessments": Each(
        {
            **_all(OPERATIONAL, "rubric_id", "rubric_version"),
            **_all(TIMING, "scored_at"),
            "scorer": _all(OPERATIONAL, "kind", "id", "version"),
            "criteria": Each(BUNDLE_CRITERION),
        }
    ),
    "media": Each(_all(OPERATIONAL, "uri", "kind", "sha256", "status") | _all(TIMING, "started_at", "duration_s")),
}
BUNDLE_CLASSES = FieldClasses(BUNDLE_TREE)
