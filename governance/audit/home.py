"""Verifying a home: chain, head, roots, lake, published versions and batches, each finding with its place."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from sqlalchemy import select

from governance.audit.chain import stream
from governance.audit.head import START, Head, UnreadableHeadError, head_file, read_head
from governance.audit.keys import fingerprint
from governance.audit.links import GENESIS, commitment, link, sha256
from governance.audit.roots import FILE, holds, read_roots, roots_file, stamp_of
from governance.audit.seals import digest, noted, sealed
from governance.audit.stamps import Authority, authority_of
from governance.batches import BATCH, REJECT, batch_digest
from governance.settings import Settings
from governance.state import State


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was left: where, and what is wrong."""

    where: str
    what: str


@dataclass
class Verdict:
    """What a verification looked at and found."""

    findings: list[Finding] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def intact(self) -> bool:
        """Whether nothing was altered."""
        return not self.findings

    def found(self, where: str, what: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(where, what))


def verify_home(settings: Settings, state: State) -> Verdict:
    """Compare everything that the chain vouches for with what is there."""
    verdict = Verdict()
    path = head_file(state.engine)
    noted = _noted(path, verdict)  # before the events, since others may add and note more of them meanwhile
    with state.reading() as session:
        events = list(stream(session))
    bodies = list(check_chain(events, verdict))
    verdict.counts["events"] = len(events)
    if path is not None:
        _check_head(path, noted, events, verdict)
    _check_roots(settings, events, verdict)
    _check_lake(settings.lake, bodies, verdict)
    _check_published(settings.marts, bodies, verdict)
    _check_batches(state, bodies, verdict)
    return verdict


def check_chain(events: Sequence[dict[str, Any]], verdict: Verdict) -> Iterator[dict[str, Any]]:
    """Follow the links; yields the events whose content is what was committed to, with ``body`` parsed."""
    prev, expected = GENESIS, 1
    forgotten = _forgotten(events)
    for event in events:
        where = f"event {event['seq']}"
        if event["seq"] != expected:
            verdict.found(f"events {expected} to {event['seq'] - 1}", "missing from the chain")
        elif event["prev_hash"] != prev:
            verdict.found(where, "does not follow from the event before it: one of the two was replaced or moved")
        if link(event) != event["hash"]:
            verdict.found(where, "its time, action, tenant or link was altered")
        prev, expected = event["hash"], event["seq"] + 1
        if event["salt"] is None:
            if event["seq"] not in forgotten:
                verdict.found(where, "its content is gone, and no erasure says so")
        elif commitment(event["salt"], event) != event["commitment"]:
            verdict.found(where, "its actor, object or content was altered")
        else:
            yield event | {"body": json.loads(event["body"]) if event["body"] else {}}


def check_stamps(roots: Sequence[Mapping[str, Any] | None], authority: Authority, where: str, verdict: Verdict) -> None:
    """Check the time stamps of the roots that have one; ``where`` names their file."""
    stamps = {
        number: stamp_of(root, authority)
        for number, root in enumerate(roots, 1)
        if root is not None and root.get("timestamp") is not None
    }
    for number, stamp in stamps.items():
        if stamp.wrong is not None:
            verdict.found(f"{where} line {number}", f"its time stamp {stamp.wrong}")
    if not stamps and not authority:
        return
    verdict.counts["time stamps"] = len(stamps)
    if len(stamps) < len(roots):
        verdict.notes.append(f"{len(roots) - len(stamps)} of {len(roots)} roots carry no time stamp")
    if not authority:
        by = {stamp.certificate for stamp in stamps.values() if stamp.wrong is None}
        verdict.notes += [told_stamp(each) for each in sorted(map(str, by))]


def told_stamp(certificate: str) -> str:
    """What a reader has to do about a stamp whose authority nobody named."""
    return f"time-stamped with certificate {certificate}; compare it with the authority's"


def _forgotten(events: Sequence[dict[str, Any]]) -> set[int]:
    """Numbers of events whose content an erasure, itself in the chain, removed."""
    found: set[int] = set()
    for event in events:
        if event["action"] == "erasure" and event["body"]:
            found.update(json.loads(event["body"]).get("forgotten", ()))
    return found


def _noted(path: Path | None, verdict: Verdict) -> Head | None:
    """The newest event as noted beside the database; ``None`` where there is no such note."""
    if path is None:
        return None
    try:
        return read_head(path)
    except UnreadableHeadError:
        verdict.found(path.name, "the note of the newest event cannot be read")
        return None


def _check_head(path: Path, noted: Head | None, events: Sequence[dict[str, Any]], verdict: Verdict) -> None:
    if noted is None:
        if events and not path.exists():
            verdict.found(path.name, "the note of the newest event is missing")
        return
    at = {START.seq: START.hash} | {event["seq"]: event["hash"] for event in events}
    last = events[-1]["seq"] if events else 0
    if last < noted.seq:
        verdict.found(f"events {last + 1} to {noted.seq}", "cut off from the end of the chain")
    elif at.get(noted.seq) != noted.hash:
        verdict.found(f"event {noted.seq}", "is not the event that was written under this number")


def _check_roots(settings: Settings, events: Sequence[dict[str, Any]], verdict: Verdict) -> None:
    path = roots_file(settings)
    lines = read_roots(path)
    verdict.counts["roots"] = len(lines)
    certificate = _certificate(settings, verdict) if lines else None
    check_stamps([root for _, root in lines], authority_of(settings), FILE, verdict)
    _check_copy(settings, [line for line, _ in lines], verdict)
    told = [event["object"] for event in events if event["action"] == "root"]
    here = [sha256(line) for line, _ in lines]
    for number, mark in enumerate(told):
        if mark not in here:
            verdict.found(f"{FILE} line {number + 1}", "the root that the chain names is missing or altered")
    hashes, prev, good = [event["hash"] for event in events], GENESIS, 0
    for number, (line, root) in enumerate(lines, 1):
        where = f"{FILE} line {number}"
        if root is None:
            verdict.found(where, "is no root")
        elif certificate is not None:
            if root["prev"] != prev:
                verdict.found(where, "does not follow from the line before it")
            wrong = holds(root, hashes, certificate)
            if wrong is not None:
                verdict.found(f"{where} (events {good + 1} to {root['size']})", wrong)
            else:
                good = root["size"]
        prev = sha256(line)


def _certificate(settings: Settings, verdict: Verdict) -> x509.Certificate | None:
    path = roots_file(settings).parent / "certificate.pem"
    try:
        found = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        verdict.found("audit/certificate.pem", "is missing or no certificate, so that no root can be checked")
        return None
    verdict.notes.append(f"signed with {fingerprint(found)}")
    return found


def _check_copy(settings: Settings, lines: Sequence[str], verdict: Verdict) -> None:
    """Roots that the copy outside has and the home has not, or the reverse."""
    if settings.audit_copy is None:
        verdict.notes.append("no copy of the roots outside the home (ROLECALL_AUDIT_COPY)")
        return
    copy = [line for line, _ in read_roots(settings.audit_copy / FILE)]
    for number in range(max(len(copy), len(lines))):
        if copy[number : number + 1] != list(lines[number : number + 1]):
            verdict.found(f"{FILE} line {number + 1}", "differs from its copy outside the home")
            return


def _check_lake(root: Path, events: Sequence[dict[str, Any]], verdict: Verdict) -> None:
    wanted, waiting = sealed(event for event in events if event["object"].startswith("lake/")), noted(root)
    there = {
        path.relative_to(root).as_posix(): path
        for path in (root.rglob("*.parquet") if root.is_dir() else ())
        if not any(part.startswith(".") for part in path.relative_to(root).parts)  # staged or a cache of core
    }
    verdict.counts["lake files"] = len(there)
    pending = [name for name in waiting if name in there]
    if pending:
        verdict.notes.append(f"{len(pending)} files of the lake are not sealed yet; `rolecall run` seals them")
    for name, value in wanted.items():
        if name in waiting:
            continue
        if name not in there:
            verdict.found(f"lake/{name}", "is gone")
        elif digest(there[name]) != value:
            verdict.found(f"lake/{name}", "was altered")
    for name in sorted(set(there) - set(wanted) - set(waiting)):
        verdict.found(f"lake/{name}", "was put there by something that left no event")


def _check_published(marts: Path, events: Sequence[dict[str, Any]], verdict: Verdict) -> None:
    told = {(event["tenant"], event["object"]): event["body"] for event in events if event["action"] == "publish"}
    for path in sorted(marts.glob("*/current")):
        where = f"marts/{path.parent.name}/{path.resolve().name}"
        body = told.get((path.parent.name, f"marts/{path.resolve().name}"))
        if not path.exists():
            verdict.found(f"marts/{path.parent.name}", "the published version is gone")
        elif body is None:
            verdict.found(where, "was published by something that left no event")
        elif digest(path.resolve()) != body["sha256"]:
            verdict.found(where, "was altered")
    verdict.counts["published versions"] = len(list(marts.glob("*/current")))
    standing = {path.parent.name for path in marts.glob("*/current")}
    for tenant in sorted({str(tenant) for tenant, _ in told} - standing):
        verdict.found(f"marts/{tenant}", "the published version is gone")


def _check_batches(state: State, events: Sequence[dict[str, Any]], verdict: Verdict) -> None:
    told = {event["object"]: event["body"]["digest"] for event in events if event["action"] == "ingest"}
    with state.reading() as session:
        batches = {row.batch_id: dict(row._mapping) for row in session.execute(select(*BATCH))}
        rejects: dict[str, list[Any]] = {}
        for row in session.execute(select(*REJECT).order_by(REJECT.reject_id)):
            rejects.setdefault(row.batch_id, []).append([row.line, row.rule, row.reason])
    verdict.counts["batches"] = len(batches)
    for batch_id in sorted(told.keys() | batches.keys()):
        if batch_id not in batches:
            verdict.found(f"batch {batch_id}", "is gone")
        elif batch_id not in told:
            if batches[batch_id]["read"] is not None:
                verdict.found(f"batch {batch_id}", "was added by something that left no event")
        elif batch_digest(batches[batch_id], rejects.get(batch_id, [])) != told[batch_id]:
            verdict.found(f"batch {batch_id}", "its counts or refusals were altered")
