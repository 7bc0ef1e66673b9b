"""How an event is committed to and linked to the one before it: the arithmetic of the chain, without a database.

A commitment is SHA-256 over a random salt and the canonical text of what may concern a person. A link is SHA-256
over the canonical text of everything else, the commitment and the link before. Whoever has the rows can
compute both again with nothing but SHA-256.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

GENESIS = "0" * 64
COMMITTED = ("actor", "object", "learner_key", "body")


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: the one text of a value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sha256(text: str) -> str:
    """Digest of a text in hexadecimal digits; a broken surrogate is written out rather than refused."""
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


def commitment(salt: str, row: Mapping[str, Any]) -> str:
    """What binds an event to its personal part without showing it."""
    return sha256(salt + canonical([row[name] for name in COMMITTED]))


def link(row: Mapping[str, Any]) -> str:
    """The hash of an event, over the hash before it."""
    at = row["at"]
    moment = at.astimezone(UTC).isoformat(timespec="microseconds") if isinstance(at, datetime) else at
    return sha256(
        canonical([row["seq"], moment, row["action"], row["tenant"], row["once"], row["commitment"], row["prev_hash"]])
    )
