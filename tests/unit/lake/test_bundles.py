"""Landing of bundles: nothing lost, nothing twice, nothing denied."""

import gzip
import json
from pathlib import Path
from unittest.mock import patch

import duckdb
import polars as pl
import pytest
from support.pipeline import Home
from support.sessions import bundle, write

from assets.lake import Lake
from assets.raw.bundle_sql import SUSPECT_TEXT, TYPES, reader
from assets.raw.landing import Landing, LandingError
from governance.batches import Batches
from governance.withheld import withheld_frame
from integrations.engine import hidden


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def test_the_same_file_again_changes_nothing(home: Home) -> None:
    records = [bundle(number) for number in range(20)]
    first = home.land(records)
    before = home.lake.file_ids("raw/bundles")
    again = home.land(records)
    assert (first.accepted, first.repeated) == (20, 0)
    assert (again.accepted, again.repeated, again.days) == (0, 20, ())
    assert home.lake.file_ids("raw/bundles") == before


def test_a_repeat_within_one_file_counts_once(home: Home) -> None:
    landing = home.land([bundle(1), bundle(1), bundle(2)])
    assert (landing.read, landing.accepted, landing.repeated) == (3, 2, 1)
    assert len(home.rows("raw/bundles")) == 2


def test_only_days_with_something_new_are_rewritten(home: Home) -> None:
    home.land([bundle(number) for number in range(16)])
    before = home.lake.file_ids("raw/bundles")
    landing = home.land([bundle(number) for number in range(17)])
    after = home.lake.file_ids("raw/bundles")
    assert (landing.accepted, landing.repeated) == (1, 16)
    assert [day for day in after if after[day] != before[day]] == list(landing.days)
    assert len(landing.days) == 1


BROKEN = {
    "malformed_json": '{"format": "rolecall.session/1", ',
    "not_an_object": "[1, 2]",
    "mistyped_number": bundle(1, turns=[{"speaker": "learner", "text": "Hi", "start_s": "soon"}]),
    "mistyped_truth": bundle(2, is_test="perhaps"),
    "no_turns": bundle(3, turns=None),
    "naive_time": bundle(4, started_at="2026-11-02T09:00:00"),
    "a_date": bundle(5, started_at="2026-11-02"),
    "in_the_future": bundle(6, started_at="2031-01-01T00:00:00Z"),
    "long_ago": bundle(7, started_at="1998-01-01T00:00:00Z"),
    "other_format": bundle(8, format="rolecall.session/9"),
    "no_id": bundle(9, engine_session_id=None),
    "bad_tenant": bundle(10, tenant="../etc"),
}
RULES = {
    "malformed_json": "malformed_json",
    "not_an_object": "malformed_json",
    "mistyped_number": "wrong_type",
    "mistyped_truth": "wrong_type",
    "no_turns": "turns_present",
    "naive_time": "started_at_is_utc_time",
    "a_date": "started_at_is_utc_time",
    "in_the_future": "started_at_plausible",
    "long_ago": "started_at_plausible",
    "other_format": "format_known",
    "no_id": "session_named",
    "bad_tenant": "tenant_well_formed",
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_line_is_refused_and_the_others_go_on(home: Home, case: str) -> None:
    landing = home.land([bundle(20), BROKEN[case], bundle(21)])
    assert (landing.read, landing.accepted, landing.refused) == (3, 2, 1)
    (refusal,) = {(refused.line, refused.rule) for refused in landing.refusals}
    assert refusal == (2, RULES[case])
    stored = Batches(home.state).rejects(landing.batch_id)
    assert stored["line"].to_list() == [2]
    assert len(home.rows("raw/bundles")) == 2


def test_the_message_names_the_place(home: Home) -> None:
    landing = home.land([BROKEN["mistyped_number"]])
    assert "turns[0].start_s is a text, expected a number" in landing.refusals[0].reason


def test_both_ways_of_reading_agree(home: Home, tmp_path: Path) -> None:
    odd = [
        bundle(1, turns=[{"speaker": "learner", "text": 5, "start_s": "4.5"}]),
        bundle(2, is_test="true"),
        bundle(3, turns=[]),
        bundle(4, media=None, signals=[]),
    ]
    fast = home.land(odd)
    careful_home = Home(tmp_path / "careful")
    careful = careful_home.land([*odd, "{"])
    assert fast.accepted == careful.accepted == 4
    assert home.rows("raw/bundles", "content_sha256") == careful_home.rows("raw/bundles", "content_sha256")


def test_packed_and_parquet_files_land_the_same_rows(home: Home, tmp_path: Path) -> None:
    records = [bundle(number) for number in range(5)]
    assert home.land(records).accepted == 5
    packed = tmp_path / "b.jsonl.gz"
    packed.write_bytes(gzip.compress(write(tmp_path / "b.jsonl", records).read_bytes()))
    assert home.land_file(packed).repeated == 5
    parquet = tmp_path / "b.parquet"
    with duckdb.connect() as con:
        con.execute(f"copy (from {reader(str(tmp_path / 'b.jsonl'), TYPES)}) to '{parquet}' (format parquet)")
    assert home.land_file(parquet).repeated == 5


def test_learner_ids_do_not_reach_the_lake(home: Home) -> None:
    home.land([bundle(1, launch={"tenant": "acme", "learner_id": "anna.kowalska@acme.example"})])
    content = b"".join(path.read_bytes() for path in (home.folder / "lake").rglob("*.parquet"))
    assert b"kowalska" not in content
    ((key,),) = home.rows("raw/bundles", "learner_key")
    assert key == home.identities.key("acme", "anna.kowalska@acme.example")


PERCEIVED = {"kind": "perception", "name": "user_visual_analysis", "payload": {"note": "looks sad"}}


@pytest.mark.parametrize("place", ["DE", None, "nowhere"])
def test_perception_is_dropped_before_the_write(home: Home, place: str | None) -> None:
    launch = {"tenant": "acme", "learner_id": "e1", "jurisdiction": place}
    signal = {"kind": "objective", "name": "ack", "state": "completed"}
    hidden_text = [{"speaker": "learner", "text": "Hello VISUAL_SCENE: a tired face"}]
    landing = home.land([bundle(1, launch=launch, signals=[PERCEIVED, signal], turns=hidden_text)])
    content = b"".join(path.read_bytes() for path in (home.folder / "lake").rglob("*.parquet"))
    assert b"looks sad" not in content
    assert b"tired face" not in content
    assert home.rows("raw/bundles", "len(signals), withheld") == [(1, 1)]
    assert landing.withheld == 2
    assert withheld_frame(home.state)["count"].sum() == 2
    home.land([bundle(1, launch=launch, signals=[PERCEIVED, signal], turns=hidden_text)])
    assert withheld_frame(home.state)["count"].sum() == 2, "a repeat is not withheld twice"


def test_what_the_gate_finds_suspect_is_at_least_what_the_engine_hides_notes_behind() -> None:
    assert hidden.SUSPECT in SUSPECT_TEXT


def test_unknown_fields_are_counted_and_not_kept(home: Home) -> None:
    record = bundle(1, mood="sad", turns=[{"speaker": "learner", "text": "Hi", "emotion": "fear"}])
    landing = home.land([record, bundle(2)])
    assert landing.unknown_fields == {"mood": 1, "turns.emotion": 1}
    content = b"".join(path.read_bytes() for path in (home.folder / "lake").rglob("*.parquet"))
    assert b"fear" not in content


def test_tenants_are_checked(home: Home) -> None:
    landing = home.land([bundle(1), bundle(2, tenant="globex"), bundle(3, launch={"learner_id": "e1"})], tenant="acme")
    assert landing.accepted == 2
    assert landing.refusals[0].rule == "tenant_matches"
    assert {row[0] for row in home.rows("raw/bundles", "tenant")} == {"acme"}
    unknown = home.land([bundle(4)], tenants=["globex"])
    assert unknown.refusals[0].rule == "tenant_known"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_session_lies_in_the_earliest_day_that_it_ever_named(home: Home, order: tuple[int, int]) -> None:
    told = [bundle(1, started_at="2026-11-02T00:10:00Z"), bundle(1, started_at="2026-11-01T23:50:00Z")]
    for number in order:
        home.land([told[number], bundle(9)])
    assert {str(day) for day in home.lake.days("raw/bundles")} == {"2026-11-01", "2026-11-02"}
    assert [str(day) for (day,) in home.rows("raw/bundles", "day") if str(day) == "2026-11-01"] == ["2026-11-01"] * 2


def test_a_full_disk_is_one_clear_line_and_leaves_the_lake_as_it_was(home: Home) -> None:
    home.land([bundle(1)])
    before = home.lake.file_ids("raw/bundles")
    with (
        patch("assets.raw.bundles.merge", side_effect=duckdb.IOException("IO Error: No space left on device")),
        pytest.raises(LandingError, match=r"No space left.*free some space"),
    ):
        home.land([bundle(2)])
    assert home.lake.file_ids("raw/bundles") == before
    assert not list((home.folder / "lake" / ".staging").glob("*"))
    assert home.land([bundle(2)]).accepted == 1


def test_a_crash_between_days_is_mended_by_the_next_run(home: Home) -> None:
    records = [bundle(number) for number in range(8)]
    original, calls = Lake.put, []

    def dying(self: Lake, *args: object) -> None:
        calls.append(args)
        if len(calls) > 3:
            raise KeyboardInterrupt
        original(self, *args)  # type: ignore[arg-type]

    with patch.object(Lake, "put", dying), pytest.raises(KeyboardInterrupt):
        home.land(records)
    assert 0 < len(home.rows("raw/bundles")) < 8
    landing = home.land(records)
    assert len(home.rows("raw/bundles")) == 8
    assert landing.accepted + landing.repeated == 8


def test_counts_that_do_not_add_up_are_an_error() -> None:
    with pytest.raises(ValueError, match="do not add up"):
        Landing("b", 3, 1, 1, 0)


def test_a_missing_file_is_said_so(home: Home, tmp_path: Path) -> None:
    with pytest.raises(LandingError, match="no such file"):
        home.land_file(tmp_path / "none.jsonl")


def test_outcomes_land_once_and_keep_nobody(home: Home, tmp_path: Path) -> None:
    records = [
        {"tenant": "acme", "learner_id": "e1", "kind": "deal_won", "value": "120.5", "unit": "EUR",
         "occurred_at": "2026-11-02T09:00:04Z", "reference": "d-1",
         "attributes": {"stage": 4, "contact_name": "Bo Li", "note": "mail bo@x.example"}},
        {"tenant": "acme", "learner_id": "e1", "kind": "csat", "value": "many", "occurred_at": "2026-11-02"},
        {"tenant": "acme", "learner_id": None, "kind": "csat", "value": 4, "occurred_at": "2026-11-03T00:30:00+02:00"},
    ]  # fmt: skip
    path = write(tmp_path / "o.jsonl", records)
    first, again = home.land_outcomes(path), home.land_outcomes(path)
    assert (first.accepted, first.refused, again.accepted, again.repeated) == (2, 1, 0, 2)
    assert {refusal.rule for refusal in first.refusals} == {"occurred_at_naive_time", "value_is_number"}
    assert {str(row[0]) for row in home.rows("raw/outcomes", "day")} == {"2026-11-02"}
    assert json.loads(home.rows("raw/outcomes", "attributes", "reference")[0][0]) == {"stage": 4}
    home.build_outcomes()
    assert home.rows("core/outcomes", "outcome_id, value::varchar") == [("deal_won:d-1", "120.5000")]
    assert home.rows("core/outcomes_quarantine", "broken_rules") == [(["learner_named"],)]
    frame = pl.read_parquet(home.lake.files("core/outcomes"))
    assert frame.height == 1


def test_a_person_who_scores_is_known_by_a_pseudonym_and_is_no_learner(home: Home) -> None:
    def scored(number: int, kind: str, scorer: str) -> dict:
        rubric = {"rubric_id": "plain", "rubric_version": "1", "criteria": [{"criterion_id": "clarity", "score": 3}]}
        return bundle(number, assessments=[rubric | {"scorer": {"kind": kind, "id": scorer, "version": "1"}}])

    home.land([scored(1, "human", "e-boss"), scored(2, "our_llm", "judge"), bundle(3)])
    scorers = {row[0] for row in home.rows("raw/bundles", "unnest(assessments).scorer.id")}
    assert {home.identities.key("acme", "e-boss"), "judge"} <= scorers
    assert "e-boss" not in scorers
    assert home.identities.key("acme", "e-boss") not in home.identities.learners()["learner_key"]
