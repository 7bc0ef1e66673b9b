"""Reports and bundles: what they hold, that a third party can check them, and that no changed byte goes unseen."""

import json
import random
import zipfile
from pathlib import Path

import bagit
import pikepdf
import pytest
from support.command import Command
from support.practised import Practised

from governance.audit.files import verify_file
from governance.audit.report import sign

PERIOD = ("--from", "2026-01-01", "--to", "2026-12-31")


@pytest.fixture(scope="module")
def files(practised: Practised, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    rolecall = Command(practised.copy(folder / "home"))
    rolecall("audit", "report", *PERIOD, "--out", str(folder / "r.pdf"))
    rolecall(
        "audit",
        "bundle",
        *PERIOD,
        "--names",
        "--reason",
        "yearly audit",
        "--transcripts",
        "--out",
        str(folder / "b.zip"),
    )
    return folder


def findings(path: Path) -> list[str]:
    return [f"{each.where}: {each.what}" for each in verify_file(path).findings]


def test_a_report_is_tagged_declares_its_standard_and_carries_its_data(files: Path) -> None:
    with pikepdf.open(files / "r.pdf") as pdf:
        assert pdf.Root.MarkInfo.Marked
        assert str(pdf.Root.Lang) == "en"
        data = json.loads(pdf.attachments["report.json"].get_file().read_bytes())
        assert {"report.json", "sessions.csv"} == set(pdf.attachments)
        with pdf.open_metadata() as metadata:
            declared = (metadata["pdfaid:part"], metadata["pdfaid:conformance"], metadata["pdfuaid:part"])
    assert declared == ("3", "A", "1")
    counts = data["counts"]
    assert counts["in_period"] == counts["test"] + counts["outside_scope"] + counts["included"]
    assert len(data["sessions"]) == counts["included"] > 0
    assert all(row["learner_name"] is None for row in data["sessions"]), "names need --names and a reason"
    assert findings(files / "r.pdf") == []


def test_any_changed_byte_of_a_report_is_found(files: Path) -> None:
    whole = (files / "r.pdf").read_bytes()
    start = whole.rindex(b"/Contents <") + len(b"/Contents <")
    draw = random.Random(11)
    places = [start + draw.randrange(2_200) for _ in range(40)] + [draw.randrange(len(whole)) for _ in range(20)]
    for place in places:
        changed = bytearray(whole)
        changed[place] ^= 1 << draw.randrange(8)
        assert sign.check(bytes(changed)).wrong is not None, place
    assert sign.check(whole + b"\n").wrong is not None
    assert sign.check(whole[:-1]).wrong is not None


def test_a_bundle_is_a_bag_with_names_words_and_proofs(files: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(files / "b.zip") as archive:
        archive.extractall(tmp_path / "bag")
    bagit.Bag(str(tmp_path / "bag")).validate()
    data = tmp_path / "bag" / "data"
    report = json.loads((data / "report.json").read_text())
    assert any(row["learner_name"] for row in report["sessions"])
    assert report["reason"] == "yearly audit"
    assert (data / "transcripts.jsonl").read_text().count("\n") > 0
    events = [json.loads(line)["event"] for line in (data / "chain" / "events.jsonl").read_text().splitlines()]
    assert {"publish", "score", "export", "configuration_change"} <= {event["action"] for event in events}
    assert findings(files / "b.zip") == []


def test_any_changed_byte_of_a_bundle_is_found(files: Path, tmp_path: Path) -> None:
    whole = (files / "b.zip").read_bytes()
    draw = random.Random(3)
    target = tmp_path / "b.zip"
    places = [draw.randrange(len(whole)) for _ in range(12)] + [len(whole) - 1 - draw.randrange(900) for _ in range(12)]
    for place in places:
        changed = bytearray(whole)
        changed[place] ^= 1 << draw.randrange(8)
        target.write_bytes(changed)
        assert findings(target), place
    target.write_bytes(whole[:-30])
    assert findings(target)
    target.write_bytes(whole + b"x")
    assert findings(target)


def test_a_member_that_was_exchanged_is_named(files: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(files / "b.zip") as archive:
        archive.extractall(tmp_path / "bag")
    rows = tmp_path / "bag" / "data" / "sessions.csv"
    rows.write_text(rows.read_text().replace("True", "False", 1) + "x")
    from governance.audit.bundle import pack

    members = [path for path in (tmp_path / "bag").rglob("*") if path.is_file()]
    pack([(path.relative_to(tmp_path / "bag").as_posix(), path) for path in members], tmp_path / "again.zip")
    assert any(each.startswith("data/sessions.csv") for each in findings(tmp_path / "again.zip"))


def test_commands_refuse_clearly(practised: Practised, tmp_path: Path) -> None:
    rolecall = Command(practised.copy(tmp_path / "home"))
    assert "names need a reason" in rolecall.fails(
        "audit", "report", *PERIOD, "--names", "--out", str(tmp_path / "x.pdf")
    )
    assert "End the name" in rolecall.fails("audit", "report", *PERIOD, "--out", str(tmp_path / "x.doc"))
    assert "2026-07-01" in rolecall.fails("audit", "report", "--from", "July", "--to", "2026-07-02", "--out", "x.pdf")
    not_ours = tmp_path / "x.zip"
    not_ours.write_text("no archive")
    assert "cannot be read as a bundle" in rolecall.fails("audit", "verify", str(not_ours))
