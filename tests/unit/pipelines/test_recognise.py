"""The kind of a file is told by its content."""

import json
from pathlib import Path

import polars as pl
import pytest

from pipelines.problems import Problem
from pipelines.recognise import Kind, kind_of, recognise, sort

WEBHOOK = {"conversation_id": "c1", "event_type": "system.shutdown", "properties": {}}
BUNDLE = {"format": "rolecall.session/1", "engine_session_id": "s1", "started_at": "2026-11-02T09:00:00Z", "turns": []}
LAUNCH = {"conversation_id": "c1", "tenant": "acme", "learner_id": "e1", "scenario_id": "feedback"}
LEARNER = {"tenant": "acme", "learner_id": "e1", "name": "Ada"}
OUTCOME = {"tenant": "acme", "learner_id": "e1", "kind": "csat", "value": 4}


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        (WEBHOOK, Kind.deliveries),
        ({"channel": "webhook", "received_at": "2026-11-02T09:00:00Z", "body": WEBHOOK}, Kind.deliveries),
        ({"conversation_id": "c1", "objective_name": "x", "output_variables": {}}, Kind.deliveries),
        ({"conversation_id": "c1", "events": []}, Kind.deliveries),
        (BUNDLE, Kind.bundles),
        ({**BUNDLE, "learner_id": "e1"}, Kind.bundles),
        (LAUNCH, Kind.launches),
        (LEARNER, Kind.learners),
        (OUTCOME, Kind.outcomes),
        ({"sessions": 60}, None),
        ({}, None),
    ],
)
def test_kind_of_a_record(record: dict[str, object], kind: Kind | None) -> None:
    assert kind_of(record) == kind


def test_a_bad_first_line_does_not_hide_the_kind(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text("{broken\n\n[1]\n" + json.dumps(BUNDLE))
    assert recognise(path) is Kind.bundles


def test_csv_with_byte_order_mark_and_parquet(tmp_path: Path) -> None:
    table = tmp_path / "deals.csv"
    table.write_text("tenant,learner_id,kind,value\n", encoding="utf-8-sig")
    assert recognise(table) is Kind.outcomes
    columns = tmp_path / "people.parquet"
    pl.DataFrame([LEARNER]).write_parquet(columns)
    assert recognise(columns) is Kind.learners


def test_a_folder_is_taken_in_order_and_foreign_files_are_told(tmp_path: Path) -> None:
    for name, record in {"a": OUTCOME, "b": BUNDLE, "c": WEBHOOK, "d": LAUNCH, "e": LEARNER, "truth": {"n": 1}}.items():
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(record))
    (tmp_path / "video.mp4").write_bytes(b"\0")
    known, foreign = sort([tmp_path, tmp_path / "a.jsonl"])
    assert [kind for kind, _ in known] == list(Kind)
    assert [path.name for path in foreign] == ["truth.jsonl"]


def test_globs(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(BUNDLE))
    known, _ = sort([tmp_path / "*.jsonl"])
    assert len(known) == 1
    with pytest.raises(Problem, match="Nothing matches"):
        sort([tmp_path / "*.csv"])


def test_a_named_file_of_no_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("{}")
    with pytest.raises(Problem, match="none of"):
        sort([path])
    with pytest.raises(Problem, match="no file or folder"):
        sort([tmp_path / "missing"])
