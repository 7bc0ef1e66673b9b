"""A small real recording of a session: two drawn faces that speak when the transcript says so, with sound."""

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from numpy.typing import NDArray

from integrations.engine.simulator.dialogue import LEARNER, Turn

WIDTH, HEIGHT, FPS, RATE = 416, 240, 8, 16_000
LEAD_S, TAIL_S = 2.2, 1.0  # recording starts with the counterpart's joining, before the first word


def _yuv(red: int, green: int, blue: int) -> tuple[int, int, int]:
    """A colour in the encoder's own space (BT.601): its own conversion gives other bytes from run to run."""
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return (
        round(16 + luma * 219 / 255),
        round(128 + 0.564 * (blue - luma) * 224 / 255),
        round(128 + 0.713 * (red - luma) * 224 / 255),
    )


BACKGROUND, WHITE, GREY, UNSAID = _yuv(24, 29, 40), _yuv(245, 245, 245), _yuv(120, 130, 150), _yuv(62, 70, 86)
# Okabe-Ito colours: told apart by colour-blind readers as well.
COLOURS = {"counterpart": _yuv(86, 180, 233), LEARNER: _yuv(230, 159, 0)}
PITCH_HZ = {"counterpart": 150.0, LEARNER: 205.0}
Frame = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def duration(turns: Sequence[Turn]) -> float:
    """Seconds of the recording."""
    return LEAD_S + max(turn.start_s + turn.duration_s for turn in turns) + TAIL_S


def render(path: Path, turns: Sequence[Turn]) -> float:
    """Write H.264/AAC mp4 with the index in front (for seeking over HTTP); returns its seconds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    seconds = duration(turns)
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        video = container.add_stream("libx264", rate=FPS)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        # One thread, so that equal input gives equal bytes; a key frame every two seconds, so that seeking is exact.
        video.options = {"preset": "veryfast", "crf": "33", "g": str(2 * FPS), "threads": "1", "sc_threshold": "0"}
        sound = container.add_stream("aac", rate=RATE, layout="mono")
        sound.bit_rate = 24_000
        sound.options = {"threads": "1", "flags": "+bitexact"}
        for index, picture in enumerate(_pictures(turns, seconds)):
            frame = av.VideoFrame.from_ndarray(_planes(picture), format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        _mux_sound(container, sound, voice(turns, seconds))
    return seconds


def lengths(path: Path) -> bytes:
    """Kind, frames and duration of each stream of a recording, as text."""
    with av.open(str(path)) as container:
        return repr([(stream.type, stream.frames, stream.duration) for stream in container.streams]).encode()


def _mux_sound(container: OutputContainer, stream: av.AudioStream, samples: NDArray[np.float32]) -> None:
    step = 1024
    for start in range(0, len(samples), step):
        chunk = samples[start : start + step]
        frame = av.AudioFrame.from_ndarray(chunk[np.newaxis, :], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def voice(turns: Sequence[Turn], seconds: float) -> NDArray[np.float32]:
    """A murmur with syllables and a pitch per speaker: enough to hear who speaks and when."""
    samples = np.zeros(int(seconds * RATE), dtype=np.float32)
    for turn in turns:
        start = int((LEAD_S + turn.start_s) * RATE)
        at = np.arange(int(turn.duration_s * RATE), dtype=np.float32) / RATE
        pitch = PITCH_HZ[turn.speaker] * (1 + 0.06 * np.sin(2 * np.pi * 0.7 * at))
        wave = sum(np.sin(2 * np.pi * np.cumsum(pitch) / RATE * harmonic) / harmonic for harmonic in (1, 2, 3))
        syllables = np.clip(np.sin(2 * np.pi * 4.1 * at), 0, 1) ** 0.7
        edge = np.minimum(1, np.minimum(at, turn.duration_s - at) / 0.05)
        end = min(start + len(at), len(samples))
        samples[start:end] += (0.09 * wave * syllables * edge)[: end - start].astype(np.float32)
    return np.clip(samples, -0.9, 0.9)


def _pictures(turns: Sequence[Turn], seconds: float):
    """Frames in order; shapes are drawn once and stamped."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    centres = {"counterpart": (WIDTH // 4, 92), LEARNER: (3 * WIDTH // 4, 92)}
    base = np.empty((HEIGHT, WIDTH, 3), dtype=np.uint8)
    base[:] = BACKGROUND
    rings: dict[str, Mask] = {}
    for speaker, (x, y) in centres.items():
        distance = np.hypot(columns - x, rows - y)
        base[distance < 56] = COLOURS[speaker]
        rings[speaker] = (distance >= 60) & (distance < 65)
        for side in (-22, 22):
            base[np.hypot(columns - x - side, rows - y + 16) < 7] = BACKGROUND
    words = [_words(turn.text) for turn in turns]
    for index in range(int(seconds * FPS)):
        at = index / FPS - LEAD_S
        picture = base.copy()
        for speaker, (x, y) in centres.items():
            speaking = [
                n for n, t in enumerate(turns) if t.speaker == speaker and t.start_s <= at < t.start_s + t.duration_s
            ]
            opening = 3 + (7 * abs(np.sin(4.1 * np.pi * at)) if speaking else 0)
            picture[y + 12 : y + 36, x - 22 : x + 22][_mouth(round(opening))] = BACKGROUND
            if speaking:
                turn = turns[speaking[-1]]
                picture[rings[speaker]] = WHITE
                _caption(picture, words[speaking[-1]], (at - turn.start_s) / turn.duration_s, COLOURS[speaker])
        picture[HEIGHT - 6 :, : int(WIDTH * index / (seconds * FPS))] = GREY
        yield picture


def _planes(picture: Frame) -> Frame:
    """Luma in full, chroma at every other pixel: the layout of yuv420p."""
    chroma = picture[::2, ::2, 1:]
    return np.concatenate([picture[:, :, 0].ravel(), chroma[:, :, 0].ravel(), chroma[:, :, 1].ravel()]).reshape(
        -1, WIDTH
    )


@cache
def _mouth(opening: int) -> Mask:
    """An ellipse of that half height in the 24 × 44 pixels around the mouth."""
    rows, columns = np.mgrid[-12:12, -22:22]
    return (columns / 20) ** 2 + (rows / opening) ** 2 < 1


def _words(text: str) -> list[int]:
    """Widths of the words in pixels; a language without spaces is cut into threes."""
    parts = text.split() if " " in text else [text[start : start + 3] for start in range(0, len(text), 3)]
    return [4 + 5 * len(part) for part in parts]


def _caption(picture: Frame, words: Sequence[int], share: float, colour: tuple[int, int, int]) -> None:
    """A bar per word below the faces, bright once it has been said: the pace of the talk can be followed."""
    said = share * len(words)
    x, y = 30, 172
    for number, width in enumerate(words):
        if x + width > WIDTH - 30:
            x, y = 30, y + 14
        if y > HEIGHT - 24:
            return
        picture[y : y + 8, x : x + width] = colour if number < said else UNSAID
        x += width + 6
