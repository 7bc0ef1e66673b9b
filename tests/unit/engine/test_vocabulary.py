"""Words folded into one vocabulary."""

import pytest

from integrations.engine import vocabulary as v


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("max_call_duration", "time_limit"),
        ("max_call_duration reached", "time_limit"),
        ("participant_left_timeout", "learner_left"),
        ("participant_left_timeout reached", "learner_left"),
        ("participant_absent_timeout reached", "no_show"),
        ("bot_could_not_join_meeting_it_was_probably_ended", "technical_failure"),
        ("daily_room_has_been_deleted", "technical_failure"),
        ("exception_encountered_during_conversation_startup", "technical_failure"),
        ("end_conversation_endpoint_hit", "completed"),
        ("internal error occurred at step 7", "technical_failure"),
        ("Completed", "completed"),
        ("something else", "other"),
        ("  ", None),
        (None, None),
    ],
)
def test_end_reasons_by_prefix(raw: str | None, reason: str | None) -> None:
    assert v.end_reason(raw) == reason


def test_every_listed_end_reason_is_a_known_one() -> None:
    assert {reason for _, reason in v.END_REASON_PREFIXES} | {"other"} == set(v.END_REASONS)


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("system.pal_joined", (v.JOINED, None)),
        ("system.persona_joined", (v.JOINED, None)),
        ("system.face_present", (v.PRESENT, None)),
        ("conversation.user.started_speaking", (v.STARTED, "learner")),
        ("conversation.pal.stopped_speaking", (v.STOPPED, "counterpart")),
        ("conversation.replica.stopped_speaking", (v.STOPPED, "counterpart")),
        ("conversation.perception-analysis", (v.PERCEPTION, None)),
        ("conversation.guardrail_triggered", (v.GUARDRAIL, None)),
        ("application.brand_new", ("application.brand_new", None)),
    ],
)
def test_twins_have_one_name(name: str, canonical: tuple[str, str | None]) -> None:
    assert v.event_type(name) == canonical


def test_all_languages_of_the_engine_have_a_code() -> None:
    listed = (
        "en fr de es pt zh ja hi it ko nl pl ru sv tr tl bg ro ar cs el fi hr ms sk da ta uk hu no vi bn th he ka id te"
        " gu kn ml mr pa"
    )
    assert set(listed.split()) <= set(v.LANGUAGES.values())


@pytest.mark.parametrize(
    ("value", "tag"),
    [("Spanish", "es"), ("multilingual", "mul"), ("de_ch", "de-CH"), ("zh-hant-tw", "zh-Hant-TW"), ("en", "en"),
     ("what is this", None), (7, None), (None, None)],
)  # fmt: skip
def test_languages(value: object, tag: str | None) -> None:
    assert v.language(value) == tag
