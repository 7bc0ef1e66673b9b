"""Roots: once a day and after each run, one signed line over the whole chain, kept outside the database.

The chain alone shows an edit in its middle; only a root that lies elsewhere shows an end that was cut off or
rewritten. Each line names the line before, so that the file cannot lose one either.
"""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from pymerkle import InmemoryTree
from sqlalchemy import select

from governance.audit.chain import TABLE, Event, append
from governance.audit.keys import signed_by, signing_key
from governance.audit.links import GENESIS, canonical, sha256
from governance.audit.stamps import Authority, Stamp, TimestampError, ask, authority_of, check_response
from governance.settings import Settings
from governance.state import State

FORMAT = "rolecall.root/1"
FILE = "roots.jsonl"


def roots_file(settings: Settings) -> Path:
    """Where the roots lie beside the database."""
    return settings.home / "audit" / FILE


def tree_of(hashes: Iterable[str]) -> InmemoryTree:
    """The Merkle tree over event hashes, in order; shaped as RFC 6962 has it."""
    tree = InmemoryTree(algorithm="sha256")
    for each in hashes:
        tree.append_entry(bytes.fromhex(each))
    return tree


def write_root(settings: Settings, state: State, now: datetime | None = None) -> dict[str, Any] | None:
    """Add a root over everything so far; ``None`` where nothing but the last root was added since.

    Raises:
        TimestampError: The authority has no stamp for it, or one that would not hold; nothing was written.
    """
    key = signing_key(settings)
    with state.reading() as session:
        events = session.execute(select(TABLE.action, TABLE.hash).order_by(TABLE.seq)).all()
    if not events or events[-1].action == "root":
        return None
    hashes = [event.hash for event in events]
    body = {
        "format": FORMAT,
        "at": (now or datetime.now(UTC)).isoformat(timespec="seconds"),
        "size": len(hashes),
        "root": tree_of(hashes).get_root().hex(),
        "head": hashes[-1],
        "prev": last_line(settings),
        "key": key.fingerprint,
    }
    line = canonical(body | {"signature": key.sign(canonical(body).encode()), "timestamp": _stamp(settings, body)})
    for folder in (roots_file(settings).parent, settings.audit_copy):
        if folder is not None:
            _add(folder / FILE, line)
    (roots_file(settings).parent / "certificate.pem").write_bytes(key.pem)
    with state.session() as session:
        append(session, [Event("root", "service:audit", sha256(line), facts={"size": len(hashes)})])
    return json.loads(line)


def read_roots(path: Path) -> list[tuple[str, dict[str, Any] | None]]:
    """Each line with its content; ``None`` where a line is no root at all."""
    if not path.is_file():
        return []
    return [(line, _parsed(line)) for line in path.read_text("utf-8", errors="replace").splitlines()]


def last_line(settings: Settings) -> str:
    """Digest of the newest root's line."""
    lines = read_roots(roots_file(settings))
    return sha256(lines[-1][0]) if lines else GENESIS


def body_of(root: Mapping[str, Any]) -> bytes:
    """What a root's signature is over."""
    return canonical({name: root[name] for name in root if name not in ("signature", "timestamp")}).encode()


def holds(root: Mapping[str, Any], hashes: Sequence[str], certificate: x509.Certificate) -> str | None:
    """What is wrong with a root against the chain; ``None`` where it holds."""
    if not signed_by(certificate, str(root.get("signature")), body_of(root)):
        return "its signature does not hold"
    size = int(root["size"])
    if size > len(hashes):
        return f"it covers {size} events, the chain has {len(hashes)}"
    try:
        same = tree_of(hashes[:size]).get_root().hex() == root["root"]
    except ValueError:  # a hash that is none
        same = False
    if not same:
        return f"the first {size} events are no longer those it was made over"
    return None


def stamp_of(root: Mapping[str, Any], authority: Authority = ()) -> Stamp:
    """What the time stamp of a root says that has one."""
    try:
        made_at = datetime.fromisoformat(root["at"])
    except (KeyError, TypeError, ValueError):
        return Stamp("cannot be checked: its root has no time")
    return check_response(root["timestamp"], body_of(root), made_at, authority)


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    needed = {"format", "at", "size", "root", "head", "prev", "key", "signature"}
    return found if isinstance(found, dict) and needed <= set(found) and isinstance(found["size"], int) else None


def _add(path: Path, line: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
        file.flush()
        os.fsync(file.fileno())


def _stamp(settings: Settings, body: Mapping[str, Any]) -> str | None:
    """An RFC 3161 time stamp over the root, in base 64; ``None`` where no authority is configured."""
    if settings.timestamp_url is None:
        return None
    stamp = ask(settings.timestamp_url, body_of(body))
    wrong = stamp_of({**body, "timestamp": stamp}, authority_of(settings)).wrong
    if wrong is not None:
        raise TimestampError(f"ROLECALL_TIMESTAMP_URL: its stamp {wrong}")
    return stamp
