"""Verifying a report or bundle by nothing but the file: no home, no database, no network."""

import hashlib
import io
import json
import stat
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cryptography import x509
from pymerkle import InvalidProof, MerkleProof, verify_inclusion

from governance.audit import seals
from governance.audit.bundle import SIGNATURE, pack
from governance.audit.home import Verdict, check_stamps, told_stamp
from governance.audit.keys import fingerprint, signed_by
from governance.audit.links import canonical, commitment, link
from governance.audit.report import sign
from governance.audit.roots import body_of
from governance.audit.stamps import Authority

BLOCK = 1 << 20
ENCRYPTED = 0x1  # of a ZIP member's flags
# What a broken archive makes zipfile raise.
BROKEN = (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, OSError, RuntimeError, OverflowError)


def verify_file(path: Path, authority: Authority = ()) -> Verdict:
    """What was altered in a PDF or ZIP, and where; time stamps have to lead to the ``authority``, where one is given.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(5)
    verdict = Verdict()
    if path.suffix.lower() == ".pdf" or start == b"%PDF-":
        check_pdf(path.read_bytes(), path.name, verdict, authority)
    else:
        check_bundle(path, verdict, authority)
    return verdict


def check_pdf(data: bytes, where: str, verdict: Verdict, authority: Authority = ()) -> dict[str, Any] | None:
    """Check a report's signature; returns the data attached to it where that can be trusted."""
    found = sign.check(data, authority)
    verdict.counts["bytes of PDF"] = len(data)
    if found.wrong is not None:
        verdict.found(where, found.wrong)
        return None
    verdict.notes.append(f"{where}: signed with certificate {found.certificate}; compare it with its issuer's")
    if found.stamped_by is not None:
        by = "time-stamped by the authority named" if authority else told_stamp(found.stamped_by)
        verdict.notes.append(f"{where}: {found.stamped_at:%Y-%m-%d %H:%M:%S} UTC, {by}")
    return _attached(data, where, verdict)


def check_bundle(path: Path, verdict: Verdict, authority: Authority = ()) -> None:
    """Check archive, manifests, signature, report and proofs of a bundle."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        names = _unpacked(path, folder, verdict)
        if names is None:
            return
        _check_archive(path, folder, names, verdict)
        _check_manifest(folder, "tagmanifest-sha256.txt", verdict)
        _check_manifest(folder, "manifest-sha256.txt", verdict)
        listed = set(_listed(folder / "manifest-sha256.txt", verdict))
        for name in sorted(name for name in names if name.startswith("data/") and name not in listed):
            verdict.found(name, "is not in the manifest")
        certificate = _signature(folder, verdict)
        if certificate is not None:
            verdict.notes.append(f"signed with certificate {fingerprint(certificate)}; compare it with its issuer's")
            try:
                _check_proofs(folder / "data" / "chain", certificate, verdict, authority)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                verdict.found("data/chain", f"holds no events and roots as we write them ({type(error).__name__})")
        _check_report(folder / "data", verdict, authority)
        verdict.counts["files"] = len(names)


def _unpacked(path: Path, folder: Path, verdict: Verdict) -> list[str] | None:
    """Member names in order, with the members below ``folder``; ``None`` where it is no archive that could be ours."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            names = [entry.filename for entry in entries]
            wrong = _unsafe(entries, path.stat().st_size)
            if wrong is not None:
                verdict.found(path.name, f"{wrong}; nothing of it was unpacked")
                return None
            for entry in entries:
                target = folder / entry.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as source, target.open("wb") as out:
                    try:
                        while block := source.read(BLOCK):
                            out.write(block)
                    except (zipfile.BadZipFile, EOFError):
                        verdict.found(entry.filename, "does not match its checksum in the archive")
            return names
    except BROKEN as error:
        verdict.found(path.name, f"cannot be read as a bundle ({type(error).__name__})")
        return None


def _unsafe(entries: Sequence[zipfile.ZipInfo], size: int) -> str | None:
    """What no bundle has and what could harm whoever unpacks it: our members are plain files, stored as they are.

    Members that are not packed cannot be larger together than the archive of ``size`` bytes, unless they overlap.
    """
    names = [entry.filename for entry in entries]
    for entry in entries:
        name = entry.filename
        if name.startswith("/") or ".." in Path(name).parts or "\\" in name or entry.orig_filename != name:
            return f"{entry.orig_filename!r} leads out of the bundle"
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & ENCRYPTED:
            return f"{name!r} is packed or encrypted, which our members are not"
        if stat.S_ISLNK(entry.external_attr >> 16) or entry.is_dir():
            return f"{name!r} is no plain file"
    if len(set(names)) != len(names):
        return "two members have the same name"
    return "unpacks to more than its own size" if sum(entry.file_size for entry in entries) > size else None


def _check_archive(path: Path, folder: Path, names: list[str], verdict: Verdict) -> None:
    """Write the archive anew from its members: a byte that differs lies between them or in one of them."""
    again = folder.with_name(f"{folder.name}.zip")
    try:
        pack(((name, folder / name) for name in names), again)
        with path.open("rb") as mine, again.open("rb") as theirs:
            at = 0
            while True:
                left, right = mine.read(BLOCK), theirs.read(BLOCK)
                if left != right:
                    pairs = enumerate(zip(left, right, strict=False))
                    place = next((n for n, (one, other) in pairs if one != other), min(len(left), len(right)))
                    verdict.found(f"{path.name} byte {at + place}", "the archive is not as it was written")
                    return
                if not left:
                    return
                at += len(left)
    finally:
        again.unlink(missing_ok=True)


def _listed(path: Path, verdict: Verdict) -> dict[str, str]:
    """Digest of each file that a manifest lists."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        verdict.found(path.name, "is missing or cannot be read")
        return {}
    found: dict[str, str] = {}
    for line in lines:
        digest, _, name = line.partition(" ")
        found[name.strip()] = digest
    return found


def _check_manifest(folder: Path, name: str, verdict: Verdict) -> None:
    for listed, digest in _listed(folder / name, verdict).items():
        path = folder / listed
        if listed.startswith("/") or ".." in Path(listed).parts or not path.is_file():
            verdict.found(listed, f"is listed in {name} and missing")
        elif seals.digest(path) != digest:
            verdict.found(listed, f"is not what {name} says")


def _signature(folder: Path, verdict: Verdict) -> x509.Certificate | None:
    """The certificate, where the signature over the manifests holds."""
    try:
        text = (folder / SIGNATURE).read_text("utf-8")
        signature = json.loads(text)
        certificate = x509.load_pem_x509_certificate((folder / "data" / "certificate.pem").read_bytes())
        manifest = (folder / "tagmanifest-sha256.txt").read_bytes()
        holds = signed_by(certificate, signature["signature"], manifest) and text == canonical(signature)
    except (OSError, ValueError, KeyError, TypeError):
        verdict.found(SIGNATURE, "signature or certificate is missing or cannot be read")
        return None
    if not holds or signature["key"] != fingerprint(certificate):
        verdict.found(SIGNATURE, "does not hold over tagmanifest-sha256.txt")
        return None
    return certificate


def _check_proofs(folder: Path, certificate: x509.Certificate, verdict: Verdict, authority: Authority) -> None:
    """Every root's signature and time stamp, and every event against the newest root."""
    roots = _lines(folder / "roots.jsonl", json.loads, verdict)
    for number, root in enumerate(roots, 1):
        if not signed_by(certificate, str(root.get("signature")), body_of(root)):
            verdict.found(f"chain/roots.jsonl line {number}", "its signature does not hold")
    check_stamps(roots, authority, "chain/roots.jsonl", verdict)
    if not roots:
        verdict.found("chain/roots.jsonl", "holds no root")
        return
    newest = bytes.fromhex(roots[-1]["root"])
    events = _lines(folder / "events.jsonl", json.loads, verdict)
    for each in events:
        event = each["event"]
        where = f"event {event['seq']}"
        if event["salt"] is not None and commitment(event["salt"], event) != event["commitment"]:
            verdict.found(where, "its actor, object or content was altered")
        if link(event) != event["hash"]:
            verdict.found(where, "its time, action, tenant or link was altered")
        leaf = hashlib.sha256(b"\x00" + bytes.fromhex(event["hash"])).digest()
        try:
            verify_inclusion(leaf, newest, MerkleProof.deserialize(each["proof"]))
        except (InvalidProof, ValueError, KeyError):
            verdict.found(where, "is not proved by the newest root")
    verdict.counts["events"] = len(events)


def _lines(path: Path, parse: Callable[[str], Any], verdict: Verdict) -> list[Any]:
    try:
        return [parse(line) for line in path.read_text("utf-8").splitlines()]
    except (OSError, ValueError, RecursionError):
        verdict.found(f"chain/{path.name}", "is missing or cannot be read")
        return []


def _check_report(folder: Path, verdict: Verdict, authority: Authority) -> None:
    """The signed report, and that the data beside it is the data in it."""
    path = folder / "report.pdf"
    if not path.is_file():
        verdict.found("data/report.pdf", "is missing")
        return
    attached = check_pdf(path.read_bytes(), "data/report.pdf", verdict, authority)
    try:
        beside = json.loads((folder / "report.json").read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        verdict.found("data/report.json", "is missing or cannot be read")
        return
    if attached is not None and attached != beside:
        verdict.found("data/report.json", "is not the data of the signed report")
    verdict.counts["sessions"] = len(beside.get("sessions", ()))


def _attached(data: bytes, where: str, verdict: Verdict) -> dict[str, Any] | None:
    from pyhanko.pdf_utils.embed import FileSpec  # noqa: F401 - loads the reader's support for attachments
    from pyhanko.pdf_utils.misc import PdfError
    from pyhanko.pdf_utils.reader import PdfFileReader

    try:
        names = PdfFileReader(io.BytesIO(data)).root["/Names"]["/EmbeddedFiles"]["/Names"]
        for place in range(0, len(names), 2):
            if str(names[place]) == "report.json":
                return json.loads(names[place + 1]["/EF"]["/F"].data)  # pyHanko unpacks no bomb
    except (PdfError, KeyError, TypeError, IndexError, ValueError, AttributeError, RecursionError) as error:
        verdict.found(where, f"its report.json cannot be read ({type(error).__name__})")
        return None
    verdict.found(where, "carries no report.json")
    return None
