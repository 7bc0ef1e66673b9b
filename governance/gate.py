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

from governance.fields import By, Each, FieldClasses, Free, Json, Node
from governance.policy import PolicyError, SignalPolicy, Verdict

__all__ = ["Admitted", "By", "Each", "FieldClasses", "Free", "Json", "PolicyError", "SignalPolicy", "Verdict"]
__all__ += ["UNKNOWN_FIELD", "UNREADABLE_JSON", "admit"]

UNKNOWN_FIELD = "unknown_field"
UNREADABLE_JSON = "unreadable_json"

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

    The payload is what a JSON parser returns; it is not altered, though what is kept may share parts with it.
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
    if isinstance(node, By):
        cases = {value: _compile(inner, allowed) for value, inner in node.cases.items()}
        return _by(node.name, cases, _compile(node.otherwise, allowed))
    return _free(node.signal, allowed)


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


def _free(signal: str, allowed: frozenset[str]) -> Walker:
    return (lambda value, dropped: value) if signal in allowed else _withhold(signal)
