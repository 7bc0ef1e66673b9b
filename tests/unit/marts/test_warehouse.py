"""The working file: whatever changes in the lake, a partial rebuild gives what a whole one would."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from support.lake import touch_day, write_lake
from support.synthetic import Draw, catalog_frames, core_frames

from assets.contracts import MARTS, PUBLISHED
from assets.lake import Lake
from assets.marts.loading import LEDGER_TABLES
from assets.marts.publish import manifest_of, publish
from assets.marts.tables import LMS_ACTIVITIES
from assets.marts.tenants import tenants
from assets.marts.warehouse import Reference, Refreshed, Warehouse

RULES = Reference(catalog_frames(), 10)
NOW = datetime(2026, 11, 3, 6, tzinfo=UTC)


class Place:
    """A lake with drawn sessions and the warehouse over it."""

    def __init__(self, root: Path, rules: Reference = RULES) -> None:
        self.rules = rules
        self.frames = core_frames(Draw(sessions=900, learners=60, days=35))
        self.lake = Lake(root / "lake")
        write_lake(self.lake, self.frames)
        self.root = root
        self.warehouse = Warehouse(root / "marts" / "acme", "acme")

    def refresh(self, **options: bool) -> Refreshed:
        return self.warehouse.refresh(self.lake, self.rules, **options)

    def tables(self, warehouse: Warehouse | None = None) -> dict[str, pl.DataFrame]:
        with (warehouse or self.warehouse).open() as con:
            return {
                name: con.sql(f'select * from "{name}" order by {", ".join(t.key)}').pl()
                for name, t in PUBLISHED.items()
            }

    def agrees_with_a_whole_rebuild(self) -> None:
        other = Warehouse(self.root / "other", "acme")
        other.discard()
        other.refresh(self.lake, self.rules)
        mine, whole = self.tables(), self.tables(other)
        for name in PUBLISHED:
            assert_frame_equal(mine[name], whole[name], rel_tol=1e-9, abs_tol=1e-9)
        assert_frame_equal(self.exposures(), self.exposures(other), rel_tol=1e-9, abs_tol=1e-9)

    def exposures(self, warehouse: Warehouse | None = None) -> pl.DataFrame:
        """What is kept of practice before each outcome."""
        with (warehouse or self.warehouse).open() as con:
            return con.sql("select * from ledger.main.exposures order by outcome_id, exposure").pl()

    def publish(self, now: datetime = NOW, keep: int = 3):
        done = self.refresh()
        return publish(
            self.warehouse.working, self.warehouse.folder, done.digests, now=now, keep=keep, facts={"minimum_cell": 10}
        )


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    made.refresh()
    return made


def day_of(place: Place, number: int) -> date:
    return place.lake.days("core/sessions")[number]


def test_a_second_refresh_finds_nothing_to_do(place: Place) -> None:
    done = place.refresh()
    assert not done.whole
    assert not any(done.changed.values())


def test_a_revised_score_reaches_every_mart_it_concerns(place: Place) -> None:
    day = day_of(place, 10)
    touch_day(place.lake, "core/criterion_scores", day, "scaled = 1 - scaled")
    before = place.tables()
    done = place.refresh()
    assert done.changed["criterion_scores"] == [day]
    assert not done.whole
    after = place.tables()
    assert not after["competency_trend"].equals(before["competency_trend"])
    assert not after["learner_progress"].equals(before["learner_progress"])
    place.agrees_with_a_whole_rebuild()


def test_a_day_that_vanishes_takes_its_sessions_with_it(place: Place) -> None:
    day = day_of(place, 3)
    for name in ("sessions", "session_scores", "criterion_scores", "signals", "media"):
        place.lake.put(f"core/{name}", None, day)
    place.refresh()
    assert day not in place.tables()["data_health"]["day"].to_list()
    place.agrees_with_a_whole_rebuild()


def test_a_new_day_with_new_people_and_a_new_guardrail(place: Place) -> None:
    late = core_frames(Draw(sessions=60, learners=80, days=1, start=date(2026, 9, 20), seed=5))
    renamed = {
        name: frame.with_columns(pl.col("session_id").str.replace("cvi:c", "cvi:d"))
        if "session_id" in frame.columns
        else frame
        for name, frame in late.items()
        if name in ("sessions", "session_scores", "criterion_scores", "signals", "media")
    }
    signals = renamed["signals"].with_columns(
        name=pl.when(pl.col("kind") == "guardrail").then(pl.lit("never_seen_before")).otherwise(pl.col("name"))
    )
    renamed["signals"] = signals
    everything = {
        name: pl.concat([place.frames[name], renamed[name]], how="diagonal_relaxed")
        if name in renamed
        else place.frames[name]
        for name in place.frames
    }
    write_lake(place.lake, everything)
    done = place.refresh()
    assert done.changed["sessions"] == [date(2026, 9, 20)]
    assert "never_seen_before" in set(place.tables()["guardrail_board"]["guardrail"])
    place.agrees_with_a_whole_rebuild()


def test_a_launch_waits_as_launched_until_its_session_comes_in_another_week(place: Place) -> None:
    launches = place.frames["launches"]
    lone = launches.head(1).with_columns(
        session_id=pl.lit("cvi:c-late"), launched_at=pl.lit(datetime(2026, 8, 11, 9, tzinfo=UTC))
    )
    write_lake(place.lake, {"launches": pl.concat([launches, lone], how="vertical_relaxed")})
    place.refresh()
    place.agrees_with_a_whole_rebuild()

    came = (
        place.frames["sessions"]
        .head(1)
        .with_columns(
            session_id=pl.lit("cvi:c-late"),
            started_at=pl.lit(datetime(2026, 9, 1, 9, tzinfo=UTC)),
            day=pl.lit(date(2026, 9, 1)),
        )
    )
    write_lake(place.lake, {"sessions": pl.concat([place.frames["sessions"], came], how="diagonal_relaxed")})
    place.refresh()
    place.agrees_with_a_whole_rebuild()


def test_a_grade_that_arrives_alone_is_compared(tmp_path: Path) -> None:
    """No session changed, so that nothing but the outcome says that there is work."""
    person = "l_nobody"
    activities = pl.DataFrame([("acme", "moodle", "13", "sales-discovery")], schema=LMS_ACTIVITIES, orient="row")
    place = Place(tmp_path, Reference({**catalog_frames(), "lms_activities": activities}, 10))
    place.refresh()
    late = datetime(2027, 1, 4, 9, tzinfo=UTC)
    grade = place.frames["outcomes"].head(1).with_columns(
        outcome_id=pl.lit("moodle/grades/13:5"), reference=pl.lit("moodle/grades/13:5"), source=pl.lit("moodle"),
        kind=pl.lit("lms_grade"), value=1.0, unit=pl.lit("share"),
        learner_key=pl.lit(person), occurred_at=pl.lit(late), day=pl.lit(late.date()),
        attributes=pl.lit('{"activity": "13"}'),
    )  # fmt: skip
    write_lake(place.lake, {"outcomes": pl.concat([place.frames["outcomes"], grade], how="diagonal_relaxed")})
    done = place.refresh()
    assert [name for name, days in done.changed.items() if days] == ["outcomes"]
    held = place.tables()["lms_reconciliation"].filter(pl.col("learner_key") == person)
    assert held.select("class", "severity", "lms_score").rows() == [("no_session", "high", 1.0)]
    place.agrees_with_a_whole_rebuild()


def with_deals(place: Place) -> pl.DataFrame:
    """The drawn outcomes, and a won deal of each learner that was created a week after the first practice day."""
    drawn = place.frames["outcomes"]
    created = datetime.combine(day_of(place, 7), datetime.min.time(), UTC)
    deals = drawn.with_columns(
        outcome_id=pl.lit("deal:") + pl.col("learner_key"), kind=pl.lit("deal_won"), exposure_from=pl.lit(created)
    )
    return pl.concat([drawn, deals], how="diagonal_relaxed")


def test_practice_reaches_the_outcomes_after_it_alone(place: Place) -> None:
    write_lake(place.lake, {"outcomes": with_deals(place)})
    place.refresh()
    place.agrees_with_a_whole_rebuild()
    before = place.exposures()
    assert set(before["outcome_id"].str.split(":").list.first()) == {"csat", "deal"}

    day = day_of(place, 20)
    touch_day(place.lake, "core/criterion_scores", day, "scaled = 1 - scaled")
    touch_day(place.lake, "core/session_scores", day, "overall = 1 - overall")
    assert not place.refresh().whole
    after = place.exposures()
    assert not after.equals(before)
    earlier = pl.col("outcome_id").str.starts_with("deal:") | (pl.col("day") < day)
    assert_frame_equal(after.filter(earlier), before.filter(earlier))
    place.agrees_with_a_whole_rebuild()

    for name in ("sessions", "session_scores", "criterion_scores"):
        touch_day(place.lake, f"core/{name}", day_of(place, 3), "learner_key = 'l_' || repeat('0', 32)")
    assert not place.refresh().whole
    assert place.exposures().filter(earlier).height < before.filter(earlier).height
    place.agrees_with_a_whole_rebuild()


def test_outcomes_that_change_hands_move_or_vanish(place: Place) -> None:
    write_lake(place.lake, {"outcomes": with_deals(place)})
    place.refresh()
    days = place.lake.days("core/outcomes")
    other = place.frames["learners"]["learner_key"][5]
    touch_day(place.lake, "core/outcomes", days[9], f"learner_key = '{other}'")
    touch_day(place.lake, "core/outcomes", days[15], "exposure_from = timestamptz '2026-08-06 00:00:00+00'")
    place.lake.put("core/outcomes", None, days[12])
    before = place.exposures()
    assert not place.refresh().whole
    after = place.exposures()
    assert days[12] in set(before["day"])
    assert days[12] not in set(after["day"])
    place.agrees_with_a_whole_rebuild()

    moved = with_deals(place).with_columns(day=pl.col("day") + timedelta(days=1))
    write_lake(place.lake, {"outcomes": moved})
    assert not place.refresh().whole
    place.agrees_with_a_whole_rebuild()


def test_learners_who_move_region(place: Place) -> None:
    moved = place.frames["learners"].with_columns(
        region=pl.when(pl.int_range(pl.len()) == 0).then(pl.lit("LATAM")).otherwise(pl.col("region"))
    )
    write_lake(place.lake, {"learners": moved})
    place.refresh()
    assert "LATAM" in place.tables()["learner_progress"]["region"].to_list()
    place.agrees_with_a_whole_rebuild()


def test_what_a_learner_turns_out_not_to_have_done_vanishes(place: Place) -> None:
    first, second = day_of(place, 5), day_of(place, 20)
    touch_day(place.lake, "core/sessions", first, "scenario_id = 'difficult-feedback'")
    touch_day(place.lake, "core/criterion_scores", first, "competency = 'clarity'")
    for name in ("sessions", "session_scores", "criterion_scores"):
        touch_day(place.lake, f"core/{name}", second, "learner_key = 'l_' || repeat('0', 32)")
    touch_day(place.lake, "core/session_scores", second, "review_state = 'rejected'")
    assert not place.refresh().whole
    place.agrees_with_a_whole_rebuild()
    touch_day(place.lake, "core/sessions", first, "is_test = true")
    touch_day(place.lake, "core/session_scores", second, "review_state = 'accepted'")
    assert not place.refresh().whole
    place.agrees_with_a_whole_rebuild()


def test_a_run_that_died_costs_a_rebuild_and_no_figure(place: Place) -> None:
    with place.warehouse.open() as con:
        con.execute("insert or replace into ledger.main.facts values ('state', 'torn')")
        con.execute("delete from competency_trend")
    assert place.refresh().whole
    place.agrees_with_a_whole_rebuild()


def test_what_an_earlier_release_staged_is_dropped(place: Place) -> None:
    with place.warehouse.open() as con:
        con.execute("create table ledger.main.numbered as select learner_key from attempts")
    place.refresh()
    with place.warehouse.open() as con:
        found = con.sql("select table_name from duckdb_tables() where database_name = 'ledger'").fetchall()
    assert {name for (name,) in found} == LEDGER_TABLES


def test_another_minimum_cell_rebuilds_the_marts(place: Place) -> None:
    done = place.warehouse.refresh(place.lake, Reference(catalog_frames(), 7))
    assert done.whole
    assert not any(done.changed.values())


def test_the_file_holds_one_tenant_alone(place: Place) -> None:
    other = {name: frame.with_columns(tenant=pl.lit("globex")) for name, frame in place.frames.items()}
    both = {name: pl.concat([place.frames[name], other[name]]) for name in other}
    write_lake(place.lake, both)
    place.refresh()
    for name, frame in place.tables().items():
        assert set(frame["tenant"]) <= {"acme"}, name
    assert tenants(place.lake, place.root / "marts") == ["acme", "globex"]


def test_publishing_twice_changes_nothing(place: Place) -> None:
    first = place.publish()
    again = place.publish(now=NOW + timedelta(hours=1))
    assert first.new
    assert not again.new
    assert again.path == first.path
    assert (place.warehouse.folder / "current").resolve() == first.path


def test_a_rewritten_file_with_the_same_rows_publishes_nothing(place: Place) -> None:
    place.publish()
    touch_day(place.lake, "core/sessions", day_of(place, 2), "duration_s = duration_s")
    assert not place.publish(now=NOW + timedelta(hours=1)).new


def test_versions_are_kept_up_to_the_limit_and_readers_keep_theirs(place: Place) -> None:
    versions = []
    for hour in range(5):
        touch_day(place.lake, "core/sessions", day_of(place, 2))
        versions.append(place.publish(now=NOW + timedelta(hours=hour)).path)
    left = sorted(place.warehouse.folder.glob("marts-*.duckdb"))
    assert left == versions[-3:]
    assert (place.warehouse.folder / "current").resolve() == versions[-1]
    assert {file.stem for file in place.warehouse.folder.glob("marts-*.json")} == {file.stem for file in left}


def test_the_manifest_tells_what_the_file_holds(place: Place) -> None:
    version = place.publish()
    manifest = manifest_of(place.warehouse.folder)
    assert manifest is not None
    assert manifest["tables"]["sessions"] == 900
    assert set(manifest["tables"]) == set(PUBLISHED)
    assert manifest["policy_versions"] == ["2026-09"]
    assert manifest["minimum_cell"] == 10
    assert manifest["bytes"] == version.path.stat().st_size


def test_a_table_that_is_not_in_the_contract_is_not_published(place: Place) -> None:
    done = place.refresh()
    with place.warehouse.open() as con:
        con.execute("create table turns (text varchar)")
    with pytest.raises(ValueError, match="unknown \\['turns'\\]"):
        publish(place.warehouse.working, place.warehouse.folder, done.digests, now=NOW, keep=3, facts={})


def test_marts_have_rows_unless_the_drawn_sessions_say_nothing(place: Place) -> None:
    # Nobody scored twice, no document was cited, no deal, ramp or LMS grade recorded, no costs configured.
    silent = {
        "scorer_agreement",
        "knowledge_use",
        "ramp_curve",
        "rollout_effects",
        "practice_return",
        "lms_reconciliation",
    }
    tables = place.tables()
    assert {table.name for table in MARTS if tables[table.name].is_empty()} == silent
