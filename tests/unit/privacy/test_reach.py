"""No table that names people is forgotten by subject access and erasure."""

import pytest

from assets.contracts import TABLES as CONTRACTS
from assets.subject import LAYERS, condition_of
from governance.privacy.reach import NOBODY, PLACES, TABLES

NAMING = {"learner_key", "session_id", "email", "external_id"}


def test_every_table_of_the_state_database_is_declared() -> None:
    assert PLACES.keys() | NOBODY.keys() == TABLES.keys()
    assert not PLACES.keys() & NOBODY.keys()


@pytest.mark.parametrize("name", sorted(NOBODY))
def test_a_table_about_nobody_names_nobody(name: str) -> None:
    assert not NAMING & set(TABLES[name].c.keys())


@pytest.mark.parametrize("name", sorted(PLACES))
def test_a_place_names_columns_that_exist(name: str) -> None:
    assert PLACES[name].by
    assert set(PLACES[name].by.values()) <= set(TABLES[name].c.keys())


@pytest.mark.parametrize("path", sorted(path for path, table in CONTRACTS.items() if table.layer in LAYERS))
def test_every_table_of_the_lake_is_reached(path: str) -> None:
    assert condition_of(CONTRACTS[path]) is not None


def test_marts_that_name_people_are_reached() -> None:
    personal = {
        table.name
        for table in CONTRACTS.values()
        if any(column.personal != "none" or column.name in NAMING for column in table.columns)
    }
    reached = {table.name for table in CONTRACTS.values() if condition_of(table) is not None}
    # Of people at an LMS whom no learner matches: whoever is matched is not in it.
    assert personal - reached == {"lms_unmatched"}
