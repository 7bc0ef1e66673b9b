"""Core from raw: conserved, idempotent, the same whatever the order, and mended by rebuilding."""

import shutil
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.pipeline import NOW, Home
from support.sessions import bundle
from support.wire import EPOCH, SESSION, entry, relayed, rows, webhook

from assets.core import build
from assets.core.judge import ConservationError
from governance.rubrics_used import RubricEdited
from governance.settings import PROJECT


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def assessed(score: Any, scored_at: str = "2026-11-02T09:15:02Z", **changes: Any) -> dict[str, Any]:
    return {
        "rubric_id": "plain",
        "rubric_version": "1",
        "scorer": {"kind": "human", "id": "l_1", "version": "1"},
        "scored_at": scored_at,
        "criteria": [{"criterion_id": "clarity", "score": score, "min": 0, "max": 5}],
    } | changes


def test_good_and_broken_rows_are_together_the_input(home: Home) -> None:
    home.land(
        [
            bundle(1),
            bundle(2, ended_at="2026-11-02T08:00:00Z"),
            bundle(
                3, turns=[{"speaker": "referee", "text": "Hm"}, {"speaker": "learner", "text": "Yes", "start_s": -1}]
            ),
            bundle(4, signals=[{"kind": "mood", "name": "x"}, {"kind": "objective", "name": "ack"}]),
            bundle(5, assessments=[assessed(9), assessed(3), assessed(None)]),
            bundle(6, assessments=[assessed(3, scored_at="yesterday")]),
        ]
    )
    built = home.build()
    assert (built.rows["core/sessions"], built.rows["core/sessions_quarantine"]) == (5, 1)
    turns = built.rows["core/turns"] + built.rows["core/turns_quarantine"]
    assert turns == 2 * 5 + 2
    broken = dict(home.rows("core/turns_quarantine", "row::json->>'speaker', broken_rules", "all"))
    assert broken["referee"] == ["speaker_known"]
    assert home.rows("core/turns_quarantine", "broken_rules", "all").count((["session_accepted"],)) == 2
    assert home.rows("core/signals_quarantine", "broken_rules") == [(["kind_known"],)]
    rules = sorted(rule for (rules,) in home.rows("core/criterion_scores_quarantine", "broken_rules") for rule in rules)
    assert {"score_in_range", "score_present", "scored_at_is_utc_time"} <= set(rules)


def test_building_again_writes_the_same_rows(home: Home) -> None:
    home.land([bundle(number) for number in range(10)])
    home.build()
    first = home.core()
    assert home.stale() == []
    home.lake.folder("core/.built").joinpath("2026-11-01.json").unlink()
    assert [str(day) for day in home.stale()] == ["2026-11-01"]
    home.build()
    assert home.core() == first


def test_a_history_built_in_many_passes_ends_the_same(
    tmp_path: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pass a day here: the scale of an unknown rubric grows with each, which leaves earlier days to build again."""
    other = Home(tmp_path / "other")
    history = [bundle(n, assessments=[assessed(0, criteria=[{"criterion_id": "tone", "score": n}])]) for n in range(12)]
    for place in (home, other):
        place.land(history)
    home.settle()
    monkeypatch.setattr(build, "PASS_BYTES", 1)
    other.settle()
    assert other.core() == home.core()
    assert len(home.rows("core/criterion_scores")) == len(history)


def test_a_lost_row_stops_the_build(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from assets.core import build

    home.land([bundle(1)])
    original = build._sql

    def leaky(name: str) -> str:
        return original(name) + (" where ordinal > 0" if name == "turns" else "")

    monkeypatch.setattr(build, "_sql", leaky)
    with pytest.raises(ConservationError, match="core/turns: 2 rows in, 1 good and 0 broken out"):
        home.build()
    assert home.rows("core/sessions") == []
    assert home.stale() != []


def test_pacing(home: Home) -> None:
    said = [
        {
            "speaker": "counterpart",
            "text": "You wanted to talk",
            "start_s": 0.0,
            "duration_s": 2.0,
            "interrupted": False,
        },
        {"speaker": "learner", "text": "Yes  I did", "start_s": 3.0, "duration_s": 4.0, "interrupted": True},
        {"speaker": "counterpart", "text": "Go on", "start_s": 6.5, "duration_s": 2.0, "interrupted": False},
    ]
    home.land([bundle(1, turns=said)])
    home.build()
    names = "turn_count, learner_words, counterpart_words, talk_share, response_gap_p50_s, counterpart_gap_p50_s"
    ((turns, own, other, share, gap, back),) = home.rows("core/sessions", names)
    assert (turns, own, other, share, gap, back) == (3, 3, 6, 0.5, 1.0, -0.5)
    assert home.rows("core/sessions", "interruptions_by_learner, interruptions_by_counterpart") == [(0, 1)]
    assert home.rows("core/turns", "overlap_s, response_gap_s", "ordinal") == [(None, None), (0.0, 1.0), (0.5, -0.5)]


def test_turns_lie_in_order_also_where_some_are_too_short_to_tell_their_language(home: Home) -> None:
    launch = bundle(8)["launch"] | {"language": "multilingual"}
    home.land([bundle(8, launch=launch), bundle(16, launch=launch)])
    home.build()
    (path,) = home.lake.files("core/turns")
    turns = pl.read_parquet(path, columns=["session_id", "ordinal", "language"]).rows()
    assert {row[2] for row in turns} == {"en", None}
    assert [row[:2] for row in turns] == sorted(row[:2] for row in turns)


def test_absent_timing_stays_absent(home: Home) -> None:
    home.land([bundle(1, turns=[{"speaker": "learner", "text": "Hi"}, {"speaker": "counterpart", "text": "Ho"}])])
    home.build()
    names = "talk_share, response_gap_p50_s, interruptions_by_learner, longest_monologue_s"
    assert home.rows("core/sessions", names) == [(None, None, None, None)]


def test_rescoring_is_a_revision_and_an_old_score_slots_in_below(home: Home) -> None:
    home.land([bundle(1, assessments=[assessed(2, "2026-11-05T00:00:00Z")])])
    home.build()
    home.land([bundle(1, assessments=[assessed(4, "2026-11-03T00:00:00Z"), assessed(4, "2026-11-03T00:00:00Z")])])
    home.settle()
    found = home.rows("core/criterion_scores", "revision, score, is_latest", "revision")
    assert found == [(1, 4.0, False), (2, 2.0, True)]
    assert home.rows("core/session_scores", "revision, overall, is_latest", "revision") == [
        (1, 0.8, False),
        (2, 0.4, True),
    ]


def test_the_code_decides_whether_a_session_passed(home: Home) -> None:
    rubric = next(iter(home.catalog.rubrics.values()))

    def scores(at: dict[str, float]) -> list[dict[str, Any]]:
        criteria = [{"criterion_id": c.id, "score": at.get(c.id, c.max)} for c in rubric.criteria]
        return [assessed(0, rubric_id=rubric.id, rubric_version=rubric.version, criteria=criteria)]

    blocker = next(c for c in rubric.criteria if c.blocker)
    home.land(
        [
            bundle(1, assessments=scores({})),
            bundle(2, assessments=scores({blocker.id: blocker.min})),
            bundle(3, assessments=[scores({})[0] | {"criteria": scores({})[0]["criteria"][1:]}]),
        ]
    )
    home.build()
    found = home.rows("core/session_scores", "session_id, passed, blockers_hit, uncatalogued", "session_id")
    assert found == [
        ("generic:s-1", True, [], False),
        ("generic:s-2", False, [blocker.id], False),
        ("generic:s-3", None, [], False),
    ]


def test_an_unknown_rubric_is_taken_on_the_scale_it_shows(home: Home) -> None:
    def seen(score: float) -> list[dict[str, Any]]:
        return [assessed(0, criteria=[{"criterion_id": "tone", "score": score}])]

    home.land([bundle(1, assessments=seen(2)), bundle(2, assessments=seen(4))])
    home.settle()
    assert home.rows("core/criterion_scores", "scaled, uncatalogued, competency", "scaled") == [
        (0.5, True, "tone"),
        (1.0, True, "tone"),
    ]
    home.land([bundle(3, assessments=seen(8))])
    home.settle()
    assert [row[0] for row in home.rows("core/criterion_scores", "scaled")] == [0.25, 0.5, 1.0]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PROJECT / "config", tmp_path / "config"))


def test_quarantine_is_driven_again_after_a_fix_of_the_catalog(tmp_path: Path, config: Path) -> None:
    home = Home(tmp_path / "home", config)
    rubric = next(iter(home.catalog.rubrics.values()))
    criteria = [{"criterion_id": "brand_new", "score": 3}]
    home.land([bundle(1, assessments=[assessed(0, rubric_id=rubric.id, rubric_version="99", criteria=criteria)])])
    home.settle()
    assert home.rows("core/criterion_scores", "uncatalogued") == [(True,)]
    path = next(path for path in (config / "rubrics").glob("*.yaml") if f"id: {rubric.id}\n" in path.read_text("utf-8"))
    text = path.read_text("utf-8")
    newer = text.replace(f'version: "{rubric.version}"', 'version: "99"', 1)
    newer = newer[: newer.index("post_call:")] if "post_call:" in newer else newer
    (config / "rubrics" / "newer.yaml").write_text(newer, "utf-8")
    home.settle()
    assert home.rows("core/criterion_scores") == []
    assert home.rows("core/criterion_scores_quarantine", "broken_rules") == [(["criterion_known"],)] or home.rows(
        "core/criterion_scores_quarantine", "list_contains(broken_rules, 'criterion_known')"
    ) == [(True,)]
    (config / "rubrics" / "newer.yaml").write_text(
        newer.replace(f"id: {rubric.criteria[0].id}", "id: brand_new"), "utf-8"
    )
    home.settle()
    assert home.rows("core/criterion_scores", "criterion_id, score") == [("brand_new", 3.0)]
    assert home.rows("core/criterion_scores_quarantine") == []


def test_an_edited_rubric_version_is_refused_with_its_remedy(tmp_path: Path, config: Path) -> None:
    home = Home(tmp_path / "home", config)
    rubric = next(iter(home.catalog.rubrics.values()))
    criteria = [{"criterion_id": c.id, "score": c.max} for c in rubric.criteria]
    home.land(
        [bundle(1, assessments=[assessed(0, rubric_id=rubric.id, rubric_version=rubric.version, criteria=criteria)])]
    )
    home.build()
    before = home.core()
    for path in (config / "rubrics").glob("*.yaml"):
        text = path.read_text("utf-8")
        if f"id: {rubric.id}\n" in text and f'version: "{rubric.version}"' in text:
            path.write_text(text.replace("weight: 3", "weight: 4", 1), "utf-8")
    with pytest.raises(RubricEdited, match="put the new text under a new version"):
        home.build()
    assert home.core() == before


CALL = [
    webhook("system.replica_joined", 4, replica_id="r1"),
    relayed("conversation.utterance", 12.5, 3, role="user", speech="Yes, about last week's release."),
    webhook("system.shutdown", 750, replica_id="r1", shutdown_reason="participant_left_timeout"),
    webhook(
        "application.transcription_ready",
        751,
        replica_id="r1",
        transcript=[entry("assistant", "You wanted to talk?", 0.0), entry("user", "Yes, about the release.", 4.2)],
    ),
    webhook(
        "application.recording_ready", 1000, duration=742, storage_provider="s3", s3_key=f"tavus/{SESSION}/1",
        bucket_name="b", storage_uri="s3://b/k",
    ),
]  # fmt: skip


def told_as_bundle(**changes: Any) -> dict[str, Any]:
    return bundle(0, engine="cvi", engine_session_id=SESSION, **changes)


def test_deliveries_reach_core_and_a_launch_attributes_them_later(home: Home) -> None:
    home.deliver(rows(CALL))
    home.settle(NOW)
    names = "session_id, attributed, completeness, end_reason, turn_count"
    assert home.rows("core/sessions", names) == [(f"cvi:{SESSION}", False, "complete_partial", "learner_left", 2)]
    home.launch(tenant="acme", conversation_id=SESSION, learner_id="e1", region="EMEA")
    assert [str(day) for day in home.stale()] == ["2026-11-02"]
    home.settle()
    assert home.rows("core/sessions", "attributed, region") == [(True, "EMEA")]
    assert home.stale() == []


def test_an_open_session_runs_out_of_time(home: Home) -> None:
    home.deliver(rows(CALL[:1]))
    soon = datetime.fromtimestamp(EPOCH, UTC) + timedelta(minutes=5)
    home.settle(soon)
    assert home.rows("core/sessions", "completeness") == [("open",)]
    assert home.stale(soon) == []
    later = soon + timedelta(hours=2)
    assert len(home.stale(later)) == 1
    home.settle(later)
    assert home.rows("core/sessions", "completeness, list_contains(missing_parts, 'end')") == [
        ("complete_partial", True)
    ]


def test_a_session_whose_day_moves_takes_its_rows_along(home: Home) -> None:
    before_midnight = -9 * 3600 - 60
    home.deliver(rows(CALL[2:3]))
    home.settle()
    home.deliver(rows([webhook("system.replica_joined", before_midnight, 800, replica_id="r1")]))
    assert [str(day) for day in home.lake.days("raw/deliveries")] == ["2026-11-01"]
    home.settle()
    assert [str(day) for (day,) in home.rows("core/sessions", "day")] == ["2026-11-01"]
    assert home.lake.days("core/sessions") == home.lake.days("raw/deliveries")


def test_a_drain_that_died_is_finished_by_the_next(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from governance.inbox import Inbox

    original = Inbox.mark_drained
    monkeypatch.setattr(Inbox, "mark_drained", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        home.deliver(rows(CALL))
    monkeypatch.setattr(Inbox, "mark_drained", original)
    landing = home.deliver([])
    assert (landing.read, landing.accepted, landing.repeated) == (len(CALL), 0, len(CALL))
    assert len(home.rows("raw/deliveries")) == len(CALL)
    assert Inbox(home.state).depth() == 0


PIECES: list[tuple[str, Any]] = [
    *(("delivery", item) for item in CALL),
    ("bundle", told_as_bundle(assessments=[assessed(4)])),
    ("bundle", told_as_bundle(assessments=[assessed(2, "2026-11-03T00:00:00Z")], started_at="2026-11-01T23:59:00Z")),
    ("bundle", bundle(0)),
]


def _tell(folder: Path, order: list[int]) -> dict[str, list[tuple]]:
    home = Home(folder)
    for number in order:
        kind, piece = PIECES[number]
        home.deliver(rows([piece])) if kind == "delivery" else home.land([piece])
    home.settle()
    return home.core()


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(order=st.permutations(range(len(PIECES))), again=st.lists(st.integers(0, len(PIECES) - 1), max_size=3))
def test_core_is_the_same_whatever_the_order_and_however_often(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], again: list[int]
) -> None:
    expected = _tell(tmp_path_factory.mktemp("straight") / "home", list(range(len(PIECES))))
    assert _tell(tmp_path_factory.mktemp("mixed") / "home", [*order, *again]) == expected


def test_building_after_each_piece_ends_the_same(tmp_path: Path) -> None:
    results = []
    for number, order in enumerate(permutations([bundle(1), bundle(1, end_reason="time_limit"), bundle(9)])):
        home = Home(tmp_path / str(number))
        for piece in order:
            home.land([piece])
            home.settle()
        results.append(home.core())
    assert all(result == results[0] for result in results)
