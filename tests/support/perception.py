"""Every place where a wire format may carry perception, open or hidden: tables that tests plant notes into.

``MIXED`` takes a text with a note mixed into speech by one of ``MIXES``; ``FREE`` takes any value, in which ``KEYS``
name perception and ``WRAPS`` bury it; ``OUTRIGHT`` takes the note itself. ``CARRIERS`` bring the same event in other
ways.
"""

import base64
import json
from collections.abc import Callable
from typing import Any

from support.wire import SESSION, at, item, relayed, webhook

Item = dict[str, Any]
SPOKEN = "I was going to send it on Friday."

TAGS = ("user_audio_analysis", "user_visual_analysis", "visual_context", "visual_scene", "perception_analysis")
MIXES: list[Callable[[str], str]] = [
    lambda note: f"USER_SPEECH: {SPOKEN} VISUAL_SCENE: {note}",
    lambda note: f"VISUAL_SCENE: {note} USER_SPEECH: {SPOKEN}",
    lambda note: f"user_speech: {SPOKEN}\nvisual_scene: {note}",
    lambda note: f"{SPOKEN} Visual Scene: {note}",
    lambda note: f'{SPOKEN} "user_visual_analysis": "{note}"',
    lambda note: f'{SPOKEN} {{"user_audio_analysis": "{note}"',
    *(lambda note, tag=tag: f"{SPOKEN}<{tag}>{note}</{tag}>" for tag in TAGS),
    lambda note: f"<user_audio_analysis model='raven-1'>{note}</user_audio_analysis> {SPOKEN}",
    lambda note: f"{SPOKEN} <USER_VISUAL_ANALYSIS>{note}",
    lambda note: f"{SPOKEN} < user_audio_analysis >{note}</ user_audio_analysis >",
    lambda note: f"{SPOKEN} &lt;user_audio_analysis&gt;{note}&lt;/user_audio_analysis&gt;",
    lambda note: f"{SPOKEN} <user_audio_<visual_context>x</visual_context>analysis>{note}</user_audio_analysis>",
]
KEYS = (
    "user_audio_analysis", "user_visual_analysis", "visual_context", "visual_scene", "perception_analysis",
    "raven_memory_evidence", "gaze", "gaze_direction", "eye_contact", "facial_expression", "posture", "body_language",
    "vocal_tone", "voice_tremor", "apparent_age", "learner_gaze_score", "userVisualAnalysis", "visual-scene",
)  # fmt: skip
WRAPS: list[Callable[[Any], Any]] = [
    lambda value: value,
    json.dumps,
    lambda value: json.dumps(json.dumps(value)),
    lambda value: {"details": [value, {"more": json.dumps([value])}]},
    lambda value: json.dumps({"details": json.dumps([value])}),
]


def transcript(*entries: Any) -> Item:
    return webhook("application.transcription_ready", 751, transcript=list(entries))


def said(text: str, **more: Any) -> Item:
    return {"role": "user", "content": text, "timestamp": at(10), "seconds_from_start": 4.0} | more


MIXED: dict[str, Callable[[str], Item]] = {
    "transcript": lambda text: transcript(said(text)),
    "transcript as string": lambda text: webhook(
        "application.transcription_ready", 751, transcript=json.dumps([said(text)])
    ),
    "transcript in parts": lambda text: transcript({"role": "user", "content": [{"type": "text", "text": text}]}),
    "assistant entry": lambda text: transcript({"role": "assistant", "content": text}),
    "utterance": lambda text: relayed("conversation.utterance", 10, 5, role="user", speech=text),
    "streaming": lambda text: relayed("conversation.utterance.streaming", 10, 5, "i", role="user", speech=text),
    "typed": lambda text: relayed("conversation.respond", 10, 5, text=text),
    "guardrail reason": lambda text: relayed("conversation.guardrail", 10, 5, guardrail="g", reason=text),
    "objective variable": lambda text: item(
        "objective", 10, {"conversation_id": SESSION, "objective_name": "o", "output_variables": {"quote": text}}
    ),
    "post-call comment": lambda text: webhook(
        "application.post_call_action_executed",
        900,
        tool_name="submit_rubric",
        request={"body": {"empathy": 3, "empathy_comment": text}},
    ),
    "tool argument": lambda text: relayed("conversation.tool_call", 10, 5, name="note", arguments={"text": text}),
    "tool delivery": lambda text: item("tool", 10, {"conversation_id": SESSION, "text": text}),
    "shutdown reason": lambda text: webhook("system.shutdown", 750, shutdown_reason=text),
}

FREE: dict[str, Callable[[Any], Item]] = {
    "objective callback": lambda value: item(
        "objective", 10, {"conversation_id": SESSION, "objective_name": "o", "output_variables": value}
    ),
    "objective in the call": lambda value: relayed(
        "conversation.objective.pending", 10, 5, objective_name="o", output_variables=value
    ),
    "tool arguments": lambda value: relayed("conversation.tool_call", 10, 5, name="note", arguments=value),
    "tool delivery": lambda value: item("tool", 10, {"conversation_id": SESSION, "name": "n", "arguments": value}),
    "post-call body": lambda value: webhook(
        "application.post_call_action_executed", 900, tool_name="submit_rubric", request={"body": value}
    ),
    "another post-call tool": lambda value: webhook(
        "application.post_call_action_executed", 900, tool_name="crm_note", request={"body": value}
    ),
}

OUTRIGHT: dict[str, Callable[[str], Item]] = {
    "utterance, heard": lambda note: relayed(
        "conversation.utterance", 10, 5, role="user", speech=SPOKEN, user_audio_analysis=note
    ),
    "utterance, seen": lambda note: relayed(
        "conversation.utterance", 10, 5, role="user", speech=SPOKEN, user_visual_analysis=note, visual_context=note
    ),
    "utterance, nested": lambda note: relayed(
        "conversation.utterance", 10, 5, role="user", speech=SPOKEN, user_audio_analysis={"tone": [note]}
    ),
    "entry": lambda note: transcript(said(SPOKEN, user_audio_analysis=note, user_visual_analysis=note)),
    "entry, posing as ours": lambda note: transcript(said(SPOKEN, documents=[note], hidden_perception=[note])),
    "system entry": lambda note: transcript({"role": "system", "content": f"Prompt. {note}"}, said(SPOKEN)),
    "tool entry": lambda note: transcript({"role": "tool", "tool_call_id": "t", "content": note}, said(SPOKEN)),
    "unknown role": lambda note: transcript({"role": "perception", "content": note}, said(SPOKEN)),
    "tool call in a transcript": lambda note: transcript(
        {
            "role": "assistant",
            "tool_calls": [{"id": "t", "function": {"name": "f", "arguments": json.dumps({"a": note})}}],
        }
    ),
    "perception tool in a transcript": lambda note: transcript(
        {"role": "assistant", "tool_calls": [{"id": "t", "origin": "vision", "function": {"name": note}}]}
    ),
    "perception tool, seen": lambda note: relayed(
        "conversation.perception_tool_call",
        10,
        5,
        modality="vision",
        name=note,
        arguments={"what": note},
        frames=[{"data": base64.b64encode(note.encode()).decode(), "mime_type": "image/jpeg"}],
    ),
    "perception tool, heard": lambda note: relayed(
        "conversation.perception_tool_call", 10, 5, modality="audio", name="n", arguments=json.dumps({"what": note})
    ),
    "perception tool as tool call": lambda note: relayed(
        "conversation.tool_call", 10, 5, modality="vision", name=note, arguments={"what": note}
    ),
    "frames in a tool call": lambda note: relayed(
        "conversation.tool_call",
        10,
        5,
        name="n",
        arguments={
            "a": [{"mime_type": "image/png", "data": note}],
            "frames": [note],
            "b": f"data:image/png;base64,{note}",
        },
    ),
    "analysis webhook": lambda note: webhook("application.perception_analysis", 930, analysis=f"**Gaze:** {note}"),
    "analysis in the call": lambda note: relayed("conversation.perception_analysis", 930, 5, analysis=note),
    "analysis, hyphenated": lambda note: relayed("conversation.perception-analysis", 930, 5, analysis=note),
    "raven memory": lambda note: webhook("application.raven_memory_evidence", 930, analysis=note),
    "memory consolidation": lambda note: webhook("application.memory_consolidation", 930, summary=note),
    "tool result": lambda note: relayed("conversation.tool_result", 10, 5, tool_call_id="t", status="ok", output=note),
    "visual objective": lambda note: item(
        "objective",
        10,
        {"conversation_id": SESSION, "objective_name": note, "modality": "visual", "output_variables": {"a": note}},
    ),
    "visual guardrail": lambda note: relayed(
        "conversation.guardrail.triggered", 10, 5, guardrail=note, reason=note, modality="visual"
    ),
    "unknown event": lambda note: webhook("application.emotion_snapshot", 10, emotion=note, analysis=note),
    "untyped body": lambda note: item("webhook", 10, {"conversation_id": SESSION, "feeling": note}),
    "context": lambda note: relayed("conversation.append_llm_context", 10, 5, context=note),
    "response of a post-call tool": lambda note: webhook(
        "application.post_call_action_executed",
        900,
        tool_name="submit_rubric",
        request={"body": {"empathy": 3}},
        response={"http_status": 200, "body": note},
    ),
    "conversation row": lambda note: item(
        "pull",
        1700,
        {
            "conversation_id": SESSION,
            "status": "ended",
            "created_at": at(0),
            "updated_at": at(900),
            "conversational_context": note,
            "custom_greeting": note,
            "conversation_name": note,
            "memory_stores": [note],
            "perception": {"summary": note},
        },
    ),
}


def pulled(one: Item) -> Item:
    """The same event inside a verbose pull."""
    if one["body"].get("status") == "ended":
        return one
    row = {"conversation_id": SESSION, "status": "ended", "created_at": at(0), "updated_at": at(901)}
    return item("pull", 1700, row | {"events": [one["body"]]})


def as_text(one: Item) -> Item:
    return one | {"body": json.dumps(json.dumps(one["body"]))}


def as_file(one: Item) -> Item:
    return one | {"channel": "file", "body": json.dumps(one["body"]).encode()}


CARRIERS: list[Callable[[Item], Item]] = [lambda one: one, pulled, as_text, as_file]
