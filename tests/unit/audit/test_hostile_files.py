"""What is handed in for verification comes from strangers: it is judged without being unpacked, run or followed."""

import io
import json
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pytest
from support.command import Command

from governance.audit import keys
from governance.audit.bundle import pack
from governance.audit.files import verify_file
from governance.audit.report import sign
from governance.settings import Settings

MEGABYTES = 60
BOMB = zlib.compress(zlib.compress(b" " * (MEGABYTES << 20), 9), 9)  # packed twice: 200 bytes


def packed_bomb(archive: zipfile.ZipFile) -> None:
    archive.writestr("data/sessions.csv", b"0" * (MEGABYTES << 20), zipfile.ZIP_DEFLATED)


def named(name: str) -> Callable[[zipfile.ZipFile], None]:
    def write(archive: zipfile.ZipFile) -> None:
        archive.writestr(zipfile.ZipInfo(name), b"x")

    return write


def link(archive: zipfile.ZipFile) -> None:
    entry = zipfile.ZipInfo("data/passwd")
    entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    archive.writestr(entry, "/etc/passwd")


def doubled(archive: zipfile.ZipFile) -> None:
    for text in ("one", "two"):
        archive.writestr("data/report.json", text)


def overlapping(archive: zipfile.ZipFile) -> None:
    """Two hundred members that are all the same million bytes."""
    archive.writestr("data/0", b"0" * 1_000_000)
    first = archive.infolist()[0]
    for number in range(1, 200):
        again = zipfile.ZipInfo(f"data/{number}")
        again.header_offset, again.CRC = first.header_offset, first.CRC
        again.file_size = again.compress_size = first.file_size
        archive.filelist.append(again)


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (packed_bomb, "'data/sessions.csv' is packed"),
        (named("../outside"), "'../outside' leads out"),
        (named("data/../../outside"), "leads out"),
        (named("/etc/outside"), "'/etc/outside' leads out"),
        (named("data\\..\\outside"), "leads out"),
        (named("data/"), "is no plain file"),
        (link, "'data/passwd' is no plain file"),
        (doubled, "two members have the same name"),
        (overlapping, "unpacks to more than its own size"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_archive_that_no_bundle_is_like_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[zipfile.ZipFile], None], said: str
) -> None:
    path = tmp_path / "b.zip"
    with zipfile.ZipFile(path, "w") as archive:
        write(archive)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(work))
    (finding,) = verify_file(path).findings
    assert said in finding.what
    assert finding.what.endswith("nothing of it was unpacked")
    assert {each.name for each in tmp_path.iterdir()} == {"b.zip", "work"}
    assert list(work.iterdir()) == []


def test_the_command_says_it_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "b.zip"
    with zipfile.ZipFile(path, "w") as archive:
        packed_bomb(archive)
    said = Command(tmp_path / "home").fails("audit", "verify", str(path))
    assert "b.zip: 'data/sessions.csv' is packed or encrypted, which our members are not" in said
    assert not (tmp_path / "home").exists()


def test_a_manifest_reaches_no_file_outside(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s")
    manifest = tmp_path / "manifest"
    manifest.write_text(f"{'0' * 64}  {secret}\n")
    path = tmp_path / "b.zip"
    pack([("manifest-sha256.txt", manifest)], path)
    found = {each.where: each.what for each in verify_file(path).findings}
    assert found[str(secret)] == "is listed in manifest-sha256.txt and missing"


def test_nesting_beyond_any_stack_is_a_finding(tmp_path: Path) -> None:
    deep, report, pdf = tmp_path / "deep", tmp_path / "report", tmp_path / "pdf"
    deep.write_text("[" * 200_000)
    report.write_text("{}")
    pdf.write_bytes(b"%PDF-")
    path = tmp_path / "b.zip"
    pack([("data/report.json", deep), ("data/report.pdf", pdf)], path)
    found = {each.where: each.what for each in verify_file(path).findings}
    assert found["data/report.json"] == "is missing or cannot be read"


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (BOMB, "PdfDecodeLimitError"),
        (b"[" * 200_000, "RecursionError"),
        (b"no json", "JSONDecodeError"),
    ],
)
def test_what_a_signed_report_carries_is_unpacked_within_limits(tmp_path: Path, content: bytes, error: str) -> None:
    """Anybody can sign a file with a key of their own; a bomb inside it is a finding too."""
    pdf = pikepdf.new()
    pdf.add_blank_page()
    pdf.attachments["report.json"] = content
    if content is BOMB:
        pdf.Root.Names.EmbeddedFiles.Names[1].EF.F.write(BOMB, filter=[pikepdf.Name.FlateDecode] * 2)
    draft = io.BytesIO()
    pdf.save(draft, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none)
    path = tmp_path / "r.pdf"
    path.write_bytes(sign.sign(draft.getvalue(), keys.signing_key(Settings(home=tmp_path / "home")), reason="test"))
    assert [each.what for each in verify_file(path).findings] == [f"its report.json cannot be read ({error})"]


def test_a_report_that_is_as_it_should_be_passes(tmp_path: Path) -> None:
    """The same way of making one as above, so that it is the content that is refused there."""
    pdf = pikepdf.new()
    pdf.add_blank_page()
    pdf.attachments["report.json"] = json.dumps({"sessions": []}).encode()
    draft = io.BytesIO()
    pdf.save(draft)
    path = tmp_path / "r.pdf"
    path.write_bytes(sign.sign(draft.getvalue(), keys.signing_key(Settings(home=tmp_path / "home")), reason="test"))
    assert verify_file(path).findings == []
