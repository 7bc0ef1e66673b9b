"""The identity store, on SQLite and PostgreSQL."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from pydantic import ValidationError

from governance.identities import DirectoryEntry, Identities, Person, learner_key
from governance.recorded import Recorded
from governance.state import State

SECRET = b"a secret of thirty-two bytes ....."


@pytest.fixture
def identities(state: State) -> Identities:
    return Identities(state, SECRET)


def entry(learner_id: str = "e1", **fields: object) -> DirectoryEntry:
    return DirectoryEntry.model_validate({"tenant": "acme", "learner_id": learner_id, **fields})


def test_a_directory_entry_becomes_a_learner_and_a_person(identities: Identities) -> None:
    ada = entry(name="Ada", email="ada@example.com", region="EMEA", manager_id="e9", hire_date="2024-05-01")
    assert identities.record([ada]) == Recorded(new=1)
    key = learner_key(SECRET, "acme", "e1")
    assert identities.person("acme", key) == Person("acme", key, "e1", "Ada", "ada@example.com", {})
    assert identities.person("globex", key) is None
    (row,) = identities.learners().to_dicts()
    assert row == {
        "tenant": "acme",
        "learner_key": key,
        "region": "EMEA",
        "jurisdiction": None,
        "role": None,
        "manager_key": learner_key(SECRET, "acme", "e9"),
        "hire_date": date(2024, 5, 1),
        "left_on": None,
        "in_directory": True,
    }


def test_the_learners_frame_names_nobody(identities: Identities) -> None:
    identities.record([entry("id-of-ada", name="Ada", email="ada@example.com", manager_id="id-of-eve")])
    shown = identities.learners().write_csv()
    assert not any(word in shown for word in ("Ada", "ada@", "id-of-ada", "id-of-eve"))


def test_the_same_again_is_the_same_and_another_statement_is_a_change(identities: Identities) -> None:
    first = [entry("e1", region="EMEA", accounts={"lms": "7"}), entry("e2", role="Sales")]
    assert identities.record(first) == Recorded(new=2)
    assert identities.record(first) == Recorded(same=2)
    assert identities.record([entry("e1", region="APAC"), entry("e2")]) == Recorded(changed=1, same=1)
    assert identities.learners()["region"].to_list().count("APAC") == 1


def test_an_empty_field_keeps_what_another_source_said(identities: Identities) -> None:
    identities.record([entry(name="Ada", region="EMEA", accounts={"lms": "7"})])
    identities.record([entry(name="", region=None, role="Sales", accounts={"crm": "9"})])
    person = identities.person("acme", learner_key(SECRET, "acme", "e1"))
    assert person is not None
    assert (person.name, person.accounts) == ("Ada", {"lms": "7", "crm": "9"})


def test_whoever_is_hired_again_has_not_left(identities: Identities) -> None:
    identities.record([entry(hire_date="2020-01-01", left_on="2022-01-01")])
    identities.record([entry(hire_date="2020-01-01")])
    assert identities.learners()["left_on"].to_list() == [date(2022, 1, 1)]
    identities.record([entry(hire_date="2024-01-01")])
    assert identities.learners()["left_on"].to_list() == [None]


def test_the_later_of_two_entries_in_one_file_wins(identities: Identities) -> None:
    assert identities.record([entry(region="EMEA"), entry(region="APAC")]) == Recorded(new=1, changed=1)
    assert identities.learners()["region"].to_list() == ["APAC"]


def test_ids_met_elsewhere_are_registered_outside_the_directory(identities: Identities) -> None:
    keys = identities.keys("acme", ["e1", "e2", "e1"])
    assert keys == {"e1": learner_key(SECRET, "acme", "e1"), "e2": learner_key(SECRET, "acme", "e2")}
    assert identities.keys("acme", ["e1"]) == {"e1": keys["e1"]}
    assert identities.learners()["in_directory"].to_list() == [False, False]
    assert identities.record([entry("e1", name="Ada")]) == Recorded(new=1)
    assert sorted(identities.learners()["in_directory"].to_list()) == [False, True]


def test_an_id_that_no_database_stores_still_gets_a_key(identities: Identities) -> None:
    keys = identities.keys("acme", ["odd\x00id", "half\ud800pair"])
    assert len(set(keys.values())) == 2
    assert identities.keys("acme", list(keys)) == keys
    assert identities.learners().height == 2


def test_two_writers_register_the_same_learners_at_once(identities: Identities) -> None:
    ids = [f"e{number}" for number in range(500)]
    with ThreadPoolExecutor(4) as pool:
        assert (
            len({str(sorted(keys.items())) for keys in pool.map(lambda _: identities.keys("acme", ids), range(4))}) == 1
        )
        list(pool.map(lambda _: identities.record([entry(id_, region="EMEA") for id_ in ids]), range(4)))
    assert identities.learners().height == 500


@pytest.mark.parametrize(
    "fields",
    [
        {"learner_id": ""},
        {"learner_id": "  "},
        {"tenant": "../acme", "learner_id": "e1"},
        {"tenant": "Acme Corp", "learner_id": "e1"},
        {"learner_id": "e1", "hire_date": "yesterday"},
        {"learner_id": "e1", "salary": 1},
        {"learner_id": "e\x001"},
        {"learner_id": "e1", "name": "A\x00da"},
        {"learner_id": "\ud800"},
    ],
)
def test_an_entry_that_makes_no_sense_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        DirectoryEntry.model_validate({"tenant": "acme", **fields})


def test_twenty_thousand_learners_take_seconds(identities: Identities) -> None:
    entries = [entry(f"e{number}", name="N", manager_id="e0", accounts={"lms": "1"}) for number in range(20_000)]
    start = time.perf_counter()
    assert identities.record(entries) == Recorded(new=20_000)
    assert identities.record(entries) == Recorded(same=20_000)
    assert time.perf_counter() - start < 30  # about 3 s on two idle cores
