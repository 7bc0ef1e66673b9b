"""Subject access (GDPR Article 15): everything held about a person, as files that the person can be given.

One folder a person: ``data.json`` and ``media.csv``. Nothing in it is about anybody else, but for who looked.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from governance.privacy.reach import Subject
    from pipelines.privacy import Desk

FORMAT = "rolecall.subject-access/1"
FILES = ("data.json", "media.csv")
BY_SESSION = "as long as the session, see `sessions`"
SOURCES = {
    "raw": "deliveries of the role-play engine, session bundles, outcomes files and connectors, after the signal gate",
    "core": "made from raw by this installation",
    "marts": "calculated from core by this installation",
    "exports": "made from core for a Learning Record Store, frozen as issued",
}
PURPOSES = (
    "training: to show the learner and those responsible for training how practice goes",
    "evidence: to prove that practice took place and how it was judged",
)


@dataclass(frozen=True)
class Answer:
    """What was written for one person."""

    learner_id: str
    folder: Path
    parts: int
    rows: int
    recordings: int


def answer(desk: "Desk", learners: Sequence[str], out: Path, reason: str) -> list[Answer]:
    """Write one folder per person below ``out``, and an entry of the access log for each, before anything is read.

    Raises:
        Problem: an unknown person, or one whose files nobody at this desk may see; nothing was written.
    """
    found = desk.entrusted(learners, "subject access export", reason=reason, quietly=False)
    keys = dict(zip(learners, found, strict=True))
    folders = {learner: out / _folder_name(learner, key) for learner, key in keys.items()}
    return [_written(folders[learner], _document(desk, learner, key, reason)) for learner, key in keys.items()]


def _document(desk: "Desk", learner: str, key: str, reason: str) -> dict[str, Any]:
    from assets import subject as lake
    from governance.privacy import subject as state
    from governance.privacy.reach import PLACES

    fates = desk.fates([key])
    whole = desk.subject([key], [fate.session_id for fate in fates])
    parts = [
        _part(f"state/{name}", PLACES[name].what, PLACES[name].source, PLACES[name].kept, rows)
        for name, rows in state.rows_of(desk.state, whole).items()
    ]
    for name, rows in {**lake.rows_of(desk.lake, whole), **_published(desk, whole)}.items():
        parts.append(_part(name, _grain(name), SOURCES[name.partition("/")[0]], BY_SESSION, rows))
    media = lake.media_of(desk.lake, desk.tenant, whole.sessions)
    return {
        "format": FORMAT,
        "tenant": desk.tenant,
        "learner_id": learner,
        "learner_key": key,
        "generated_at": desk.now,
        "generated_by": desk.by,
        "reason": reason,
        "purposes": PURPOSES,
        "sessions": [asdict(fate) for fate in fates],
        "recipients": _recipients(desk, whole),
        "looks": _looks(desk, key),
        "media": [row | {"held_here": _held_here(desk, row["uri"])} for row in media.iter_rows(named=True)],
        "parts": parts,
    }


def _part(name: str, what: str, source: str, kept: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": name, "what": what, "source": source, "kept": kept, "count": len(rows), "rows": rows}


def _published(desk: "Desk", whole: "Subject") -> dict[str, list[dict[str, Any]]]:
    from assets.subject import published_rows_of
    from pipelines.commands.query import open_locked

    current = desk.settings.marts / desk.tenant / "current"
    with open_locked(current) as con:
        return published_rows_of(con, whole)


def _grain(name: str) -> str:
    from assets.contracts import TABLES

    return TABLES[name].grain


def _recipients(desk: "Desk", whole: "Subject") -> list[dict[str, Any]]:
    """Other systems that hold something, with the number of records there."""
    from governance.privacy.subject import held_elsewhere

    return [{"target": target, "records": records} for target, records in held_elsewhere(desk.state, whole).items()]


def _looks(desk: "Desk", key: str) -> list[dict[str, Any]]:
    """Who looked, or tried to, oldest first."""
    from governance.access.log import AccessLog

    shown = ["at", "who", "action", "allowed", "object", "what", "reason", "source"]
    return AccessLog(desk.state).frame(desk.tenant, learner_key=key, limit=None).select(shown).reverse().to_dicts()


def _held_here(desk: "Desk", uri: str) -> bool:
    from pipelines.privacy import within_home

    return within_home(desk.settings, uri) is not None


def _written(folder: Path, document: dict[str, Any]) -> Answer:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in FILES:
        (folder / name).touch(mode=0o600)
    options = orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
    (folder / "data.json").write_bytes(orjson.dumps(document, default=_plain, option=options) + b"\n")
    media = document["media"]
    with (folder / "media.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_MEDIA)
        writer.writerows([_cell(row[name]) for name in _MEDIA] for row in media)
    held = [part for part in document["parts"] if part["rows"]]
    return Answer(document["learner_id"], folder, len(held), sum(part["count"] for part in held), len(media))


_MEDIA = (
    "session_id", "kind", "uri", "held_here", "status", "started_at", "probed_duration_s", "sha256", "captions_path"
)  # fmt: skip


def _cell(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _plain(value: object) -> object:
    """Amounts keep their digits; anything else that JSON has no word for is written out."""
    return str(value) if isinstance(value, Decimal) else repr(value)


def _folder_name(learner: str, key: str) -> str:
    """The learner id where it can be a folder's name, else the learner's key."""
    return learner if re.fullmatch(r"[0-9A-Za-z_\-@][0-9A-Za-z_\-@.]{0,99}", learner) else key
