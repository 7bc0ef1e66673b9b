"""Seals: which files of the lake and which published versions there are, with digests, as events of the chain.

Whoever puts a file into the lake notes it in a journal beside it (``note``); ``seal`` later turns the journal into one
event a layer. A file that changes without having been put there is never sealed anew, so that a verification finds it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from governance.audit.chain import TABLE, Event, Kind, append, rows
from governance.settings import Settings
from governance.state import State

JOURNAL = ".unsealed"
LAYERS: Mapping[str, Kind] = {"raw": "seal", "core": "score", "exports": "export"}
CONFIGURED = (
    "policy.yaml",
    "access.yaml",
    "escalations.yaml",
    "competencies.yaml",
    "rubrics/*.yaml",
    "scenarios/*.yaml",
)
BLOCK = 1 << 20


def note(root: Path, path: Path) -> None:
    """Remember that a file below ``root`` was put there, or removed, by Rolecall itself."""
    line = json.dumps([path.relative_to(root).as_posix(), _identity(path)])
    with (root / JOURNAL).open("a", encoding="utf-8") as journal:
        journal.write(line + "\n")


def noted(root: Path) -> dict[str, str | None]:
    """Files put or removed since the last seal, with the identity they had; a torn last line counts for nothing."""
    try:
        lines = (root / JOURNAL).read_text("utf-8").splitlines()
    except FileNotFoundError:
        return {}
    found: dict[str, str | None] = {}
    for line in lines:
        try:
            name, identity = json.loads(line)
        except ValueError:
            continue
        found[name] = identity
    return found


def seal(settings: Settings, state: State, actor: str) -> int:
    """Seal what was written since the last time, and changes of configuration; how many events that took.

    Only for the holder of the lake's writer lock.
    """
    root = settings.lake
    fresh = noted(root)
    layers: dict[str, dict[str, str | None]] = {}
    for name, identity in fresh.items():
        path = root / name
        if identity == _identity(path):  # else it was replaced again, or by somebody else: then it stays unsealed
            layers.setdefault(name.split("/", 1)[0], {})[name] = None if identity is None else digest(path)
    events = [
        Event(LAYERS.get(layer, "seal"), actor, f"lake/{layer}", facts={"files": dict(sorted(files.items()))})
        for layer, files in sorted(layers.items())
    ]
    with state.session() as session:
        known = rows(session, TABLE.action.in_(["publish", "configuration_change"]))
        events += _publications(settings, actor, known) + _configuration(settings, actor, known)
        count = len(append(session, events))
    (root / JOURNAL).unlink(missing_ok=True)
    return count


def sealed(events: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Digest of each file that should lie in the lake, by the seals in order."""
    found: dict[str, str | None] = {}
    for event in events:
        found.update(event["body"].get("files", {}))
    return {name: value for name, value in found.items() if value is not None}


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _identity(path: Path) -> str | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return f"{found.st_size:x}-{found.st_mtime_ns:x}"


def _publications(settings: Settings, actor: str, known: list[dict[str, Any]]) -> list[Event]:
    told = {(row["tenant"], row["object"]) for row in known if row["action"] == "publish"}
    events: list[Event] = []
    for link in sorted(settings.marts.glob("*/current")):
        beside = link.resolve().with_suffix(".json")
        if not beside.is_file():
            continue
        manifest = json.loads(beside.read_text("utf-8"))
        tenant, name = link.parent.name, f"marts/{manifest['file']}"
        if (tenant, name) not in told:
            facts = {"sha256": manifest["sha256"], "content": manifest["content"], "rows": manifest["tables"]}
            events.append(Event("publish", actor, name, tenant=tenant, facts=facts))
    return events


def _configuration(settings: Settings, actor: str, known: list[dict[str, Any]]) -> list[Event]:
    """One event per changed file, since who may see what and what passes the gate is decided there."""
    before: dict[str, str | None] = {}
    for row in known:
        if row["action"] == "configuration_change":
            before[row["object"]] = row["body"].get("sha256")
    paths = [path for pattern in CONFIGURED for path in settings.config.glob(pattern)]
    now: dict[str, str | None] = {path.relative_to(settings.config).as_posix(): digest(path) for path in paths}
    gone = {name: None for name in before if name not in now}
    return [
        Event("configuration_change", actor, name, facts={"sha256": value, "was": before.get(name)})
        for name, value in sorted((now | gone).items())
        if value != before.get(name)
    ]
