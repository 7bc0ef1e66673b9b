"""Which signal class each field of a payload belongs to: the allow-list that the gate walks.

A tree of plain mappings, whose leaves name a signal class, with five node kinds for what JSON can do:

    FieldClasses({
        "conversation_id": "operational",
        "properties": {
            "transcript": Each({"role": "operational", "content": Scan("speech_text", find)}),
            "request": {"body": Json({"empathy": "score", "comment": "speech_text"})},
            "output_variables": Free("speech_text"),
        },
        "user_audio_analysis": "voice",
    })

A leaf admits a text, number, truth value or null, nothing nested. Whatever the tree does not name is dropped.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Find: TypeAlias = Callable[[str], Iterable[tuple[int, int, str]]]
Node: TypeAlias = "str | Mapping[str, Node] | Each | Json | Free | Scan | By"


@dataclass(frozen=True, eq=False)
class Each:
    """A list whose items all have the shape ``item``."""

    item: Node


@dataclass(frozen=True, eq=False)
class Json:
    """JSON inside a string, or the same content already parsed; it stays as it came, string or not.

    A string that is not JSON is dropped: nobody can say what it holds. An empty string stays.
    """

    inner: Node


@dataclass(frozen=True, eq=False)
class Free:
    """Content whose names the customer chooses, all of one class: tool arguments, output variables.

    ``names`` gives fields anywhere inside a class of their own, so that a known biometric name does not
    ride along; ``find`` is applied to every text inside, JSON within texts is opened.
    """

    signal: str
    names: Mapping[str, str] = field(default_factory=dict)
    find: Find | None = None


@dataclass(frozen=True, eq=False)
class Scan:
    """A text of one class that may hold passages of another.

    ``find`` gives (start, end, class) of such passages; those of a denied class are cut out and counted.
    """

    signal: str
    find: Find


@dataclass(frozen=True, eq=False)
class By:
    """An object whose shape depends on the value of one of its own fields, e.g. ``role`` of a transcript entry."""

    name: str
    cases: Mapping[str, Node]
    otherwise: Node = field(default_factory=dict)


class FieldClasses:
    """An immutable tree of fields with a cache of the walkers made from it."""

    __slots__ = ("tree", "walkers")

    def __init__(self, tree: Node) -> None:
        self.tree = tree
        self.walkers: dict[frozenset[str], Callable[[Any, dict[str, int]], Any]] = {}
