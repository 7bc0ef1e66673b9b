"""Exports in a folder, and the outcomes that follow from hire dates: ramp, retention, CSAT by window."""

import contextlib
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import polars as pl
import pytest
from support.crm import PEOPLE, CrmHome

from integrations.sources import SourceError

DEALS = {
    "object": "deals-*",
    "as": "deal",
    "id": "deal",
    "fields": {"stage": "stage", "amount": "amount", "opened_at": "opened", "closed_at": "closed"},
    "constants": {"currency": "EUR"},
    "people": [{"field": "owner", "match": "learner_id"}],
    "stages": {"won": "won", "lost": "lost", "open": "open"},
}
ROWS = [
    {"deal": "007", "stage": "won", "amount": "1234.50", "opened": "2026-09-01 08:00", "closed": "2026-10-05",
     "owner": "e1"},
    {"deal": "008", "stage": "lost", "amount": None, "opened": None, "closed": "2026-10-06", "owner": "e2"},
    {"deal": "009", "stage": "open", "amount": "7", "opened": None, "closed": None, "owner": "e1"},
]  # fmt: skip
EXPECTED = {
    ("deal_won", Decimal("1234.5000"), "drops/deals/007", datetime(2026, 9, 1, 6, tzinfo=UTC)),
    ("deal_lost", None, "drops/deals/008", None),
}


class Drops:
    """The folder and the home that reads it."""

    def __init__(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "drops"
        self.folder.mkdir()
        self.home = CrmHome(tmp_path / "home")
        self.home.know(PEOPLE)

    def connect(self, read: dict[str, Any], **more: Any) -> None:
        options = {"folder": str(self.folder), "zone": "Europe/Berlin"}
        self.home.write("drops", {"system": "files", "options": options, "read": read, **more})

    def put(self, name: str, text: str, encoding: str = "utf-8") -> None:
        (self.folder / name).write_text(text, encoding)

    def outcomes(self) -> set[tuple]:
        return set(self.home.outcomes("kind, value, reference, exposure_from"))


def bomb(path: Path, sheet: bytes | None = None) -> None:
    """The workbook with a sheet exchanged: for one that unpacks to 600 MB, or for ``sheet``."""
    whole = path.with_suffix(".whole")
    path.rename(whole)
    with ZipFile(whole) as old, ZipFile(path, "w", ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name != "xl/worksheets/sheet1.xml":
                new.writestr(name, old.read(name))
        with new.open("xl/worksheets/sheet1.xml", "w") as member:
            for block in [b" " * 1_000_000] * 600 if sheet is None else [sheet]:
                member.write(block)
    whole.unlink()


@pytest.fixture
def drops(tmp_path: Path) -> Drops:
    return Drops(tmp_path)


def as_csv(path: Path, separator: str = ",", encoding: str = "utf-8") -> None:
    lines = [separator.join(ROWS[0]), *(separator.join(value or "" for value in row.values()) for row in ROWS)]
    path.write_text("\n".join(lines), encoding)


def as_lines(path: Path) -> None:
    path.write_text("\n".join(map(json.dumps, ROWS)), "utf-8")


def as_excel(path: Path) -> None:
    """A workbook as spreadsheets write it, texts inline."""
    cells = "".join(
        "<row>" + "".join(f'<c t="inlineStr"><is><t>{value}</t></is></c>' if value else "<c/>" for value in row)
        + "</row>"
        for row in [list(ROWS[0]), *(list(row.values()) for row in ROWS)]
    )  # fmt: skip
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" '
        f'ContentType="{kind}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" '
        f'ContentType="{kind}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="Deals" sheetId="1" '
        'r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>',
    }
    with ZipFile(path, "w") as book:
        for name, content in parts.items():
            book.writestr(name, content)


WRITERS: dict[str, Callable[[Path], None]] = {
    "comma.csv": as_csv,
    "semicolon-and-mark.csv": lambda path: as_csv(path, ";", "utf-8-sig"),
    "lines.jsonl": as_lines,
    "columns.parquet": lambda path: pl.DataFrame(ROWS).write_parquet(path),
    "book.xlsx": as_excel,
}


@pytest.mark.parametrize("name", WRITERS)
def test_the_same_deals_in_any_format_are_the_same_outcomes(drops: Drops, name: str) -> None:
    drops.connect({"deals": DEALS})
    WRITERS[name](drops.folder / f"deals-{name}")
    landed = drops.home.read("drops")["deals"]
    assert (landed.read, landed.accepted, landed.refused) == (3, 3, 0)
    assert drops.outcomes() == EXPECTED
    assert drops.home.read("drops")["deals"].accepted == 0


def test_the_newest_drop_is_the_state_and_one_without_rows_clears_nothing(drops: Drops) -> None:
    drops.connect({"deals": DEALS})
    header = ",".join(ROWS[0])
    drops.put("deals-01.csv", f"{header}\n1,won,5,,2026-10-05,e1\n2,won,6,,2026-10-05,e2\n3,won,7,,2026-10-05,e1\n")
    drops.home.read("drops")
    drops.put("deals-02.csv", f"{header}\n1,open,5,,,e1\n3,won,8,,2026-10-05,e1\n")
    landed = drops.home.read("drops")["deals"]
    assert (landed.accepted, landed.gone) == (3, 1)
    assert drops.home.outcomes("reference, value") == [("drops/deals/3", Decimal("8.0000"))]
    drops.put("deals-03.csv", f"{header}\n")
    landed = drops.home.read("drops")["deals"]
    assert landed.gone == 0
    assert "2 of 2 deals are missing" in (landed.held_back or "")
    assert len(drops.home.outcomes()) == 1


def test_rows_without_an_id_or_with_a_wrong_value_are_refused_and_the_others_land(drops: Drops) -> None:
    drops.connect({"deals": DEALS})
    drops.put("deals.csv", ",".join(ROWS[0]) + "\n,won,5,,2026-10-05,e1\n2,won,1.234.50,,2026-10-05,e1\n"
              "3,won,1,,soon,e1\n4,won,1,,2026-10-05,e1\n")  # fmt: skip
    drops.connect({"deals": {**DEALS, "object": "deals.csv"}})
    landed = drops.home.read("drops")["deals"]
    assert (landed.read, landed.accepted, landed.refused) == (4, 1, 3)
    told = " ".join(reject.reason for reject in landed.reasons)
    assert "row 1: deal is empty" in told
    assert "deals 2: amount is not a number" in told
    assert "deals 3: closed_at" in told


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (None, b"", "no file in .* fits deals-\\*"),
        ("deals-1.csv", b"deal,stage\n1,won\n", "has no column"),
        ("deals-1.csv", b"", "deals-1.csv cannot be read"),
        ("deals-1.xlsx", b"not a workbook", "deals-1.xlsx cannot be read"),
        ("deals-1.parquet", b"PAR1", "deals-1.parquet cannot be read"),
        ("deals-1.jsonl", b"{not json}\n", "deals-1.jsonl cannot be read"),
    ],
)
def test_a_drop_that_cannot_be_read_is_one_clear_line(
    drops: Drops, name: str | None, content: bytes, said: str
) -> None:
    drops.connect({"deals": DEALS})
    if name is not None:
        (drops.folder / name).write_bytes(content)
    with pytest.raises(SourceError, match=said) as caught:
        drops.home.read("drops")
    assert "\n" not in str(caught.value)


def test_a_workbook_that_unpacks_to_far_too_much_is_not_unpacked(drops: Drops) -> None:
    drops.connect({"deals": DEALS})
    as_excel(drops.folder / "deals-1.xlsx")
    bomb(drops.folder / "deals-1.xlsx")
    assert (drops.folder / "deals-1.xlsx").stat().st_size < 1_000_000
    with pytest.raises(SourceError, match=r"deals-1\.xlsx holds 600 MB, at most 500 are read"):
        drops.home.read("drops")


@pytest.mark.parametrize(
    "entities",
    [
        '<!ENTITY x SYSTEM "file:///etc/passwd">',
        '<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;"><!ENTITY x "&b;&b;&b;&b;&b;&b;&b;&b;">',
    ],
)
def test_an_entity_in_a_workbook_is_not_followed(drops: Drops, entities: str) -> None:
    drops.connect({"deals": DEALS})
    path = drops.folder / "deals-1.xlsx"
    as_excel(path)
    with ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    told = sheet.replace(">007<", ">&x;<")
    assert told != sheet
    bomb(path, f'<?xml version="1.0"?><!DOCTYPE worksheet [{entities}]>{told}'.encode())
    with contextlib.suppress(SourceError):
        drops.home.read("drops")
    kept = b"".join(each.read_bytes() for each in (drops.folder.parent / "home").rglob("*") if each.is_file())
    assert b"root:" not in kept
    assert b"haha" not in kept


def test_csat_by_agent_and_window_keeps_sum_and_count(drops: Drops) -> None:
    drops.put("csat.csv", "row,agent,total,answers,begin,until\nw1,e1,41,10,2026-10-01,2026-10-08\nw2,e2,,0,2026-10-01,"
              "2026-10-08\nw3,e1,9,2.5,2026-10-01,2026-10-08\n")  # fmt: skip
    drops.connect(
        {
            "surveys": {
                "object": "csat.csv",
                "as": "csat_window",
                "id": "row",
                "fields": {"sum": "total", "count": "answers", "from": "begin", "to": "until"},
                "constants": {"scale": "1-5"},
                "people": [{"field": "agent", "match": "learner_id"}],
            }
        }
    )
    landed = drops.home.read("drops")["surveys"]
    assert (landed.accepted, landed.refused) == (2, 1)
    assert "count is not a whole number" in landed.reasons[0].reason
    rows = drops.home.outcomes("reference, kind, value, unit, attributes, exposure_from")
    told = [(*row[:4], json.loads(row[4]), row[5]) for row in rows]
    window = {"from": "2026-10-01T00:00:00.000Z"}
    assert told == [
        ("drops/surveys/w1", "csat", Decimal("41.0000"), "1-5", {"count": 10, **window}, None),
        ("drops/surveys/w2", "csat", None, "1-5", {"count": 0, **window}, None),
    ]


def test_ramp_and_retention_follow_from_the_directory_that_the_source_delivers(drops: Drops) -> None:
    drops.put("people.csv", "id,number,mail,role,hired,left\n11,n1,n1@example.com,rep,2026-01-05,\n"
              "12,n2,n2@example.com,rep,2026-09-01,\n13,n3,n3@example.com,rep,2026-02-01,2026-03-01\n"
              "14,n4,n4@example.com,coach,2026-01-05,\n15,,x@example.com,rep,2026-01-05,\n")  # fmt: skip
    drops.put("deals-1.csv", ",".join(ROWS[0]) + "\n1,won,5,,2026-02-14,11\n2,won,5,,2026-03-01,11\n"
              "3,won,5,,2025-12-31,12\n")  # fmt: skip
    people = {
        "object": "people.csv",
        "as": "people",
        "fields": {"learner_id": "number", "email": "mail", "role": "role", "hire_date": "hired", "left_on": "left"},
    }
    deals = {**DEALS, "people": [{"field": "owner", "match": "account"}]}
    drops.connect({"deals": deals, "staff": people}, ramp={"roles": ["rep"]}, retention={"days": [20, 90]})
    staff = drops.home.read("drops")["staff"]
    assert (staff.accepted, staff.refused) == (4, 1)
    assert "no learner id" in staff.reasons[0].reason
    drops.home.derive(datetime(2026, 10, 1, tzinfo=UTC))

    key = {number: drops.home.identities.key("acme", number) for number in ("n1", "n2", "n3")}
    found = {
        (row[0], row[1]): (*row[2:4], json.loads(row[4] or "null"))
        for row in drops.home.outcomes("kind || ' ' || coalesce(unit, ''), learner_key, value, day, attributes")
    }
    start = {"until": "deal_won"}
    assert {who: row for (what, who), row in found.items() if what == "ramp_days days"} == {
        key["n1"]: (Decimal(40), date(2026, 2, 14), {"start": "2026-01-05", "censored": False, **start}),
        key["n2"]: (None, date(2026, 9, 1), {"start": "2026-09-01", "censored": True, **start}),
        key["n3"]: (None, date(2026, 2, 1),
                    {"start": "2026-02-01", "censored": True, "left_on": "2026-03-01", **start}),
    }  # fmt: skip
    assert found["retention at_20_days", key["n3"]][:2] == (Decimal(1), date(2026, 2, 21))
    assert found["retention at_90_days", key["n3"]][:2] == (Decimal(0), date(2026, 3, 1))
    assert found["retention at_90_days", key["n1"]][:2] == (Decimal(1), date(2026, 4, 5))
    assert ("retention at_90_days", key["n2"]) not in found  # its day lies ahead
