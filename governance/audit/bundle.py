"""The evidence bundle: one ZIP in the BagIt layout that a third party verifies with nothing but the file.

It holds the report, its rows, the rubrics and scenarios applied, the words where the reader may have them, the events
of the audit chain behind it with a Merkle proof each, the signed roots, and the certificate. The archive itself
is written in one fixed way (stored, no times, names in order), so that even a byte between its members cannot change.

Words are masked unless names were asked for, with a reason, by somebody who may see them; each session's line and
``bag-info.txt`` say which.
"""

import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Set
from pathlib import Path
from typing import Any

import bagit
import duckdb
from sqlalchemy import select

from governance.access import Thing, authorize
from governance.access.log import AccessLog, Entry
from governance.audit.chain import TABLE, stream
from governance.audit.keys import SigningKey, signing_key
from governance.audit.links import canonical
from governance.audit.report.issue import Issued, RefusedError
from governance.audit.report.render import as_csv, as_json, as_pdf
from governance.audit.report.sign import sign
from governance.audit.roots import roots_file, tree_of, write_root
from governance.audit.stamps import authority_of
from governance.identities import Identities
from governance.privacy.scan import RULE, Scanner
from governance.secrets import secret_key
from governance.settings import Settings
from governance.state import State

FORMAT = "rolecall.evidence/1"
EPOCH = (1980, 1, 1, 0, 0, 0)
SIGNATURE = "signature.json"
MEANING = "Issue of this audit report"
ALWAYS = ("publish", "configuration_change", "score", "seal", "erasure", "hold", "restriction", "root")


def pdf_of(settings: Settings, issued: Issued, key: SigningKey | None = None) -> bytes:
    """The signed report.

    Raises:
        TimestampError: An authority is configured and its stamp cannot be had.
    """
    key = key or signing_key(settings)
    pdf = as_pdf(issued.report, meaning=MEANING, certificate=key.fingerprint)
    return sign(pdf, key, reason=MEANING, timestamp_url=settings.timestamp_url, authority=authority_of(settings))


def write_bundle(
    settings: Settings, state: State, issued: Issued, out: Path, *, transcripts: bool, reason: str | None
) -> None:
    """Write the bundle of an issued report to ``out``.

    Raises:
        RefusedError: Transcripts are wanted and the user may not read them.
    """
    in_full = _authorise_transcripts(state, issued, reason) if transcripts else frozenset()
    key = signing_key(settings)
    write_root(settings, state)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "bundle"
        folder.mkdir()
        (folder / "report.pdf").write_bytes(pdf_of(settings, issued, key))
        (folder / "report.json").write_text(as_json(issued.report), "utf-8")
        (folder / "sessions.csv").write_text(as_csv(issued.report), "utf-8")
        (folder / "certificate.pem").write_bytes(key.pem)
        _configuration(settings, folder)
        if transcripts:
            scanner = Scanner.of(Identities(state, secret_key(settings)), issued.scope.tenant)
            _transcripts(settings, issued, folder / "transcripts.jsonl", scanner, in_full)
        _chain(settings, state, issued, folder / "chain")
        info = {"Source-Organization": issued.scope.tenant, "External-Identifier": issued.report["id"]}
        told = {"Rolecall-Transcripts": _told(issued, in_full)} if transcripts else {}
        bagit.make_bag(str(folder), info | {"Rolecall-Format": FORMAT} | told, checksums=["sha256"])
        manifest = (folder / "tagmanifest-sha256.txt").read_bytes()
        signature = {"format": FORMAT, "key": key.fingerprint, "signature": key.sign(manifest)}
        (folder / SIGNATURE).write_text(canonical(signature), "utf-8")
        draft = out.with_name(f".{out.name}.draft")
        pack(((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*") if path.is_file()), draft)
        draft.replace(out)


def pack(members: Iterable[tuple[str, Path]], out: Path) -> None:
    """Write an archive whose bytes follow from names and contents alone."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, path in sorted(members):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            entry.file_size = path.stat().st_size
            with path.open("rb") as source, archive.open(entry, "w") as target:
                shutil.copyfileobj(source, target)


def _authorise_transcripts(state: State, issued: Issued, reason: str | None) -> frozenset[str]:
    """Every session, one by one; a bundle with some of the words would look like one with all.

    Returns the sessions whose words may stay in full, personal data included.
    """
    entries, in_full = [], set()
    for row in issued.report["sessions"]:
        thing = Thing.session(row["tenant"], row["session_id"], row["learner_key"], row["region"])
        decision = authorize(issued.user, "read_transcript", thing)
        whole = issued.named and authorize(issued.user, "see_names", thing, reason=reason).allowed
        what = "in a bundle, in full" if whole else "in a bundle, masked"
        entries.append(Entry.of(issued.user, "read_transcript", thing, decision, what=what, reason=reason))
        if not decision.allowed:
            break
        if whole:
            in_full.add(row["session_id"])
    AccessLog(state).record_many(entries)
    if entries and not entries[-1].allowed:
        raise RefusedError("you may not read all of these transcripts; leave out --transcripts, or narrow the bundle")
    return frozenset(in_full)


def _told(issued: Issued, in_full: Set[str]) -> str:
    """What became of personal data in the words, for whoever opens the bundle."""
    masked = len(issued.report["sessions"]) - len(in_full)
    if not masked:
        return "in full; the report holds the reason"
    return (
        f"{masked} sessions masked by {RULE}, {len(in_full)} in full; a word in brackets such as [name] stands for what"
        " was said, and digests in the report are of the words as they were said"
    )


def _configuration(settings: Settings, folder: Path) -> None:
    for kind in ("rubrics", "scenarios"):
        for path in sorted((settings.config / kind).glob("*.yaml")):
            (folder / kind).mkdir(exist_ok=True)
            shutil.copyfile(path, folder / kind / path.name)
    shutil.copyfile(settings.config / "policy.yaml", folder / "policy.yaml")


def _transcripts(settings: Settings, issued: Issued, path: Path, scanner: Scanner, in_full: Set[str]) -> None:
    """One line a session: its turns in order, and the rule that they are masked by unless they are ``in_full``."""
    scope = issued.scope
    files = [settings.lake / "core" / "turns" / f"day={day.isoformat()}" / "data.parquet" for day in scope.days]
    wanted = {row["session_id"] for row in issued.report["sessions"]}
    with path.open("w", encoding="utf-8") as out, duckdb.connect() as con:
        for file in files:
            if not file.is_file():
                continue
            query = (
                "select session_id, list(struct_pack(ordinal, speaker, text, start_s, duration_s) order by ordinal)"
                " from read_parquet($file, hive_partitioning = false) where tenant = $tenant group by all order by 1"
            )
            for session_id, turns in con.sql(query, params={"file": str(file), "tenant": scope.tenant}).fetchall():
                if session_id not in wanted:
                    continue
                rule = None if session_id in in_full else RULE
                shown = turns if rule is None else [turn | {"text": scanner.masked(turn["text"])} for turn in turns]
                line = {"session_id": session_id, "masked_by": rule, "turns": shown}
                out.write(json.dumps(line, ensure_ascii=False) + "\n")


def _chain(settings: Settings, state: State, issued: Issued, folder: Path) -> None:
    """The events that bear on the report, each with its proof against the newest root, and the roots."""
    folder.mkdir()
    shutil.copyfile(roots_file(settings), folder / "roots.jsonl")
    newest = json.loads((folder / "roots.jsonl").read_text("utf-8").splitlines()[-1])
    sessions = {row["session_id"] for row in issued.report["sessions"]}
    with state.reading() as session:
        tree = tree_of(session.scalars(select(TABLE.hash).where(TABLE.seq <= newest["size"]).order_by(TABLE.seq)))
        with (folder / "events.jsonl").open("w", encoding="utf-8") as out:
            for event in stream(session):
                if event["seq"] <= newest["size"] and _bears(event, sessions, issued):
                    proof = tree.prove_inclusion(event["seq"]).serialize()
                    shown: dict[str, Any] = event | {"at": event["at"].isoformat(timespec="microseconds")}
                    out.write(canonical({"event": shown, "proof": proof}) + "\n")


def _bears(event: dict[str, Any], sessions: set[str], issued: Issued) -> bool:
    """Whether an event is evidence for this report; never one of another tenant."""
    if event["tenant"] not in (None, issued.scope.tenant):
        return False
    return event["action"] in ALWAYS or event["object"] in sessions or event["action"] == "export"
