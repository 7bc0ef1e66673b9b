"""What a recording really is: probed where it lies, never copied.

A missing or broken recording is a finding, not an error: the session stands without it.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, cast

import av
import av.container
import av.error
import fsspec

CHUNK = 1 << 20
SHORT_BY_S = 2.0  # containers round, and engines declare whole seconds
SHORT_BY_SHARE = 0.02

AVAILABLE, MISSING, TRUNCATED, UNREADABLE = "available", "missing", "truncated", "unreadable"


@dataclass(frozen=True, slots=True)
class Probe:
    """Findings about one recording; ``status`` is one of core/media's, ``reason`` says why it is not available."""

    status: str
    reason: str | None = None
    duration_s: float | None = None
    size_bytes: int | None = None
    sha256: str | None = None
    kind: str | None = None


def probe(uri: str, declared_duration_s: float | None = None) -> Probe:
    """Existence, size, SHA-256, duration and kind of the object at ``uri``; never raises for a bad recording.

    Reads the object once for its digest, in chunks, and seeks in it for its duration. Any address that fsspec
    knows will do: ``s3://``, ``gs://``, ``az://``, ``file://`` or a plain path.
    """
    try:
        with fsspec.open(uri, "rb") as opened:
            file = cast(IO[bytes], opened)
            digest, size = _digest(file)
            if size == 0:
                return Probe(TRUNCATED, "the object is empty", None, 0, digest)
            file.seek(0)
            return _measure(file, size, digest, declared_duration_s)
    except FileNotFoundError:
        return Probe(MISSING, "no object at this address")
    except PermissionError:
        return Probe(UNREADABLE, "access denied; give the reader's credentials read access")
    except ImportError as error:
        return Probe(UNREADABLE, f"no reader for this kind of address: install {error.name or 'its fsspec package'}")
    except ValueError as error:
        return Probe(UNREADABLE, f"not an address that can be read: {_short(error)}")
    except OSError as error:
        return Probe(UNREADABLE, f"cannot be read: {_short(error)}")
    except Exception as error:  # each object store has its own errors, and none may stop a day's run
        return Probe(UNREADABLE, f"cannot be read: {_short(error)}")


def stamp(uri: str) -> str | None:
    """What changes when the object changes: etag, or size and time of change; None where it cannot be read."""
    try:
        filesystem, path = fsspec.core.url_to_fs(uri)
        info: dict[str, Any] = filesystem.info(path)
    except Exception:  # the probe that follows says what is wrong
        return None
    etag = info.get("ETag") or info.get("etag")
    return str(etag) if etag else f"{info.get('size')}:{info.get('mtime', info.get('LastModified'))}"


def offset_s(transcript_start: float, recording_start: float | None) -> float | None:
    """Seconds to add to transcript time to get recording time; both starts are epoch seconds."""
    return None if recording_start is None else round(transcript_start - recording_start, 3)


def _digest(file: IO[bytes]) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while chunk := file.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
    return digest.hexdigest(), size


def _measure(file: IO[bytes], size: int, digest: str, declared: float | None) -> Probe:
    try:
        with _opened(file) as container:
            kind = "video" if container.streams.video else "audio" if container.streams.audio else None
            if kind is None:
                return Probe(UNREADABLE, "holds neither video nor audio", None, size, digest)
            written = _header_duration(container)
            found = _last_packet(container)
    except (av.error.FFmpegError, EOFError) as error:
        reason = f"not a media file, or its index is cut off: {_short(error)}"
        return Probe(UNREADABLE, reason, None, size, digest)
    expected = max((length for length in (written, declared) if length is not None), default=None)
    duration = found if found is not None else written
    if (
        duration is not None
        and expected is not None
        and duration < expected - max(SHORT_BY_S, SHORT_BY_SHARE * expected)
    ):
        reason = f"{duration:.1f} s of {expected:.1f} s are there"
        return Probe(TRUNCATED, reason, round(duration, 3), size, digest, kind)
    return Probe(AVAILABLE, None, None if duration is None else round(duration, 3), size, digest, kind)


@contextmanager
def _opened(file: IO[bytes]) -> Iterator[av.container.InputContainer]:
    container = av.open(file, "r")
    try:
        yield container
    finally:
        container.close()


def _header_duration(container: av.container.InputContainer) -> float | None:
    """What the container's header says, in seconds."""
    return None if container.duration is None else container.duration / 1_000_000


def _last_packet(container: av.container.InputContainer) -> float | None:
    """End of the last packet that is there, in seconds; packets are read, not decoded.

    A header that was written first promises the whole length even where the rest of the file is gone.
    """
    last: float | None = None
    try:
        for packet in container.demux():
            if packet.size and packet.pts is not None and packet.time_base is not None:
                end = float((packet.pts + (packet.duration or 0)) * packet.time_base)
                last = end if last is None else max(last, end)
    except (av.error.FFmpegError, EOFError):
        return last if last is not None else 0.0
    return last


def _short(error: BaseException) -> str:
    """One line without the address, which may carry a signature."""
    return f"{type(error).__name__}: {getattr(error, 'strerror', None) or ''}".rstrip(": ")
