"""The launch registry, on SQLite and PostgreSQL."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from governance.identities import DirectoryEntry, Identities, learner_key
from governance.launches import FRAME, Launch, Launches
from governance.recorded import Recorded
from governance.state import State

SECRET = b"a secret of thirty-two bytes ....."
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def launches(state: State) -> Launches:
    return Launches(state, Identities(state, SECRET))


def launch(conversation_id: str = "c1", **fields: object) -> Launch:
    return Launch.model_validate({"tenant": "acme", "conversation_id": conversation_id, "learner_id": "e1", **fields})


def test_a_launch_binds_a_session_to_a_learner(launches: Launches) -> None:
    said = launch(scenario_id="feedback", scenario_version="3", attempt=2, assigned=True, jurisdiction="DE")
    assert launches.record([said], NOW) == Recorded(new=1)
    (row,) = launches.frame().to_dicts()
    assert list(row) == list(FRAME)
    assert row["session_id"] == "cvi:c1"
    assert row["learner_key"] == learner_key(SECRET, "acme", "e1")
    assert (row["scenario_id"], row["attempt"], row["assigned"], row["launched_at"]) == ("feedback", 2, True, NOW)
    assert launches.jurisdiction("acme", "cvi:c1") == "DE"
    assert launches.jurisdiction("globex", "cvi:c1") is None
    assert launches.jurisdiction("acme", "cvi:c2") is None
    assert launches.tenant_of("cvi:c1") == "acme"
    assert launches.tenant_of("cvi:c2") is None


def test_the_learner_id_stays_out_of_the_registry(launches: Launches, state: State) -> None:
    launches.record([launch(learner_id="id-of-ada")], NOW)
    assert "id-of-ada" not in launches.frame().write_csv()
    assert state.engine.connect().exec_driver_sql("select count(*) from identities").scalar() == 1


def test_a_contradiction_is_counted_and_the_one_received_last_stands(launches: Launches) -> None:
    assert launches.record([launch(region="EMEA")], NOW) == Recorded(new=1)
    assert launches.record([launch(region="EMEA")], LATER) == Recorded(same=1)
    assert launches.record([launch(region="APAC")], LATER) == Recorded(changed=1)
    assert launches.record([launch(region="EMEA")], NOW) == Recorded(same=1)
    assert launches.frame()["region"].to_list() == ["APAC"]
    assert launches.frame()["launched_at"].to_list() == [NOW]


def test_within_one_file_the_later_line_stands(launches: Launches) -> None:
    assert launches.record([launch(attempt=1), launch(attempt=2)], NOW) == Recorded(new=1, changed=1)
    assert launches.frame()["attempt"].to_list() == [2]


def test_a_session_that_two_tenants_claim_belongs_to_neither(launches: Launches) -> None:
    launches.record([launch(), launch(tenant="globex")], NOW)
    assert launches.tenant_of("cvi:c1") is None
    assert launches.frame(tenant="globex")["tenant"].to_list() == ["globex"]


def test_the_directory_says_the_jurisdiction_where_the_launch_does_not(launches: Launches) -> None:
    launches.record([launch("c1"), launch("c2", jurisdiction="US"), launch("c3", learner_id=None)], NOW)
    launches.identities.record([DirectoryEntry(tenant="acme", learner_id="e1", jurisdiction="DE")])
    assert launches.frame()["jurisdiction"].to_list() == ["DE", "US", None]
    assert launches.jurisdictions("acme", ["cvi:c1", "cvi:c2", "cvi:c3"]) == {"cvi:c1": "DE", "cvi:c2": "US"}


def test_a_reader_asks_for_what_changed_since_it_last_looked(launches: Launches) -> None:
    launches.record([launch("c1"), launch("c2")], NOW)
    seen = launches.last_change()
    launches.record([launch("c1"), launch("c2", region="EMEA"), launch("c3")], LATER)
    assert launches.frame(since_change=seen)["session_id"].to_list() == ["cvi:c2", "cvi:c3"]
    assert launches.frame(since_change=launches.last_change()).height == 0
    assert launches.frame(session_ids=["cvi:c1", "cvi:c9"])["session_id"].to_list() == ["cvi:c1"]


def test_an_empty_registry_has_the_shape_of_a_full_one(launches: Launches) -> None:
    assert dict(launches.frame().schema) == FRAME
    assert launches.last_change() == 0


def test_two_writers_number_their_changes_one_after_the_other(launches: Launches) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: launches.record([launch(f"c{number}")], NOW), range(20)))
    assert launches.last_change() == 20
    assert [launches.frame(since_change=number).height for number in range(20)] == list(range(20, 0, -1))


@pytest.mark.parametrize(
    "fields",
    [
        {"conversation_id": ""},
        {"tenant": "a/b"},
        {"attempt": 0},
        {"attempt": "second"},
        {"launched_at": "2026-11-02T09:00:00"},
        {"launched_at": "yesterday"},
        {"learner_name": "Ada"},
        {"engine": "no:colons"},
    ],
)
def test_a_launch_that_makes_no_sense_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        launch(**fields)


def test_a_csv_writes_absent_as_empty() -> None:
    said = launch(learner_id="", attempt="", assigned="", region="", launched_at="")
    assert (said.learner_id, said.attempt, said.assigned, said.region, said.launched_at) == (None,) * 5
    assert launch(assigned="true", attempt="2").attempt == 2


def test_many_launches_take_seconds(launches: Launches) -> None:
    wanted = [launch(f"c{number}", learner_id=f"e{number % 6_000}", launched_at=NOW) for number in range(30_000)]
    start = time.perf_counter()
    assert launches.record(wanted, NOW) == Recorded(new=30_000)
    assert launches.record(wanted, LATER) == Recorded(same=30_000)
    assert launches.frame().height == 30_000
    assert time.perf_counter() - start < 30  # about 2 s on two idle cores; with plain IN lists PostgreSQL took minutes
