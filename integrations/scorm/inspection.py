"""Judges a package, ours or a foreign one: can an LMS take it, and is it safe to unpack.

Nothing is unpacked to disk, no entity is resolved, nothing is fetched. Sizes are counted while reading, since a ZIP's
own figures may lie.
"""

import re
import stat
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue] - compiled, no stubs

from integrations.scorm import manifest, schemas
from integrations.scorm.manifest import EDITIONS, NAMESPACES, Edition

MOST_FILES = 5_000
MOST_BYTES = 1_000_000_000
MOST_MANIFEST_BYTES = 5_000_000
MOST_RATIO = 200  # of unpacked to packed bytes; text reaches 20 or so
CHUNK = 1 << 20
NCNAME = re.compile(r"[A-Za-z_][A-Za-z0-9._-]*")
UNLISTED = (".xsd", ".dtd")  # schema files and the manifest itself are listed by nobody


@dataclass
class Inspection:
    """What was found. ``problems`` keep an LMS from taking it or make it unsafe; no problem means it is good."""

    edition: Edition | None = None
    title: str | None = None
    files: int = 0
    unpacked_bytes: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether there is no problem."""
        return not self.problems


def inspect(path: Path) -> Inspection:
    """Judge the package at ``path``; every problem is one line that says what and where."""
    found = Inspection()
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            found.problems += unsafe(entries)
            if found.good:
                found.unpacked_bytes, broken = _weigh(archive, entries)
                found.problems += broken
            if found.good:
                _judge(archive, [entry.filename for entry in entries if not entry.is_dir()], found)
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError) as error:
        found.problems.append(f"not a readable ZIP: {error}")
    return found


def unsafe(entries: Iterable[zipfile.ZipInfo]) -> list[str]:
    """Names that lead out of the folder, links, encryption, doubles, and far too much of anything."""
    entries = list(entries)
    problems = [] if len(entries) <= MOST_FILES else [f"{len(entries)} files; at most {MOST_FILES} are taken"]
    names: set[str] = set()
    for entry in entries:
        problems += [f"{entry.filename!r}: {reason}" for reason in _reasons(entry)]
        if entry.filename.lower() in names:
            problems.append(f"{entry.filename!r}: the name occurs twice")
        names.add(entry.filename.lower())
    if sum(entry.file_size for entry in entries) > MOST_BYTES:
        problems.append(f"unpacks to more than {MOST_BYTES // 1_000_000} MB")
    return problems


def _reasons(entry: zipfile.ZipInfo) -> Iterator[str]:
    name = entry.filename
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if "\\" in name or "\x00" in entry.orig_filename:
        yield "the name holds a character that no path may hold"
    if name.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:", name):
        yield "the path leads out of the package"
    if stat.S_ISLNK(entry.external_attr >> 16):
        yield "a link; packages hold plain files"
    if entry.flag_bits & 0x1:
        yield "encrypted"
    if entry.compress_size and entry.file_size / entry.compress_size > MOST_RATIO and entry.file_size > CHUNK:
        yield f"unpacks to {entry.file_size // entry.compress_size} times its size"


def _weigh(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> tuple[int, list[str]]:
    """Bytes that come out, counted; stops at the first file that is broken or larger than it says."""
    total = 0
    for entry in entries:
        try:
            with archive.open(entry) as file:
                while chunk := file.read(CHUNK):
                    total += len(chunk)
                    if total > MOST_BYTES:
                        return total, [f"unpacks to more than {MOST_BYTES // 1_000_000} MB"]
        except (zipfile.BadZipFile, OSError, EOFError, ValueError) as error:
            return total, [f"{entry.filename!r}: cannot be read: {error}"]
    return total, []


def _judge(archive: zipfile.ZipFile, names: list[str], found: Inspection) -> None:
    found.files = len(names)
    if manifest.FILE not in names:
        elsewhere = [name for name in names if name.endswith("/" + manifest.FILE)]
        hint = f"; it lies in {elsewhere[0]}: zip the folder's content, not the folder" if elsewhere else ""
        found.problems.append(f"there is no {manifest.FILE} at the root{hint}")
        return
    if archive.getinfo(manifest.FILE).file_size > MOST_MANIFEST_BYTES:
        found.problems.append(f"{manifest.FILE} is larger than {MOST_MANIFEST_BYTES // 1_000_000} MB")
        return
    try:
        root = parse(archive.read(manifest.FILE))
    except etree.XMLSyntaxError as error:
        found.problems.append(f"{manifest.FILE}: {error.msg}")
        return
    found.edition = edition_of(root)
    if found.edition is None:
        found.problems.append(f"{manifest.FILE} is neither SCORM 1.2 nor SCORM 2004")
        return
    space = f"{{{NAMESPACES[found.edition]['imscp']}}}"
    found.title = root.findtext(f".//{space}organization/{space}title")
    found.problems += [*_structure(root, space), *_content(root, space, names), *_schema(root, found.edition)]


def parse(text: bytes) -> etree._Element:
    """A manifest's root; a document type or an entity is refused.

    Raises:
        lxml.etree.XMLSyntaxError: not well-formed, or it declares a document type.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    root = etree.fromstring(text, parser)
    if root.getroottree().docinfo.doctype:
        raise etree.XMLSyntaxError("it declares a document type, which may hold entities", 0, 0, 0)
    return root


def edition_of(root: etree._Element) -> Edition | None:
    """The edition whose namespace the manifest has."""
    space = etree.QName(root).namespace
    return next((each for each in EDITIONS if NAMESPACES[each]["imscp"] == space), None)


def _structure(root: etree._Element, space: str) -> Iterator[str]:
    ids = [element.get("identifier", "") for element in root.iter() if element.get("identifier") is not None]
    yield from (f"identifier {each!r} is no valid name" for each in ids if NCNAME.fullmatch(each) is None)
    yield from (f"identifier {each!r} occurs twice" for each in sorted({each for each in ids if ids.count(each) > 1}))
    resources = {each.get("identifier"): each for each in root.iter(f"{space}resource")}
    targets = [each.get("identifierref") for each in root.iter(f"{space}item") if each.get("identifierref")]
    yield from (f"an item points to {each!r}, which no resource is called" for each in targets if each not in resources)
    if not targets:
        yield "no item points to a resource, so there is nothing to launch"
    first = next(iter(resources.values()), None)
    if first is not None and first.get("href") is None:
        yield "the first resource has no href; some LMSs launch exactly that one"


def _content(root: etree._Element, space: str, names: list[str]) -> Iterator[str]:
    present = {name for name in names if name != manifest.FILE and not name.lower().endswith(UNLISTED)}
    listed = {each.get("href", "").split("?")[0] for each in root.iter(f"{space}file")}
    hrefs = {each.get("href", "").split("?")[0].split("#")[0] for each in root.iter(f"{space}resource")}
    local = {each for each in listed | (hrefs - {""}) if not re.match(r"[a-z]+://", each)}
    yield from (f"{each!r} is listed and missing" for each in sorted(local - set(names)))
    yield from (f"{each!r} is there and not listed" for each in sorted(present - listed))


def _schema(root: etree._Element, edition: Edition) -> Iterator[str]:
    schema = schemas.schema(edition)
    if not schema.validate(root):
        yield from (f"{manifest.FILE}, line {each.line}: {each.message}" for each in schema.error_log)
