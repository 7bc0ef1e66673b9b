"""Registry files: three formats, good lines taken, bad ones told with line and remedy."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from integrations.engine.registries import RegistryError, Reject, read_launches, read_learners

LAUNCH = {
    "tenant": "acme", "conversation_id": "c0a11ce", "learner_id": "e1042", "scenario_id": "feedback-1",
    "scenario_version": "3", "attempt": 2, "assigned": True, "region": "EMEA", "jurisdiction": "DE", "language": "en",
    "notice_ref": "n-9", "launched_at": "2026-11-02T08:59:00Z",
}  # fmt: skip


def test_launches_from_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "launches.jsonl"
    lines = [
        json.dumps(LAUNCH),
        "",
        "{",
        "[]",
        json.dumps(LAUNCH | {"attempt": 0}),
        json.dumps(LAUNCH | {"launched_at": "2026-11-02T08:59:00"}),
        json.dumps({"tenant": "acme"}),
        json.dumps(
            {"tenant": "acme", "engine_session_id": "s-1", "engine": "generic", "scenario_version": 3, "mood": "x"}
        ),
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    reading = read_launches(path)
    assert [launch.session_id for launch in reading.records] == ["cvi:c0a11ce", "generic:s-1"]
    assert reading.records[0].launched_at == datetime(2026, 11, 2, 8, 59, tzinfo=UTC)
    assert reading.records[1].scenario_version == "3"
    assert reading.ignored == ["mood"]
    assert reading.read == 7
    assert reading.rejects == [
        Reject(3, "malformed_json", "is not JSON; write one object on each line, in UTF-8"),
        Reject(4, "not_an_object", "is not an object; write one JSON object on each line"),
        Reject(5, "out_of_range", "attempt is too small; attempts count from 1"),
        Reject(6, "naive_time", "launched_at has no UTC offset; write it as 2026-11-02T09:00:04Z"),
        Reject(7, "missing_field", "conversation_id is missing; write it"),
    ]


def test_launches_from_a_spreadsheet(tmp_path: Path) -> None:
    path = tmp_path / "launches.csv"
    path.write_text(
        "\ufefftenant;conversation_id;learner_id;attempt;assigned;notes\n"
        'acme;c1;e1;2;true;"two\nlines"\n'
        ";c2;e2;;no;\n"
        "\n"
        "acme;c3;e3;two;yes;\n"
        "acme;c4;e4;1;yes;;;;\n",
        encoding="utf-8",
    )
    reading = read_launches(path, tenant="acme")
    assert [(one.conversation_id, one.attempt, one.assigned) for one in reading.records] == [
        ("c1", 2, True),
        ("c2", None, False),
    ]
    assert [(bad.line, bad.rule) for bad in reading.rejects] == [(6, "not_a_number"), (7, "too_many_cells")]


def test_a_line_of_another_tenant_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "launches.jsonl"
    path.write_text(json.dumps(LAUNCH), encoding="utf-8")
    assert [bad.rule for bad in read_launches(path, tenant="globex").rejects] == ["other_tenant"]


def test_learners_in_all_three_formats(tmp_path: Path) -> None:
    entry = {"tenant": "acme", "learner_id": "e1", "name": "Ada", "hire_date": "2026-01-07", "left_on": None}
    lines = tmp_path / "learners.jsonl"
    lines.write_text(json.dumps(entry | {"accounts": {"moodle": "17"}}), encoding="utf-8")
    sheet = tmp_path / "learners.csv"
    sheet.write_text(
        "tenant,learner_id,name,hire_date,left_on,accounts,accounts.moodle\nacme,e1,Ada,2026-01-07,,,17\n",
        encoding="utf-8",
    )
    table = tmp_path / "learners.parquet"
    columns = {name: [value] for name, value in entry.items()} | {
        "accounts": ['{"moodle": "17"}'],
        "hire_date": [date(2026, 1, 7)],
    }
    pq.write_table(pa.table(columns), table)
    readings = [read_learners(path) for path in (lines, sheet, table)]
    assert readings[0].records == readings[1].records == readings[2].records
    assert readings[0].records[0].accounts == {"moodle": "17"}
    assert all(not reading.rejects for reading in readings)


def test_reasons_never_quote_the_line(tmp_path: Path) -> None:
    path = tmp_path / "learners.jsonl"
    lines = [{"tenant": "ACME Ltd", "learner_id": "zq"}, {"tenant": "acme", "learner_id": "zq", "hire_date": "zq"}]
    lines += [{"tenant": "acme", "learner_id": "zq", "accounts": "zq"}, {"tenant": "acme", "learner_id": ["zq"]}]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    reading = read_learners(path)
    assert len(reading.rejects) == 4
    assert not any("zq" in bad.reason or "Ltd" in bad.reason for bad in reading.rejects)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gone.csv", None, "no such file"),
        ("x.xlsx", b"PK", "the name must end in"),
        ("latin.csv", "tenant,name\nacme,Z\xfcrich".encode("latin-1"), "not UTF-8"),
        ("empty.csv", b"", "the first line must name the columns"),
        ("x.parquet", b"PAR1", "not Parquet"),
    ],
)
def test_a_file_that_cannot_be_read(name: str, content: bytes | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RegistryError, match=message):
        read_learners(path)
