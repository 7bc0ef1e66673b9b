"""Which signal class each field of a payload belongs to: the allow-list that the gate walks.

A tree of plain mappings, whose leaves name a signal class, with four node kinds for what JSON can do:

    FieldClasses({
        "conversation_id": "operational",
        "properties": {
            "transcript": Each({"role": "operational", "content": "speech_text"}),
            "request": {"body": Json({"empathy": "score", "comment": "speech_text"})},
            "output_variables": Free("speech_text"),
        },
        "user_audio_analysis": "voice",
    })

A leaf admits a text, number, truth value or null, nothing nested. Whatever the tree does not name is dropped.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Node: TypeAlias = "str | Mapping[str, Node] | Each | Json | Free | By"


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
    """Content whose names and shape the customer chooses, all of one class: tool arguments, output variables.

    The gate cannot see into it. Whoever reads such content first moves out of it what belongs to another
    class, as the engine's reader does with perception notes.
    """

    signal: str


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
