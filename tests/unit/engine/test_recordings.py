"""Probing recordings where they lie; the bad ones are findings, not errors."""

import hashlib
from pathlib import Path

import av
import fsspec
import numpy as np
import pytest

from integrations.engine.recordings import offset_s, probe, stamp


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of a moving grey square."""
    path = tmp_path_factory.mktemp("video") / "1793610004000.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for index in range(40):
            picture = np.full((64, 64, 3), index * 5, dtype=np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def test_a_good_recording(video: Path) -> None:
    found = probe(str(video), 4)
    assert (found.status, found.reason, found.kind) == ("available", None, "video")
    assert found.duration_s == pytest.approx(4.0, abs=0.2)
    assert found.size_bytes == video.stat().st_size
    assert found.sha256 == hashlib.sha256(video.read_bytes()).hexdigest()
    assert probe(f"file://{video}", 4) == found


def test_in_an_object_store(video: Path) -> None:
    with fsspec.open("memory://acme/rec/1", "wb") as file:
        file.write(video.read_bytes())
    assert probe("memory://acme/rec/1").status == "available"
    assert stamp("memory://acme/rec/1") is not None


def test_gone(tmp_path: Path) -> None:
    found = probe(str(tmp_path / "gone.mp4"), 4)
    assert found.status == "missing"
    assert found.sha256 is None
    assert stamp(str(tmp_path / "gone.mp4")) is None


def test_shorter_than_declared(video: Path) -> None:
    found = probe(str(video), 60)
    assert found.status == "truncated"
    assert found.reason == f"{found.duration_s:.1f} s of 60.0 s are there"


def test_cut_off(video: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    assert probe(str(cut), 4).status in ("unreadable", "truncated")


@pytest.mark.parametrize(("content", "status"), [(b"", "truncated"), (b"<html>Not found</html>" * 100, "unreadable")])
def test_no_recording_at_all(content: bytes, status: str, tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(content)
    found = probe(str(path))
    assert found.status == status
    assert found.size_bytes == len(content)


@pytest.mark.parametrize("uri", ["nope://bucket/key", "s3:///tavus/c/1", "", "/"])
def test_addresses_that_lead_nowhere(uri: str) -> None:
    found = probe(uri)
    assert found.status in ("unreadable", "missing")
    assert found.reason


def test_offset_from_transcript_to_recording() -> None:
    assert offset_s(1793610006.2, 1793610004.0) == 2.2
    assert offset_s(1793610006.2, None) is None
