"""The session as a whole: attempted, and how it ended, with its recordings."""

from typing import Any

import orjson

from integrations.xapi.encoder import Draft, duration
from integrations.xapi.facts import Recording
from integrations.xapi.statements.scene import VERBS, Scene, keyed
from integrations.xapi.vocabulary import Attachment, Extension, Kind, Template, Verb

CONTENT_TYPES = {"video": "video/mp4", "audio": "audio/mp4"}
ENDINGS = ("completed", "time_limit")
SCHEMES = ("https://", "http://", "s3://", "gs://", "az://", "abfss://")


def attempted(scene: Scene) -> Draft:
    """The learner entered the conversation."""
    return Draft(
        Kind.ATTEMPT,
        Template.ATTEMPTED,
        (),
        (scene.mark,),
        scene.started,
        scene.actor,
        VERBS[Verb.ATTEMPTED],
        scene.scenario,
        scene.whole,
    )


def ended(scene: Scene) -> Draft | None:
    """Completed, or terminated where the conversation ended in another way; None while it is open."""
    session = scene.session
    if session.ended_at is None:
        return None
    whole = completed(scene)
    verb, template = (Verb.COMPLETED, Template.COMPLETED) if whole else (Verb.TERMINATED, Template.TERMINATED)
    result: dict[str, Any] = {"completion": whole}
    if session.duration_s is not None:
        result["duration"] = duration(session.duration_s)
    if session.end_reason is not None:
        result["extensions"] = {Extension.END_REASON: session.end_reason}
    files = [attachment(each) for each in session.recordings if each.uri.startswith(SCHEMES)]
    digests = [(each["fileUrl"], each["sha2"]) for each in files]
    return Draft(
        Kind.END,
        template,
        (),
        (scene.mark, scene.closed, whole, result.get("duration"), session.end_reason, digests),
        scene.closed,
        scene.actor,
        VERBS[verb],
        scene.scenario,
        scene.whole,
        orjson.dumps(result),
        orjson.dumps(files) if files else None,
    )  # fmt: skip


def completed(scene: Scene) -> bool:
    """It came to its own end or was scored, as in the practice funnel: hanging up is how most people end a call."""
    return scene.session.end_reason in ENDINGS or bool(scene.session.scores)


def attachment(recording: Recording) -> dict[str, Any]:
    """A recording by address and digest. The query of an address is cut: signed links carry credentials there."""
    return keyed({
        "usageType": Attachment.RECORDING.value,
        "display": {"en": "Recording of the session"},
        "contentType": CONTENT_TYPES.get(recording.kind, "application/octet-stream"),
        "length": recording.size_bytes,
        "sha2": recording.sha256,
        "fileUrl": recording.uri.partition("?")[0],
    })  # fmt: skip
