"""One flipped bit in each part of a report and a bundle: headers, tables, contents, signature, certificate, padding."""

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pikepdf
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from support.command import Command
from support.practised import Practised

from governance.audit.files import verify_file

PERIOD = ("--from", "2026-01-01", "--to", "2026-12-31")
LOCAL = {"signature": 0, "version": 4, "flags": 6, "method": 8, "time": 10, "day": 12, "checksum": 14, "size": 18,
         "whole size": 22, "length of name": 26, "length of extra": 28, "name": 30}  # fmt: skip
CENTRAL = {"signature": 0, "made by": 4, "version": 6, "flags": 8, "method": 10, "time": 12, "checksum": 16, "size": 20,
           "length of name": 28, "length of comment": 32, "attributes": 38, "offset": 42, "name": 46}  # fmt: skip
END = {"signature": 0, "disk": 4, "entries": 10, "size": 12, "offset": 16, "length of comment": 20}


class Files(NamedTuple):
    """A report and a bundle as the commands wrote them, and the certificate that signed both."""

    rolecall: Command
    report: Path
    bundle: Path
    certificate: x509.Certificate


@pytest.fixture(scope="module")
def files(practised: Practised, tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("flipped")
    rolecall = Command(practised.copy(folder / "home"))
    report, bundle = folder / "r.pdf", folder / "b.zip"
    rolecall("audit", "report", *PERIOD, "--out", str(report))
    rolecall("audit", "bundle", *PERIOD, "--transcripts", "--out", str(bundle))
    certificate = x509.load_pem_x509_certificate((rolecall.home / "audit" / "certificate.pem").read_bytes())
    return Files(rolecall, report, bundle, certificate)


def findings(path: Path) -> list[str]:
    return [f"{each.where}: {each.what}" for each in verify_file(path).findings]


def flipped(whole: bytes, place: int, target: Path, bit: int = 1) -> Path:
    changed = bytearray(whole)
    changed[place] ^= bit
    target.write_bytes(changed)
    return target


def unseen(whole: bytes, places: dict[str, int], target: Path) -> list[str]:
    """Parts whose change no verification noticed."""
    assert all(0 <= place < len(whole) for place in places.values())
    return [name for name, place in places.items() if not findings(flipped(whole, place, target))]


def test_an_intact_report_satisfies_foreign_readers(files: Files) -> None:
    """qpdf's own check by way of pikepdf, and pyHanko's validation with the certificate as the one to trust."""
    with pikepdf.open(files.report) as pdf:
        assert pdf.check_pdf_syntax() == []
    assert findings(files.report) == findings(files.bundle) == []
    (signature,) = PdfFileReader(io.BytesIO(files.report.read_bytes())).embedded_signatures
    assert signature.signer_cert.dump() == files.certificate.public_bytes(serialization.Encoding.DER)
    context = ValidationContext(trust_roots=[signature.signer_cert], allow_fetching=False)
    status = validate_pdf_signature(signature, signer_validation_context=context)
    assert status.bottom_line, status.pretty_print_details()


def parts_of_report(files: Files) -> dict[str, int]:
    whole = files.report.read_bytes()
    with pikepdf.open(files.report) as pdf:
        streams = {"first page": pdf.pages[0].Contents.read_raw_bytes()}
        for number, each in enumerate(pdf.objects):
            if isinstance(each, pikepdf.Stream) and each.get("/Type") == "/EmbeddedFile":
                streams[f"attachment, object {number}"] = each.read_raw_bytes()
            if isinstance(each, pikepdf.Stream) and each.get("/Type") == "/Metadata":
                streams["metadata"] = each.read_raw_bytes()
    start = whole.rindex(b"/Contents <") + len(b"/Contents <")
    end = whole.index(b">", start)
    der = files.certificate.public_bytes(serialization.Encoding.DER).hex().encode()
    certificate = whole.lower().index(der, start, end)
    return {
        "version": 5, "second line": 10, "first object": whole.index(b" obj") + 1,
        **{name: whole.index(stream) + len(stream) // 2 for name, stream in streams.items()},
        "first table": whole.index(b"xref") + 1, "last table": whole.rindex(b"xref", 0, len(whole) - 40) + 6,
        "trailer": whole.rindex(b"/Root") + 1, "where the table starts": len(whole) - 8, "last line": len(whole) - 3,
        "range signed": whole.rindex(b"/ByteRange") + 13, "reason": whole.rindex(b"Issue of this audit report") + 3,
        "bracket of the signature": start - 1, "signature, first byte": start, "signature, its length": start + 5,
        "certificate, its start": certificate, "certificate, its serial number": certificate + 40,
        "certificate, its key": certificate + len(der) // 2, "certificate, its signature": certificate + len(der) - 2,
        "signature, its value": len(whole[:end].rstrip(b"0")) - 3, "signature, its padding": end - 100,
        "last byte of padding": end - 1,
    }  # fmt: skip


def test_a_bit_in_any_part_of_a_report_is_found(files: Files, tmp_path: Path) -> None:
    places = parts_of_report(files)
    assert sum(name.startswith("attachment") for name in places) == 2, "the data as JSON and as CSV"
    assert unseen(files.report.read_bytes(), places, tmp_path / "r.pdf") == []


def test_a_capital_in_a_name_that_readers_compare_without_case_is_found(files: Files, tmp_path: Path) -> None:
    """The signature names its signer's issuer again, covers it not, and validators take ROLECALL for Rolecall."""
    whole, name = files.report.read_bytes(), b"Rolecall audit".hex().upper().encode()
    letters = [each.start() + 2 for each in re.finditer(name, whole)]
    assert len(letters) == 4, "issuer and subject of the certificate, the signer's issuer, and once where it is covered"
    for letter in letters:
        capital = flipped(whole, letter, tmp_path / "r.pdf", bit=2)
        assert bytes.fromhex(capital.read_bytes()[letter : letter + 2].decode()) == b"O"
        assert findings(capital), letter


def parts_of_bundle(bundle: Path) -> Iterator[tuple[str, int]]:
    whole = bundle.read_bytes()
    end = whole.rindex(b"PK\x05\x06")
    yield from ((f"end of the directory, {name}", end + offset) for name, offset in END.items())
    directory = int.from_bytes(whole[end + 16 : end + 20], "little")
    with zipfile.ZipFile(bundle) as archive:
        entries = archive.infolist()
    yield from ((f"directory of {entries[0].filename}, {name}", directory + at) for name, at in CENTRAL.items())
    for number, entry in enumerate(entries):
        start = entry.header_offset
        data = start + 30 + len(entry.filename) + int.from_bytes(whole[start + 28 : start + 30], "little")
        yield f"data of {entry.filename}", data + entry.file_size // 2
        yield f"name of {entry.filename}", start + 30
        if number in (0, len(entries) // 2, len(entries) - 1):
            yield from ((f"header of {entry.filename}, {name}", start + at) for name, at in LOCAL.items())


def test_a_bit_in_any_part_of_a_bundle_is_found(files: Files, tmp_path: Path) -> None:
    places = dict(parts_of_bundle(files.bundle))
    members = {name.removeprefix("data of ") for name in places if name.startswith("data of ")}
    assert {
        "manifest-sha256.txt", "tagmanifest-sha256.txt", "signature.json", "bagit.txt", "bag-info.txt",
        "data/report.pdf", "data/report.json", "data/sessions.csv", "data/transcripts.jsonl", "data/certificate.pem",
        "data/chain/events.jsonl", "data/chain/roots.jsonl", "data/policy.yaml",
    } <= members  # fmt: skip
    assert unseen(files.bundle.read_bytes(), places, tmp_path / "b.zip") == []


def test_the_command_tells_each_and_fails(files: Files, tmp_path: Path) -> None:
    report, bundle = files.report.read_bytes(), files.bundle.read_bytes()
    page = flipped(report, parts_of_report(files)["first page"], tmp_path / "r.pdf")
    said = files.rolecall.fails("audit", "verify", str(page))
    assert "r.pdf: its content is not what was signed" in said
    rows = flipped(bundle, dict(parts_of_bundle(files.bundle))["data of data/sessions.csv"], tmp_path / "b.zip")
    said = files.rolecall.fails("audit", "verify", str(rows))
    assert "data/sessions.csv" in said
    assert "ALTERED" in said
