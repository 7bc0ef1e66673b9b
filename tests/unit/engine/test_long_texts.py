"""No text is slow to read: a megabyte of anything takes well under a second."""

import time

import pytest

from integrations.engine.hidden import is_note, split_text
from integrations.engine.reveal import reveal
from integrations.engine.scores import clock, score
from integrations.engine.signals import headed
from integrations.engine.vocabulary import bare_reason, end_reason, event_type, language

MEGABYTE = 1_000_000
LABELS = ["&lt;visual_context ", "<user_audio_analysis ", "<user_audio_analysis>", "</visual_context>", "&lt;"]
WORDS = ["visual_scene ", "visual_scene: ", "USER_SPEECH:", "data:image/", "gaze_", "face_a", "a."]
SIGNS = [" ", "- ", "-   \t", "(", '"', "** ", "**a", "1", "1 ", "_"]


@pytest.mark.parametrize("seed", LABELS + WORDS + SIGNS)
def test_a_megabyte_is_read_at_once(seed: str) -> None:
    text = "1" + seed * (MEGABYTE // len(seed)) + "x"
    entry = {"role": "system", "content": text}
    started = time.process_time()
    split_text(text)
    is_note(text)
    reveal("application.transcription_ready", {"properties": {"transcript": [entry]}})
    for read in (score, clock, headed, bare_reason, end_reason, event_type, language):
        read(text)
    assert time.process_time() - started < 5
