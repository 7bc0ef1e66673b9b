"""Captions keep their times and voices when their words are masked."""

from governance.identities import Person
from governance.privacy.captions import masked_captions
from governance.privacy.scan import Scanner
from integrations.engine.captions import webvtt

SCANNER = Scanner([Person("acme", "l_0", "e1042", "Sarah R&D Müller", None, {})])
TURNS = [
    {"speaker": "learner", "text": "I'm Sarah & at +49 30 1234567 <really>", "start_s": 1.0, "duration_s": 3.0},
    {"speaker": "counterpart", "text": "5 < 6 --> 7, see 00:00:01.000", "start_s": 5.0, "duration_s": 3.0},
    {"speaker": None, "text": "card 4111 1111 1111 1111", "start_s": 9.0, "duration_s": 1.0},
]  # fmt: skip


def test_words_are_masked_and_nothing_else() -> None:
    captions = webvtt(TURNS, 0.5, "en")
    assert captions is not None
    expected = (
        captions.replace("Sarah", "[name]")
        .replace("+49 30 1234567", "[phone]")
        .replace("4111 1111 1111 1111", "[card]")
    )
    assert expected != captions
    assert masked_captions(captions, SCANNER) == expected
    assert masked_captions(expected, SCANNER) == expected


def test_captions_without_personal_data_stay_byte_for_byte() -> None:
    captions = webvtt(TURNS[1:2], 0.0, "en")
    assert captions is not None
    assert masked_captions(captions, SCANNER) == captions
