"""To and from ``tincan.Statement``, the public model. The hot path does not come through here.

tincan rewrites what it reads: ``82`` becomes ``82.0``, ``Z`` becomes ``+00:00``, ``PT25H`` becomes ``P1DT1H``, which
LRSs take for another statement. ``to_bytes`` undoes all three, so that a statement comes back
with the bytes that it had.
"""

from datetime import datetime
from typing import Any

import orjson
import tincan

from integrations.xapi.encoder import duration, instant

VERSION = "1.0.3"
_PERSON = ("objectType", "mbox", "account")
_ACTIVITY = ("objectType", "id", "definition", "mbox", "account")
# The order of members that the encoder writes; extensions and whatever is not listed keep the order they have.
ORDER: dict[str, tuple[str, ...]] = {
    "": ("id", "actor", "verb", "object", "result", "context", "timestamp", "attachments"),
    "actor": _PERSON,
    "account": ("homePage", "name"),
    "verb": ("id", "display"),
    "object": _ACTIVITY,
    "definition": ("type", "name"),
    "result": ("score", "success", "completion", "duration", "extensions"),
    "score": ("scaled", "raw", "min", "max"),
    "context": ("registration", "contextActivities", "platform", "language", "extensions"),
    "contextActivities": ("parent", "grouping", "category", "other"),
    **dict.fromkeys(("parent", "grouping", "category", "other"), _ACTIVITY),
    "attachments": ("usageType", "display", "contentType", "length", "sha2", "fileUrl"),
}


def to_tincan(statement: bytes) -> "tincan.Statement":
    """The statement as tincan's object.

    Raises:
        ValueError: it is of version 2.0, which tincan does not know.
    """
    parsed = orjson.loads(statement)
    if {"contextAgents", "contextGroups"} & parsed.get("context", {}).keys():
        raise ValueError("tincan knows xAPI 1.0.3 and older; render the statement in 1.0.3")
    return tincan.Statement(parsed)


def to_bytes(statement: "tincan.Statement") -> bytes:
    """A tincan statement in our spelling and order of members."""
    plain = orjson.loads(statement.to_json(VERSION))
    plain.pop("version", None)
    if isinstance(plain.get("timestamp"), str):
        plain["timestamp"] = instant(datetime.fromisoformat(plain["timestamp"]))
    lasted = getattr(statement.result, "duration", None)
    if lasted is not None:
        plain["result"]["duration"] = duration(lasted.total_seconds())
    return orjson.dumps(_tidy(plain, ""))


def _tidy(value: Any, member: str) -> Any:
    """Whole numbers without a point, known members in our order, no nulls and no empty objects."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_tidy(each, member) for each in value]
    if not isinstance(value, dict):
        return value
    order = ORDER.get(member, ())
    names = [*(name for name in order if name in value), *(name for name in value if name not in order)]
    tidied = {name: _tidy(value[name], name) for name in names}
    return {name: found for name, found in tidied.items() if found is not None and found != {}}
