"""Counting words over the bytes of many texts at once gives what splitting each text gives."""

import duckdb
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from assets.core import words


def by_splitting(text: str) -> int:
    blanked = "".join(letter if letter > " " else " " for letter in text)
    return len([word for word in blanked.split(" ") if word])


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]) | st.just(" "))))
def test_every_text_has_its_own_count(texts: list[str]) -> None:
    counted = words.count_words(pa.array(texts, pa.string()))
    assert counted.to_pylist() == [by_splitting(text) for text in texts]


def test_a_slice_and_chunks_are_counted_as_they_stand() -> None:
    texts = pa.array(["left out", "one", "", " two  words\n", "left out"])
    assert words.count_words(texts.slice(1, 3)).to_pylist() == [1, 0, 2]
    assert words.count_words(pa.chunked_array([texts.slice(1, 1), texts.slice(3, 1)])).to_pylist() == [1, 2]


def test_duckdb_counts_what_is_there_and_leaves_null_alone() -> None:
    with duckdb.connect() as con:
        words.teach(con)
        found = con.sql(
            "select words(text) from (values ('Ça va, merci.'), (null), (''), ('  ')) as t (text)"
        ).fetchall()
    assert found == [(3,), (None,), (0,), (0,)]
