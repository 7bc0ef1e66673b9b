"""Whether two statements are the same under the specification (xAPI 1.0.3 Data 2.3.1, Communication 2.1.1).

What an LRS may set or respell is left out: id, authority, stored, version, the spelling of times, verb displays,
activity definitions, the order of a group's members, data of signatures. Everything else counts, durations as text.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from integrations.xapi.vocabulary import Attachment

BY_THE_LRS = frozenset({"id", "authority", "stored", "version"})
LISTS = ("parent", "grouping", "category", "other")
PEOPLE = ("actor", "account", "mbox", "member", "instructor", "team", "contextAgents")
ABSENT = object()
LONGEST_SHOWN = 60


def same(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    """Whether the two say the same."""
    return next(differences(ours, theirs), None) is None


def differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[str]:
    """Where they differ: the place with both values; of people the place alone."""
    yield from _compare("", comparable(ours), comparable(theirs))


def comparable(statement: Mapping[str, Any]) -> dict[str, Any]:
    """The statement without what does not count, in one spelling."""
    found = {name: value for name, value in statement.items() if name not in BY_THE_LRS}
    if "verb" in found:
        found["verb"] = {"id": found["verb"].get("id")}
    if "timestamp" in found:
        found["timestamp"] = _instant(found["timestamp"])
    if "attachments" in found:
        kept = [each for each in found["attachments"] if each.get("usageType") != Attachment.SIGNATURE]
        found["attachments"] = kept
    if "context" in found:
        found["context"] = _context(found["context"])
    return {name: _thing(value) for name, value in found.items() if value != []}


def _context(context: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(context)
    given = found.get("contextActivities")
    if isinstance(given, Mapping):
        found["contextActivities"] = {
            name: value if isinstance(value, list) else [value] for name, value in given.items() if name in LISTS
        }
    return found


def _thing(value: Any) -> Any:
    """Agents and activities say their type or leave it out; definitions do not count; members have no order."""
    if isinstance(value, list):
        return [_thing(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    found = {name: _thing(each) for name, each in value.items() if name != "definition"}
    if found.get("objectType") in ("Agent", "Activity"):
        del found["objectType"]
    if isinstance(found.get("member"), list):
        found["member"] = sorted(found["member"], key=repr)
    return found


def _instant(text: Any) -> Any:
    try:
        return datetime.fromisoformat(text).timestamp()
    except (TypeError, ValueError):
        return text


def _compare(place: str, ours: Any, theirs: Any) -> Iterator[str]:
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        for name in sorted(ours.keys() | theirs.keys()):
            yield from _compare(
                f"{place}.{name}" if place else str(name), ours.get(name, ABSENT), theirs.get(name, ABSENT)
            )
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for number, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from _compare(f"{place}[{number}]", mine, other)
    elif ours != theirs:
        personal = any(part in place for part in PEOPLE)
        yield place if personal else f"{place}: ours {_shown(ours)}, theirs {_shown(theirs)}"


def _shown(value: Any) -> str:
    return "absent" if value is ABSENT else repr(value)[:LONGEST_SHOWN]
