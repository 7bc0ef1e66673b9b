"""The data dictionary in docs is the one that the contracts give."""

from assets import dictionary
from assets.contracts import TABLES


def test_the_dictionary_is_not_stale() -> None:
    assert dictionary.TARGET.read_text("utf-8") == dictionary.render(), "run `python -m assets.dictionary`"


def test_every_column_is_explained() -> None:
    unexplained = [f"{t.path}.{c.name}" for t in TABLES.values() for c in t.columns if len(c.meaning) < 4]
    assert unexplained == []


def test_rules_name_a_reason() -> None:
    missing = [f"{t.path}.{rule}" for t in TABLES.values() for rule in t.rules if rule not in t.reasons]
    assert missing == []
