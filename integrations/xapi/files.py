"""Statements as files for manual upload: JSON lines to read and diff, and one ZIP of ready POST bodies."""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from integrations.xapi.profile import TARGET as PROFILE_FILE

BATCH_COUNT, BATCH_BYTES = 500, 1 << 20  # what LRSs take in one POST without complaint
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same statements give the same ZIP


@dataclass
class Written:
    """What was written; ``lines`` by file."""

    statements: int = 0
    batches: int = 0
    lines: dict[Path, int] = field(default_factory=dict)
    archive: Path | None = None


def batches(statements: Iterable[bytes], count: int = BATCH_COUNT, size: int = BATCH_BYTES) -> Iterator[list[bytes]]:
    """The statements in order, so many at most and so many bytes at most; a larger one goes alone."""
    held: list[bytes] = []
    weight = 2
    for each in statements:
        if held and (len(held) == count or weight + len(each) + 1 > size):
            yield held
            held, weight = [], 2
        held.append(each)
        weight += len(each) + 1
    if held:
        yield held


def write_lines(path: Path, statements: Iterable[bytes]) -> int:
    """One statement a line, by a draft that is renamed; the number of lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    count = 0
    with draft.open("wb") as out:
        for each in statements:
            out.write(each + b"\n")
            count += 1
    draft.replace(path)
    return count


def read_lines(paths: Iterable[Path]) -> Iterator[bytes]:
    """The statements of finished files."""
    for path in paths:
        with path.open("rb") as lines:
            for line in lines:
                yield line.rstrip(b"\n")


def write_archive(path: Path, statements: Iterable[bytes], version: str) -> int:
    """A ZIP with the statements as JSON arrays, the profile and a manifest; the number of arrays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    parts: list[dict[str, object]] = []
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for number, batch in enumerate(batches(statements), 1):
            body = io.BytesIO()
            body.write(b"[" + b",".join(batch) + b"]")
            name = f"statements-{number:05d}.json"
            _put(archive, name, body.getvalue())
            parts.append(
                {"file": name, "statements": len(batch), "sha256": hashlib.sha256(body.getbuffer()).hexdigest()}
            )
        _put(archive, PROFILE_FILE.name, PROFILE_FILE.read_bytes())
        manifest = {
            "format": "rolecall.xapi-archive/1",
            "header": {"X-Experience-API-Version": "2.0.0" if version == "2.0" else version},
            "statements": sum(int(str(part["statements"])) for part in parts),
            "files": parts,
        }
        _put(archive, "manifest.json", (json.dumps(manifest, indent=2) + "\n").encode())
    draft.replace(path)
    return len(parts)


def _put(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)
