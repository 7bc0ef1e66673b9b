"""Perception of a German learner is written nowhere, whatever the format that carried it."""

import json
import re
from base64 import b64encode
from pathlib import Path

import polars as pl
import pytest
from support.command import Command
from support.perception import FREE, MIXED, OUTRIGHT
from support.planted import PREFIX
from support.practised import Practised
from support.traces import everything

NOTE = re.compile(PREFIX.encode() + rb"[a-z]{4}")
ENCODED = b64encode(PREFIX.encode())  # six bytes: the same eight letters whatever follows them


@pytest.fixture(scope="module")
def words(practised: Practised) -> set[bytes]:
    """Every note that was delivered."""
    return {word for path in practised.planted.iterdir() for word in NOTE.findall(path.read_bytes())}


def test_notes_were_planted_in_every_format(words: set[bytes]) -> None:
    assert len(words) > len(MIXED) * 10 + len(FREE) * 10 + len(OUTRIGHT)


def test_no_note_is_anywhere(practised: Practised, tmp_path: Path) -> None:
    home = practised.copy(tmp_path / "home", whole=True)
    opened = list(everything(home)) + list(everything(practised.statements))
    opened.append((practised.said, practised.said.read_bytes()))
    found = {
        (str(path), word)
        for path, content in opened
        for word in {*NOTE.findall(content), *re.findall(ENCODED, content)}
    }
    assert found == set()
    layers = {path.relative_to(home).parts[0] for path, _ in opened if path.is_relative_to(home)}
    assert layers >= {"audit", "dagster", "exports", "lake", "marts", "state.db"}, "these were searched"
    assert any(b"send it on Friday" in content for _, content in opened), "what she said is kept"


def test_what_was_withheld_is_told_and_the_search_finds_a_note(practised: Practised, tmp_path: Path) -> None:
    rolecall = Command(practised.copy(tmp_path / "home"))
    rows = json.loads(rolecall("privacy", "withheld", "--search", "--format", "json"))
    german = {row["signal_class"]: row for row in rows if row["jurisdiction"] == "DE"}
    assert german["perception"]["fields"] > 50
    assert german["perception"]["verdict_today"] == "deny"
    assert len({row["policy_version"] for row in rows}) == 1
    assert json.loads(rolecall("privacy", "withheld", "--to", "2026-10-01", "--format", "json")) == []

    _let_through(
        rolecall.home, "body", "raw/deliveries", '{"conversation_id": "c0a11ce", "properties": {"gaze": "away"}}'
    )
    _let_through(rolecall.home, "text", "core/turns", "Yes. <user_audio_analysis>tense</user_audio_analysis>")
    said = rolecall.fails("privacy", "withheld", "--search")
    assert "raw/deliveries: 1 rows of DE hold" in said
    assert "core/turns: 1 rows of DE hold perception, such as session cvi:c0a11ce" in said


def _let_through(home: Path, column: str, table: str, value: str) -> None:
    """Write what the gate should have kept out into the first row of the planted session."""
    for path in (home / "lake" / table).rglob("*.parquet"):
        rows = pl.read_parquet(path, hive_partitioning=False).with_row_index()
        mine = rows.filter(pl.col("session_id") == "cvi:c0a11ce")["index"]
        if mine.len():
            spoiled = pl.when(pl.col("index") == mine[0]).then(pl.lit(value)).otherwise(column)
            rows.with_columns(spoiled.alias(column)).drop("index").write_parquet(path)
