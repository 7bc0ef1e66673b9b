"""Recording and transcript that follow each other; the transcript alone where there is no recording."""

from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from streamlit.components import v2


@dataclass(frozen=True)
class Line:
    """One line of the transcript; ``start`` and ``end`` are seconds into the recording, ``-1`` without timing."""

    ordinal: int
    speaker: str
    side: str
    clock: str
    text: str
    start: float
    end: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """A recording to play: links that carry their own ticket, and the kind ``video`` or ``audio``."""

    src: str
    captions: str
    kind: str
    language: str
    label: str


@cache
def _component() -> Any:
    folder = files(__package__ or "dashboards.components.player")
    html, css, js = (folder.joinpath(f"player.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    return v2.component("rolecall_player", html=html, css=css, js=js)


def player(lines: list[Line], source: Source | None, key: str, seek: tuple[float, int] | None = None) -> None:
    """Show the transcript, with its recording where there is one.

    ``key`` is the recording's own, otherwise another session would keep the old position. ``seek`` is a second and
    a counter: the same second asked for twice is two wishes, which a value alone would not tell apart. Choosing a
    line stays in the browser; a rerun of the page for each click would be slower and tell us nothing.
    """
    _component()(
        data={
            "source": None if source is None else asdict(source),
            "lines": [asdict(line) for line in lines],
            "seek": None if seek is None else {"at": seek[0], "count": seek[1]},
        },
        key=key,
    )
