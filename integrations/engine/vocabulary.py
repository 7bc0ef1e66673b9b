"""The engine's words and ours: event types, roles, end reasons, languages.

The engine renames as it goes (replica → face, persona → PAL) and sends some events under both names.
Everything is folded here, once, into the name that stands first in its documentation.
"""

import re

ENGINE = "cvi"

# Canonical event types.
JOINED = "system.replica_joined"
PRESENT = "system.replica_present"
SHUTDOWN = "system.shutdown"
TRANSCRIPT = "application.transcription_ready"
RECORDING = "application.recording_ready"
COPY_FAILED = "application.recording_copy_failed"
PERCEPTION = "application.perception_analysis"
NO_PERCEPTION = "application.perception_unavailable"
POST_CALL = "application.post_call_action_executed"
MEMORY = "application.memory_consolidation"
RAVEN_MEMORY = "application.raven_memory_evidence"
UTTERANCE = "conversation.utterance"
STREAMING = "conversation.utterance.streaming"
STARTED = "conversation.started_speaking"
STOPPED = "conversation.stopped_speaking"
TOOL_CALL = "conversation.tool_call"
TOOL_RESULT = "conversation.tool_result"
PERCEPTION_TOOL = "conversation.perception_tool_call"
OBJECTIVE_ACTIVATED = "conversation.objective.activated"
OBJECTIVE_PENDING = "conversation.objective.pending"
OBJECTIVE_COMPLETED = "conversation.objective.completed"
OBJECTIVE_CONFIRM = "conversation.objective.confirm"
GUARDRAIL = "conversation.guardrail.triggered"
ARRIVED = "conversation.joined"
LEFT = "conversation.left"
RESPOND = "conversation.respond"
ECHO = "conversation.echo"
INTERRUPT = "conversation.interrupt"
APPEND_CONTEXT = "conversation.append_llm_context"
OVERWRITE_CONTEXT = "conversation.overwrite_llm_context"
SENSITIVITY = "conversation.sensitivity"
# Ours, for bodies that carry no type of their own.
CONVERSATION = "conversation"  # the row of GET /v2/conversations/{id}, without its events
TOOL_DELIVERY = "tool.delivery"  # a tool call delivered by API
UNTYPED = "untyped"

OBJECTIVES = {OBJECTIVE_ACTIVATED: "activated", OBJECTIVE_PENDING: "pending", OBJECTIVE_COMPLETED: "completed"}
KNOWN = frozenset(
    {
        JOINED, PRESENT, SHUTDOWN, TRANSCRIPT, RECORDING, COPY_FAILED, PERCEPTION, NO_PERCEPTION, POST_CALL, MEMORY,
        RAVEN_MEMORY, UTTERANCE, STREAMING, STARTED, STOPPED, TOOL_CALL, TOOL_RESULT, PERCEPTION_TOOL,
        OBJECTIVE_ACTIVATED, OBJECTIVE_PENDING, OBJECTIVE_COMPLETED, OBJECTIVE_CONFIRM, GUARDRAIL, ARRIVED, LEFT,
        RESPOND, ECHO, INTERRUPT, APPEND_CONTEXT, OVERWRITE_CONTEXT, SENSITIVITY, CONVERSATION, TOOL_DELIVERY,
    }
)  # fmt: skip

# The engine's speakers under all their names. `system` and `tool` entries of a transcript are nobody's speech.
LEARNER = "learner"
COUNTERPART = "counterpart"
SPEAKERS = {
    "user": LEARNER,
    "learner": LEARNER,
    "assistant": COUNTERPART,
    "replica": COUNTERPART,
    "pal": COUNTERPART,
    "face": COUNTERPART,
    "persona": COUNTERPART,
    "counterpart": COUNTERPART,
}
_COUNTERPART_NAMES = "replica|pal|face|persona"
_SPEAKING_TWIN = re.compile(rf"conversation\.(user|{_COUNTERPART_NAMES})[._](started|stopped)_speaking")
_PRESENCE_TWIN = re.compile(rf"system\.(?:{_COUNTERPART_NAMES})_(joined|present)")
_SPELLINGS = {
    "conversation.perception_analysis": PERCEPTION,
    "conversation.perception-analysis": PERCEPTION,
    "application.perception-analysis": PERCEPTION,
    "conversation.toolcall": TOOL_CALL,
    "conversation.utterance_streaming": STREAMING,
}

# Both halves of a renaming mean one thing; the first name stands.
TWIN_FIELDS = {"face_id": "replica_id", "pal_id": "persona_id"}

END_REASONS = ("completed", "learner_left", "no_show", "time_limit", "technical_failure", "other")
# Prefix → normalised reason. Our own words come first, so that a bundle may use them; no prefix hides another.
END_REASON_PREFIXES: tuple[tuple[str, str], ...] = (
    ("completed", "completed"),
    ("learner_left", "learner_left"),
    ("no_show", "no_show"),
    ("time_limit", "time_limit"),
    ("technical_failure", "technical_failure"),
    ("end_conversation_endpoint_hit", "completed"),
    ("participant_left_timeout", "learner_left"),
    ("participant_absent_timeout", "no_show"),
    ("max_call_duration", "time_limit"),
    ("bot_could_not_join_meeting", "technical_failure"),
    ("daily_room_has_been_deleted", "technical_failure"),
    ("exception_encountered", "technical_failure"),
    ("internal_error", "technical_failure"),
)
_REACHED = re.compile(r"[ _]{1,4}reached$")

# Full names as the engine's `language` property takes them → BCP 47.
LANGUAGES = {
    "english": "en", "french": "fr", "german": "de", "spanish": "es", "portuguese": "pt", "chinese": "zh",
    "mandarin": "zh", "japanese": "ja", "hindi": "hi", "italian": "it", "korean": "ko", "dutch": "nl",
    "polish": "pl", "russian": "ru", "swedish": "sv", "turkish": "tr", "tagalog": "tl", "filipino": "fil",
    "bulgarian": "bg", "romanian": "ro", "arabic": "ar", "czech": "cs", "greek": "el", "finnish": "fi",
    "croatian": "hr", "malay": "ms", "slovak": "sk", "danish": "da", "tamil": "ta", "ukrainian": "uk",
    "hungarian": "hu", "norwegian": "no", "vietnamese": "vi", "bengali": "bn", "thai": "th", "hebrew": "he",
    "georgian": "ka", "indonesian": "id", "telugu": "te", "gujarati": "gu", "kannada": "kn", "malayalam": "ml",
    "marathi": "mr", "punjabi": "pa",
}  # fmt: skip
MULTILINGUAL = "mul"  # BCP 47 for "several languages": turns are detected one by one
_TAG = re.compile(r"([a-z]{2,3})((?:-[a-z0-9]{2,8})*)", re.IGNORECASE)


def event_type(name: str) -> tuple[str, str | None]:
    """Canonical type of an event, and the speaker that only its old name carried.

    An unknown name comes back as it is; test it with ``in KNOWN``.
    """
    name = name.strip()
    if name in KNOWN:
        return name, None
    if match := _SPEAKING_TWIN.fullmatch(name):
        return (STARTED if match[2] == "started" else STOPPED), SPEAKERS[match[1]]
    if match := _PRESENCE_TWIN.fullmatch(name):
        return (JOINED if match[1] == "joined" else PRESENT), None
    if "guardrail" in name:  # its exact in-call type is nowhere documented
        return GUARDRAIL, None
    return _SPELLINGS.get(name, name), None


def speaker(role: object) -> str | None:
    """learner, counterpart, or None for a role that does not speak."""
    return SPEAKERS.get(role.strip().lower()) if isinstance(role, str) else None


def bare_reason(raw: str) -> str:
    """A shutdown reason without the " reached" that is printed on some days and not on others."""
    return _REACHED.sub("", raw.strip())


def end_reason(raw: str | None) -> str | None:
    """The normalised end reason, None where the engine gave none."""
    if raw is None or not raw.strip():
        return None
    text = re.sub(r"\s+", "_", raw.strip().lower())
    return next((reason for prefix, reason in END_REASON_PREFIXES if text.startswith(prefix)), "other")


def language(value: object) -> str | None:
    """BCP 47 of a language name or code; ``mul`` for multilingual; None for what is neither."""
    if not isinstance(value, str):
        return None
    text = value.strip().replace("_", "-")
    if text.lower() in ("multilingual", "auto", MULTILINGUAL):
        return MULTILINGUAL
    if code := LANGUAGES.get(text.lower()):
        return code
    match = _TAG.fullmatch(text)
    if match is None:
        return None
    subtags = [_subtag(part) for part in match[2].split("-") if part]
    return "-".join([match[1].lower(), *subtags])


def _subtag(part: str) -> str:
    """Usual case of a subtag: DE for a region, Hant for a script."""
    if len(part) == 2:
        return part.upper()
    return part.title() if len(part) == 4 and part.isalpha() else part.lower()
