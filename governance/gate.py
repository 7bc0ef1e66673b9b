"""Which parts of a payload may be written, decided in memory before the first write.

Fields pass by allow-list. What is dropped is counted by its signal class, as ``unknown_field`` where the
tree does not name it and as ``unreadable_json`` where a text that should hold JSON does not; it is
never kept, logged or hashed. A denied field that is null held no signal and is not counted.

The tree is compiled once per set of permitted classes into plain functions, since the gateway calls
this for every delivery.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from governance.fields import By, Each, FieldClasses, Find, Free, Json, Node, Scan
from governance.policy import PolicyError, SignalPolicy, Verdict

__all__ = ["Admitted", "By", "Each", "FieldClasses", "Free", "Json", "PolicyError", "Scan", "SignalPolicy", "Verdict"]
__all__ += ["UNKNOWN_FIELD", "UNREADABLE_JSON", "admit"]

UNKNOWN_FIELD = "unknown_field"
UNREADABLE_JSON = "unreadable_json"
JSON_OPENS = frozenset('{["')
DEEPEST = 40  # levels of customer-named content; deeper is no tool argument but an attack on the stack

Walker = Callable[[Any, dict[str, int]], Any]
_SCALARS = frozenset((str, int, float, bool, type(None)))
_DROPPED: Any = object()


@dataclass(frozen=True, slots=True)
class Admitted:
    """What may be written, and how many fields of each class were withheld."""

    kept: dict[str, Any]
    dropped: dict[str, int]
    policy_version: str


def admit(
    payload: Mapping[str, Any], classes: FieldClasses, jurisdiction: str | None, policy: SignalPolicy
) -> Admitted:
    """Keep the fields that are named and allowed; count the rest, never keep it.

    The payload is what a JSON parser returns; it is not altered.
    """
    allowed = policy.allowed(jurisdiction)
    walker = classes.walkers.get(allowed)
    if walker is None:
        walker = classes.walkers[allowed] = _compile(classes.tree, allowed)
    dropped: dict[str, int] = {}
    kept: Any = walker(payload, dropped)
    return Admitted({} if kept is _DROPPED else kept, dropped, policy.version)


def _count(dropped: dict[str, int], reason: str) -> None:
    dropped[reason] = dropped.get(reason, 0) + 1


def _compile(node: Node, allowed: frozenset[str]) -> Walker:
    """A function that returns the permitted part of a value, or ``_DROPPED`` after counting why."""
    if isinstance(node, str):
        return _leaf(node, allowed)
    if isinstance(node, Mapping):
        return _object({name: _compile(inner, allowed) for name, inner in node.items()})
    if isinstance(node, Each):
        return _list(_compile(node.item, allowed))
    if isinstance(node, Json):
        return _json(_compile(node.inner, allowed))
    if isinstance(node, Scan):
        return _scan(node, allowed)
    if isinstance(node, By):
        cases = {value: _compile(inner, allowed) for value, inner in node.cases.items()}
        return _by(node.name, cases, _compile(node.otherwise, allowed))
    return _free(node, allowed)


def _leaf(signal: str, allowed: frozenset[str]) -> Walker:
    def keep(value: Any, dropped: dict[str, int]) -> Any:
        if type(value) in _SCALARS:
            return value
        _count(dropped, UNKNOWN_FIELD)
        return _DROPPED

    return keep if signal in allowed else _withhold(signal)


def _withhold(signal: str) -> Walker:
    def withhold(value: Any, dropped: dict[str, int]) -> Any:
        if value is not None:
            _count(dropped, signal)
        return _DROPPED

    return withhold


def _object(fields: dict[str, Walker]) -> Walker:
    def keep(value: Any, dropped: dict[str, int]) -> Any:
        if not isinstance(value, Mapping):
            return _nothing_inside(value, dropped)
        kept = {}
        for name, item in value.items():
            walker = fields.get(name)
            if walker is None:
                _count(dropped, UNKNOWN_FIELD)
                continue
            out = walker(item, dropped)
            if out is not _DROPPED:
                kept[name] = out
        return kept

    return keep


def _list(item: Walker) -> Walker:
    def keep(value: Any, dropped: dict[str, int]) -> Any:
        if not isinstance(value, list):
            return _nothing_inside(value, dropped)
        kept = [item(entry, dropped) for entry in value]
        return [entry for entry in kept if entry is not _DROPPED]

    return keep


def _nothing_inside(value: Any, dropped: dict[str, int]) -> Any:
    """A null where an object or list was expected stays null; any other value is of an unknown kind."""
    if value is None:
        return None
    _count(dropped, UNKNOWN_FIELD)
    return _DROPPED


def _json(inner: Walker) -> Walker:
    def keep(value: Any, dropped: dict[str, int]) -> Any:
        if type(value) is not str:
            return inner(value, dropped)
        if not value.strip():
            return _DROPPED if inner(None, dropped) is _DROPPED else ""
        try:
            parsed = orjson.loads(value)
        except orjson.JSONDecodeError:
            _count(dropped, UNREADABLE_JSON)
            return _DROPPED
        out = inner(parsed, dropped)
        return out if out is _DROPPED else orjson.dumps(out).decode()

    return keep


def _by(name: str, cases: dict[str, Walker], otherwise: Walker) -> Walker:
    def keep(value: Any, dropped: dict[str, int]) -> Any:
        if not isinstance(value, Mapping):
            return _nothing_inside(value, dropped)
        case = value.get(name)
        return (cases.get(case, otherwise) if type(case) is str else otherwise)(value, dropped)

    return keep


def _cut(text: str, find: Find, allowed: frozenset[str], dropped: dict[str, int]) -> str:
    """The text without the passages of denied classes; overlapping passages are cut once each."""
    kept: list[str] = []
    position = 0
    for start, end, signal in sorted(find(text)):
        if signal in allowed:
            continue
        _count(dropped, signal)
        kept.append(text[position : max(start, position)])
        position = max(end, position)
    return text if position == 0 and not kept else "".join((*kept, text[position:]))


def _scan(node: Scan, allowed: frozenset[str]) -> Walker:
    if node.signal not in allowed:
        return _withhold(node.signal)
    find = node.find

    def keep(value: Any, dropped: dict[str, int]) -> Any:
        if type(value) is str:
            return _cut(value, find, allowed, dropped)
        if type(value) in _SCALARS:
            return value
        _count(dropped, UNKNOWN_FIELD)
        return _DROPPED

    return keep


def _free(node: Free, allowed: frozenset[str]) -> Walker:
    if node.signal not in allowed:
        return _withhold(node.signal)
    denied = {name.lower(): signal for name, signal in node.names.items() if signal not in allowed}
    content = _FreeContent(denied, node.find, allowed)
    return lambda value, dropped: content.walk(value, dropped, 0)


@dataclass(frozen=True, slots=True)
class _FreeContent:
    """Walks content of any shape, leaving out denied names and passages."""

    denied: dict[str, str]
    find: Find | None
    allowed: frozenset[str]

    def walk(self, value: Any, dropped: dict[str, int], depth: int) -> Any:
        if type(value) is str:
            return self.text(value, dropped, depth)
        if type(value) in _SCALARS:
            return value
        if depth < DEEPEST and isinstance(value, list):
            kept = [self.walk(entry, dropped, depth + 1) for entry in value]
            return [entry for entry in kept if entry is not _DROPPED]
        if depth < DEEPEST and isinstance(value, Mapping):
            return self.members(value, dropped, depth)
        _count(dropped, UNKNOWN_FIELD)
        return _DROPPED

    def members(self, value: Mapping[str, Any], dropped: dict[str, int], depth: int) -> dict[str, Any]:
        kept = {}
        for name, item in value.items():
            signal = self.denied.get(name.lower())
            if signal is not None:
                if item is not None:
                    _count(dropped, signal)
                continue
            out = self.walk(item, dropped, depth + 1)
            if out is not _DROPPED:
                kept[name] = out
        return kept

    def text(self, value: str, dropped: dict[str, int], depth: int) -> Any:
        """JSON inside a text is opened, since a denied name would hide there as well.

        Where it looks like JSON but cannot be parsed, one denied name in it withholds the whole text.
        """
        if value.lstrip()[:1] in JSON_OPENS:
            try:
                parsed = orjson.loads(value)
            except orjson.JSONDecodeError:
                lower = value.lower()
                signal = next((signal for name, signal in self.denied.items() if name in lower), None)
                if signal is not None:
                    _count(dropped, signal)
                    return _DROPPED
            else:
                out = self.walk(parsed, dropped, depth + 1)
                return out if out is _DROPPED else orjson.dumps(out).decode()
        return value if self.find is None else _cut(value, self.find, self.allowed, dropped)
