"""Taking back what was stated about people: voidings of what others hold, and requests for its hard deletion.

Voiding is not erasure: a voided statement can still be read by its id. Destroying the learner's identity makes the
pseudonym point at nobody; deletion at an LRS is its operator's, and the ledger keeps the request until it is confirmed.

The statements themselves leave the lake. A voiding names nobody but the statement that it voids; it stays until the
next sync has sent it, under a digest in place of its session.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

import polars as pl

from assets.contracts import XAPI_STATEMENTS
from assets.exports.statements import SCHEMA
from assets.lake import Lake
from governance.privacy.erasure import anonymous
from governance.state import State
from integrations.sync.erasures import Erasures
from integrations.xapi.issuing import voiding

PATH = XAPI_STATEMENTS.path


@dataclass(frozen=True)
class TakenBack:
    """Statements that left the lake, those of them that are voided elsewhere, and how many each target has."""

    removed: int = 0
    voided: int = 0
    targets: Mapping[str, int] = field(default_factory=dict)


def take_back(
    lake: Lake, state: State, tenant: str, sessions: Mapping[str, str | None], *, reason: str, now: datetime
) -> TakenBack:
    """Remove the statements about these sessions (whose they are, by id), void what any target has or may have.

    The voidings go out with the next sync; what a target never received is not sent to it any more. A second call does
    nothing new. The sessions have to leave core as well, or the next issue states them anew.

    Raises:
        LakeBusyError: another process writes the lake.
    """
    with lake.writing("taking back statements"):
        theirs = _of_sessions(lake, tenant, list(sessions))
        register = Erasures(state)
        held = register.holding(theirs["statement_id"])
        for learner, stated in _by_learner(theirs, sessions).items():
            counts = {target: len(keys & stated) for target, keys in held.items() if keys & stated}
            register.request(tenant, learner, counts, reason=reason, now=now)
        known = set().union(*held.values())
        for day in theirs["day"].unique().sort():
            _rewrite(lake, day, tenant, set(sessions), known, now)
    stated = theirs.filter(pl.col("voids").is_null())["statement_id"]
    return TakenBack(
        theirs.height, len(known.intersection(stated)), {target: len(keys) for target, keys in held.items()}
    )


def _of_sessions(lake: Lake, tenant: str, sessions: list[str]) -> pl.DataFrame:
    """Statements about the sessions, voidings included: ``day, session_id, statement_id, voids``."""
    schema = {name: SCHEMA[name] for name in ("day", "session_id", "statement_id", "voids")}
    files = lake.files(PATH)
    if not files:
        return pl.DataFrame(schema=schema)
    frame = pl.scan_parquet(files, hive_partitioning=False)
    mine = frame.filter(pl.col("tenant") == tenant, pl.col("session_id").is_in(sessions))
    return mine.select(*schema).collect()


def _by_learner(theirs: pl.DataFrame, sessions: Mapping[str, str | None]) -> dict[str, set[str]]:
    """Ids of the statements about each learner; a statement about nobody is nobody's to ask about."""
    found: dict[str, set[str]] = {}
    for session_id, statement_id in theirs.select("session_id", "statement_id").iter_rows():
        learner = sessions[session_id]
        if learner is not None:
            found.setdefault(learner, set()).add(statement_id)
    return found


def _rewrite(lake: Lake, day: date, tenant: str, sessions: set[str], held: set[str], now: datetime) -> None:
    """A day without the sessions' statements, and with voidings of those that others hold."""
    frozen = pl.read_parquet(lake.path(PATH, day), hive_partitioning=False).cast(SCHEMA)  # type: ignore[arg-type]
    mine = (pl.col("tenant") == tenant) & pl.col("session_id").is_in(list(sessions))
    gone = frozen.filter(mine)
    nameless = {session: anonymous(tenant, session) for session in sessions}
    sent = gone.filter(pl.col("voids").is_in(list(held))).with_columns(pl.col("session_id").replace(nameless))
    standing = gone.filter(pl.col("voids").is_null(), pl.col("statement_id").is_in(list(held - set(sent["voids"]))))
    fresh = [
        _row(tenant, nameless[session_id], day, statement_id, now)
        for session_id, statement_id in standing.select("session_id", "statement_id").iter_rows()
    ]
    rows = pl.concat([frozen.filter(~mine), sent, pl.DataFrame(fresh, schema=SCHEMA, orient="row")])
    if rows.is_empty():
        lake.put(PATH, None, day)
        return
    with lake.staging() as folder:
        draft = folder / f"{day}.parquet"
        rows.sort("tenant", "session_id", "issued_at", maintain_order=True).write_parquet(draft)
        lake.put(PATH, draft, day)


def _row(tenant: str, session_id: str, day: date, statement_id: str, now: datetime) -> tuple:
    made = voiding(tenant, statement_id, now)
    return (
        tenant, made.id, session_id, day, made.kind, made.template, made.subject, made.revision, made.voids,
        datetime.fromisoformat(made.timestamp), now, made.body.decode(), None,
    )  # fmt: skip
