"""The ledger of what was read: every line of an input is accepted, repeated or refused with a reason."""

import re
import secrets
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePath
from typing import Any, Protocol

import polars as pl
from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from governance.audit.chain import Event, append
from governance.audit.links import canonical, sha256
from governance.names import storable
from governance.state import State
from governance.state.models import BatchRow, RejectRow

ACTOR = "service:pipeline"
BATCH = BatchRow.__table__.c
REJECT = RejectRow.__table__.c
BATCHES = {
    "batch_id": pl.String,
    "kind": pl.String,
    "source": pl.String,
    "sha256": pl.String,
    "tenant": pl.String,
    "opened_at": pl.Datetime("us", "UTC"),
    "read": pl.Int64,
    "accepted": pl.Int64,
    "repeated": pl.Int64,
    "refused": pl.Int64,
    "withheld": pl.Int64,
}
REJECTS = {"batch_id": pl.String, "line": pl.Int64, "rule": pl.String, "reason": pl.String}
WORDS = re.compile(r"[0-9A-Za-z_\-]+")
LONGEST_REASON = 500  # a reason says what is wrong, it does not quote the body


class CountsDisagree(Exception):  # noqa: N818 - says what is the matter
    """A batch does not add up: a line was lost or counted twice, which is a fault in the reader."""


@dataclass(frozen=True, slots=True)
class Reject:
    """Why a line was refused; ``line`` counts from 1, None where the whole input is meant."""

    line: int | None
    rule: str
    reason: str


class Counted(Protocol):
    """What became of an input, with a reason for each refused line; frozen dataclasses fit."""

    @property
    def read(self) -> int:
        """Lines of the input: accepted + repeated + refused."""
        ...

    @property
    def accepted(self) -> int:
        """Lines taken for the first time."""
        ...

    @property
    def repeated(self) -> int:
        """Lines that were there already."""
        ...

    @property
    def refused(self) -> int:
        """Lines that were not taken."""
        ...

    @property
    def withheld(self) -> int:
        """Signals that the gate kept out."""
        ...

    @property
    def refusals(self) -> Sequence[Reject]:
        """At least one reason for each refused line."""
        ...


class Batches:
    """The batches of one installation."""

    def __init__(self, state: State) -> None:
        self.state = state

    def open(self, kind: str, source: str, sha256: str | None, tenant: str | None, at: datetime) -> str:
        """Start a batch and return its id. ``source`` is a file's name or a channel, never a full path."""
        batch_id = f"b_{secrets.token_hex(10)}"
        row = {
            "batch_id": batch_id,
            "kind": kind,
            "source": storable(source),
            "sha256": sha256,
            "tenant": tenant,
            "opened_at": at,
        }
        with self.state.session() as session:
            session.execute(insert(BatchRow), [row])
        return batch_id

    def reject(self, batch_id: str, rejects: Sequence[Reject]) -> None:
        """Note refused lines; one line may break several rules."""
        rows = [
            {
                "batch_id": batch_id,
                "line": each.line,
                "rule": each.rule,
                "reason": storable(each.reason)[:LONGEST_REASON],
            }
            for each in rejects
        ]
        if rows:
            with self.state.session() as session:
                session.connection().execute(insert(RejectRow.__table__), rows)  # type: ignore[arg-type]

    def settle(self, batch_id: str, counted: Counted) -> None:
        """End a batch as its reader counted it, refused lines included.

        Raises:
            CountsDisagree: As ``close``.
        """
        self.reject(batch_id, counted.refusals)
        self.close(
            batch_id,
            read=counted.read,
            accepted=counted.accepted,
            repeated=counted.repeated,
            refused=counted.refused,
            withheld=counted.withheld,
        )

    def close(self, batch_id: str, *, read: int, accepted: int, repeated: int, refused: int, withheld: int = 0) -> None:
        """End a batch with its counts.

        Raises:
            CountsDisagree: The counts do not add up, or a refused line has no reason on record.
        """
        if read != accepted + repeated + refused:
            raise CountsDisagree(
                f"batch {batch_id}: read {read}, but {accepted} accepted + {repeated} repeated + {refused} refused"
            )
        counts = {
            "read": read,
            "accepted": accepted,
            "repeated": repeated,
            "refused": refused,
            "withheld": withheld,
        }
        with self.state.session() as session:
            named = select(func.count(func.distinct(func.coalesce(REJECT.line, -REJECT.reject_id)))).where(
                REJECT.batch_id == batch_id
            )
            reasons = session.scalar(named)
            if reasons != refused:
                raise CountsDisagree(f"batch {batch_id}: {refused} lines refused, {reasons} have a reason on record")
            session.execute(update(BatchRow).where(BATCH.batch_id == batch_id).values(counts))
            append(session, _closed(session, batch_id))

    def frame(self, tenant: str | None = None) -> pl.DataFrame:
        """One row per batch, newest first; the counts of an unfinished batch are null."""
        query = select(*(BATCH[name] for name in BATCHES)).order_by(BATCH.opened_at.desc(), BATCH.batch_id)
        if tenant is not None:
            query = query.where(BATCH.tenant == tenant)
        with self.state.reading() as session:
            return pl.DataFrame(session.execute(query).all(), schema=BATCHES, orient="row")

    def rejects(self, batch_id: str | None = None) -> pl.DataFrame:
        """One row per refused line and rule, in the order of the input."""
        query = select(*(REJECT[name] for name in REJECTS)).order_by(REJECT.batch_id, REJECT.line, REJECT.reject_id)
        if batch_id is not None:
            query = query.where(REJECT.batch_id == batch_id)
        with self.state.reading() as session:
            return pl.DataFrame(session.execute(query).all(), schema=REJECTS, orient="row")


def batch_digest(batch: Mapping[str, Any], rejects: Sequence[Sequence[Any]]) -> str:
    """Digest of a closed batch with what it refused, as the audit chain keeps it."""
    shown = {name: str(value) if name == "opened_at" else value for name, value in batch.items()}
    return sha256(canonical([shown, rejects]))


def forget_names(session: Session, names: Set[str], instead: str, by: str) -> int:
    """Rename files that are named after one of these (a person or session, as relays are); how many batches.

    The chain takes the digest of each batch anew, so that a later change still shows.
    """
    count = 0
    for batch_id, source in session.execute(select(BATCH.batch_id, BATCH.source)).all():
        if names & {source, PurePath(source).stem, *WORDS.findall(source)}:
            blank = update(BatchRow).where(BATCH.batch_id == batch_id)
            session.execute(blank.values(source=f"{instead}{PurePath(source).suffix}"))
            event = _closed(session, batch_id)[0]
            append(session, [replace(event, actor=by)] if event.facts["read"] is not None else [])
            count += 1
    return count


def _closed(session: Session, batch_id: str) -> list[Event]:
    """What the audit chain says of a batch: that it was read, and how much the gate kept out of it."""
    batch = dict(session.execute(select(*BATCH).where(BATCH.batch_id == batch_id)).one()._mapping)
    refused = select(REJECT.line, REJECT.rule, REJECT.reason).where(REJECT.batch_id == batch_id)
    rejects = [list(row) for row in session.execute(refused.order_by(REJECT.reject_id))]
    counts = {name: batch[name] for name in ("kind", "read", "accepted", "repeated", "refused", "withheld")}
    facts = {**counts, "digest": batch_digest(batch, rejects)}
    events = [Event("ingest", ACTOR, batch_id, tenant=batch["tenant"], facts=facts)]
    if batch["withheld"]:
        gate = {"withheld": batch["withheld"]}
        events.append(Event("gate_decision", ACTOR, batch_id, tenant=batch["tenant"], facts=gate))
    return events
