"""One session's deliveries on every channel, twins, repeats and contradictions included."""

from support.wire import SESSION, at, entry, item, relayed, webhook

TRANSCRIPT = [
    entry("system", 'You are Dana. Information from documents: "leave policy.pdf" says 30 days.', 0.0),
    entry("assistant", "You wanted to talk?", 0.0, inference_id="inf_1"),
    entry("user", "Yes, about last week's release.", 4.2),
    entry("assistant", "It was fine, everybody has said so, and frankly", 9.0, inference_id="inf_2"),
    entry("user", "The tests were red.", 13.0),
    entry("assistant", None, 15.0, tool_calls=[{"id": "tc1", "function": {"name": "escalate", "arguments": "{}"}}]),
]
SCORES = '{"overall": 72, "empathy": 3, "clarity": "2", "highlights_json": "[{\\"timestamp\\": \\"00:13\\"}]"}'
PULL = {
    "conversation_id": SESSION,
    "status": "ended",
    "replica_id": "r1",
    "persona_id": "p1",
    "created_at": at(0),
    "updated_at": at(900),
    "events": [
        {"event_type": "system.replica_joined", "timestamp": at(4)},
        {
            "event_type": "application.transcription_ready",
            "timestamp": at(751),
            "properties": {"transcript": TRANSCRIPT},
        },
        {
            "event_type": "system.shutdown",
            "timestamp": at(750),
            "properties": {"reason": "participant_left_timeout reached"},
        },
        {
            "event_type": "application.post_call_action_executed",
            "timestamp": at(902),
            "properties": {
                "tool_id": "t9",
                "tool_name": "submit_rubric",
                "status": "error",
                "request": {"body": SCORES},
            },
        },
    ],
}
DELIVERIES = [
    webhook("system.replica_joined", 4.118, replica_id="r1"),
    webhook("system.pal_joined", 4.4, face_id="r1"),
    webhook("system.replica_present", 30.0, replica_id="r1"),
    webhook("system.shutdown", 750.9, replica_id="r1", shutdown_reason="participant_left_timeout"),
    webhook("application.transcription_ready", 751.3, replica_id="r1", transcript=TRANSCRIPT),
    webhook("application.transcription_ready", 760.0, replica_id="r1", transcript=TRANSCRIPT[:3]),
    webhook(
        "application.recording_ready", 1000.1, bucket_name="b", s3_key=f"tavus/{SESSION}/1793610004000", duration=742
    ),
    webhook(
        "application.recording_ready",
        1001.1,
        bucket_name="b",
        s3_key=f"tavus/{SESSION}/1793610004000",
        duration=742.0,
        storage_provider="s3",
        storage_uri=f"s3://b/tavus/{SESSION}/1793610004000",
    ),
    webhook(
        "application.recording_copy_failed",
        1002.0,
        recording_id="x",
        s3_key=f"tavus/{SESSION}/1793610404000",
        error_code="DESTINATION_AUTH_FAILED",
    ),
    webhook("application.perception_analysis", 930.0, analysis="**Gaze:** on the screen."),
    webhook(
        "application.post_call_action_executed",
        902.4,
        tool_id="t9",
        tool_name="submit_rubric",
        status="error",
        request={"url": "https://x.example", "method": "POST", "body": SCORES},
        response={"http_status": 500},
    ),
    webhook(
        "application.post_call_action_executed",
        2902.0,
        tool_id="t9",
        tool_name="submit_rubric",
        status="success",
        request={"body": {"empathy": 4, "sparkle": 9}},
    ),
    webhook("application.something_new", 700.0, mood="?"),
    webhook("application.memory_consolidation", 905.0),
    item(
        "objective",
        21.0,
        {"conversation_id": SESSION, "objective_name": "impact", "output_variables": {"named": "release"}},
    ),
    item(
        "objective",
        140.0,
        {"conversation_id": SESSION, "objective_name": "agree", "output_variables": {"what": "NOTFOUND"}},
    ),
    item(
        "guardrail", 15.5, {"conversation_id": SESSION, "properties": {"guardrail": "no_blame", "guardrail_uuid": "g1"}}
    ),
    item(
        "guardrail",
        300.0,
        {"conversation_id": SESSION, "properties": {"guardrail": "no_blame", "guardrail_uuid": "g1"}},
    ),
    relayed(
        "conversation.objective.completed", 20.2, 60, objective_name="impact", output_variables={"named": "release"}
    ),
    relayed(
        "conversation.guardrail_triggered",
        14.9,
        55,
        guardrail="no_blame",
        guardrail_uuid="g1",
        reason="said: you broke it",
    ),
    relayed("conversation.user.started_speaking", 10.2, 10),
    relayed("conversation.started_speaking", 10.2, 11, role="user"),
    relayed("conversation.user.stopped_speaking", 12.8, 12),
    relayed("conversation.stopped_speaking", 12.81, 13, role="user", duration=2.6, interrupted=True),
    relayed("conversation.replica.started_speaking", 15.0, 20, "inf_2"),
    relayed("conversation.started_speaking", 15.02, 21, "inf_2", role="replica"),
    relayed("conversation.stopped_speaking", 17.0, 23, "inf_2", role="pal", duration=2.0, interrupted=True),
    relayed("conversation.utterance", 12.9, 14, "inf_9", role="user", speech="Yes, about last week's release."),
    relayed(
        "conversation.utterance",
        17.1,
        24,
        "inf_2",
        role="pal",
        speech="It was fine, everybody has said so, and frankly",
    ),
    relayed(
        "conversation.utterance",
        17.1,
        25,
        "inf_2",
        role="replica",
        speech="It was fine, everybody has said so, and frankly",
    ),
    relayed(
        "conversation.utterance.streaming",
        16.0,
        22,
        "inf_2",
        role="replica",
        speech="It was",
        content_index=0,
        final=False,
    ),
    relayed(
        "conversation.utterance.streaming",
        16.9,
        26,
        "inf_2",
        role="replica",
        speech="It was fine",
        content_index=1,
        final=True,
        is_interrupted=True,
    ),
    relayed("conversation.tool_call", 21.5, 70, name="escalate", arguments="{}", tool_call_id="tc1"),
    relayed("conversation.tool_result", 21.9, 71, tool_call_id="tc1", status="success", output="done"),
    relayed("conversation.respond", 40.0, 80, text="Let me write it down."),
    item("pull", 1700.0, PULL),
]
