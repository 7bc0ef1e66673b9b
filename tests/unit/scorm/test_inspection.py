"""Foreign packages: what is refused before anything is unpacked, and why."""

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.scorm import inspection, manifest
from integrations.scorm.inspection import inspect
from integrations.scorm.manifest import Subject

GOOD = manifest.render("2004", Subject("x", "Title"), ["index.html"])


def packed(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return path


def test_a_good_package_is_good(tmp_path: Path) -> None:
    found = inspect(packed(tmp_path / "p.zip", {manifest.FILE: GOOD, "index.html": b"x"}))
    assert (found.problems, found.edition, found.title, found.files) == ([], "2004", "Title", 2)


@pytest.mark.parametrize("name", ["../evil.txt", "/etc/passwd", "a/../../b", "C:/x", "a\\..\\b"])
def test_no_path_leads_out(tmp_path: Path, name: str) -> None:
    found = inspect(packed(tmp_path / "p.zip", {manifest.FILE: GOOD, "index.html": b"x", name: b"x"}))
    assert any("leads out" in problem or "no path may hold" in problem for problem in found.problems)


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    files = {manifest.FILE: GOOD, "index.html": b"0" * 30_000_000}
    found = inspect(packed(tmp_path / "p.zip", files, zipfile.ZIP_DEFLATED))
    assert any("times its size" in problem for problem in found.problems)
    assert found.unpacked_bytes == 0


def test_a_size_that_lies_is_noticed(tmp_path: Path) -> None:
    path = packed(tmp_path / "p.zip", {manifest.FILE: GOOD, "index.html": b"0" * 5_000}, zipfile.ZIP_DEFLATED)
    raw = path.read_bytes().replace((5_000).to_bytes(4, "little"), (4).to_bytes(4, "little"))
    path.write_bytes(raw)
    assert not inspect(path).good


def test_links_and_doubles_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(manifest.FILE, GOOD)
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("A.txt", b"1")
        archive.writestr("a.txt", b"2")
    problems = inspect(path).problems
    assert any("a link" in each for each in problems)
    assert any("occurs twice" in each for each in problems)


ENTITY = b'<?xml version="1.0"?><!DOCTYPE m [<!ENTITY x SYSTEM "file:///etc/passwd">]><manifest>&x;</manifest>'
LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE m [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'
    b"<manifest>&c;</manifest>"
)


@pytest.mark.parametrize("text", [ENTITY, LAUGHS])
def test_entities_are_refused(tmp_path: Path, text: bytes) -> None:
    (problem,) = inspect(packed(tmp_path / "p.zip", {manifest.FILE: text})).problems
    assert "document type" in problem
    assert "root:" not in problem


FAULTS = {
    "missing": (b'<file href="index.html"/>', b'<file href="gone.html"/>', "listed and missing"),
    "unlisted": (b'<file href="index.html"/>', b"", "not listed"),
    "identifier": (b'"ORG-1"', b'"1 ORG"', "no valid name"),
    "dangling": (b'identifierref="RES-1"', b'identifierref="RES-9"', "no resource is called"),
    "double": (b'"ITEM-1"', b'"RES-1"', "occurs twice"),
    "vocabulary": (b"<imsss:deliveryControls", b"<imsss:nonsense", "imsmanifest.xml, line"),
    "measure": (b'choice="true"', b'choice="70"', "imsmanifest.xml, line"),
    "not_xml": (GOOD, b"<manifest", "imsmanifest.xml: "),
    "other": (GOOD, b"<manifest/>", "neither SCORM"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_the_manifest_is_named(tmp_path: Path, name: str) -> None:
    before, after, said = FAULTS[name]
    found = inspect(packed(tmp_path / "p.zip", {manifest.FILE: GOOD.replace(before, after), "index.html": b"x"}))
    assert any(said in problem for problem in found.problems), found.problems


def test_a_folder_that_was_zipped_is_told_so(tmp_path: Path) -> None:
    (problem,) = inspect(packed(tmp_path / "p.zip", {f"course/{manifest.FILE}": GOOD})).problems
    assert "zip the folder's content" in problem


@given(st.binary(max_size=400))
def test_whatever_comes_gets_a_line(content: bytes) -> None:
    found = inspection.Inspection()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            found.problems += inspection.unsafe(archive.infolist())
    except (zipfile.BadZipFile, OSError, NotImplementedError):
        return
    assert all("\n" not in problem for problem in found.problems)
