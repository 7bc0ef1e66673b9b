"""Captions in recording time."""

from typing import Any

import pytest

from integrations.engine.captions import timestamp, webvtt


def turn(text: str, start_s: float | None, duration_s: float | None = 2.0, speaker: str = "learner") -> dict[str, Any]:
    return {"speaker": speaker, "text": text, "start_s": start_s, "duration_s": duration_s}


def test_a_whole_file() -> None:
    turns = [turn("You wanted to talk?", 0.0, 1.9, "counterpart"), turn("Yes -->\n <b>R&D</b>\r\n\r\nnow", 4.2, 2.6)]
    assert webvtt(turns, 2.2, "en") == (
        "WEBVTT\nLanguage: en\n\n"
        "00:00:02.200 --> 00:00:04.100\n<v Counterpart>You wanted to talk?</v>\n\n"
        "00:00:06.400 --> 00:00:09.000\n<v Learner>Yes --&gt; &lt;b&gt;R&amp;D&lt;/b&gt; now</v>\n"
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "00:00:00.000"), (59.9996, "00:01:00.000"), (3600, "01:00:00.000"), (360_000.5, "100:00:00.500")],
)
def test_hours_are_always_written(seconds: float, text: str) -> None:
    assert timestamp(seconds) == text


def test_without_timing_there_are_no_captions() -> None:
    assert webvtt([turn("Hello", None)], 0.0) is None
    assert webvtt([], 0.0) is None
    assert webvtt([turn("  ", 1.0)], 0.0) is None


def test_what_was_said_before_the_recording_is_left_out_or_cut() -> None:
    assert webvtt([turn("Gone", 0.0)], -5.0) is None
    assert "00:00:00.000 --> 00:00:01.000" in (webvtt([turn("Cut", 0.0)], -1.0) or "")


def test_a_turn_without_a_duration_ends_before_the_next() -> None:
    captions = webvtt([turn("one two three four five six", 0.0, None), turn("seven", 1.0, None)], 0.0) or ""
    assert "00:00:00.000 --> 00:00:01.000" in captions
    assert "00:00:01.000 --> 00:00:01.400" in captions
