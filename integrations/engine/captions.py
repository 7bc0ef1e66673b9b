"""WebVTT captions of a recording, from the turns of its session."""

from collections.abc import Mapping, Sequence
from typing import Any


def webvtt(turns: Sequence[Mapping[str, Any]], offset_s: float, language: str | None) -> str | None:
    """Captions in recording time (turn time + ``offset_s``); None where no turn has timing."""
    raise NotImplementedError
