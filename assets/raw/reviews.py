"""raw/reviews: how each reviewed score stands, by the session's day, from the audit chain.

An adjustment is a score of its own as well: it is landed as an assessment by a person, beside the one that it corrects.
"""

import json
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from assets.duck import connect, file_list
from assets.lake import Lake
from assets.raw import bundles
from governance.gate import SignalPolicy
from governance.identities import Identities
from governance.names import engine_of
from governance.reviews import FRAME, Reviews
from governance.state import State

PATH = "raw/reviews"
COLUMNS = ("tenant", "session_id", "rubric_id", "rubric_version", "scorer_kind", "scorer_id", "scorer_version",
           "revision", "state", "reviewed_at")  # fmt: skip
SCHEMA = {name: FRAME[name] for name in COLUMNS}


def land(lake: Lake, state: State, identities: Identities, policy: SignalPolicy, now: datetime) -> int:
    """Bring raw/reviews up to date; how many days changed. Only those are written, so that no more is rebuilt."""
    reviews = Reviews(state).frame()
    if reviews.is_empty() or not lake.days("core/sessions"):
        return 0
    con = connect()
    con.register("reviewed", reviews.select(COLUMNS))
    sessions = f"read_parquet({file_list(lake.files('core/sessions'))})"
    placed = con.sql(
        f"select r.*, s.day, s.started_at from reviewed as r join {sessions} as s using (tenant, session_id)"
    ).pl()
    con.close()
    changed = 0
    with lake.writing("landing reviews"), lake.staging() as folder:
        for (day,), rows in placed.group_by("day"):
            fresh = rows.select(COLUMNS).sort(COLUMNS[:8])
            path = lake.path(PATH, day)  # type: ignore[arg-type]
            if path.is_file() and pl.read_parquet(path).equals(fresh):
                continue
            draft = folder / f"{day}.parquet"
            fresh.write_parquet(draft)
            lake.put(PATH, draft, day)  # type: ignore[arg-type]
            changed += 1
    _land_adjustments(lake, state, identities, policy, now, reviews, placed)
    return changed


def _land_adjustments(
    lake: Lake, state: State, identities: Identities, policy: SignalPolicy, now: datetime, reviews: pl.DataFrame,
    placed: pl.DataFrame,
) -> None:  # fmt: skip
    """Final adjustments as assessments by a person; one that was landed before counts as repeated."""
    started = dict(zip(zip(placed["tenant"], placed["session_id"], strict=True), placed["started_at"], strict=True))
    lines = [
        _bundle(row, started[row["tenant"], row["session_id"]])
        for row in reviews.filter(state="adjusted").iter_rows(named=True)
        if (row["tenant"], row["session_id"]) in started
    ]
    if not lines:
        return
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "reviews.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
        bundles.land([path], lake=lake, state=state, identities=identities, policy=policy, received_at=now, tenant=None)


def _bundle(row: dict[str, Any], started_at: datetime) -> dict[str, Any]:
    engine, engine_session_id = engine_of(row["session_id"])
    scores = json.loads(row["adjusted"])
    return {
        "format": "rolecall.session/1",
        "engine": engine,
        "engine_session_id": engine_session_id,
        "launch": {"tenant": row["tenant"]},
        "started_at": started_at.isoformat(),
        "turns": [],
        "assessments": [
            {
                "rubric_id": row["rubric_id"],
                "rubric_version": row["rubric_version"],
                "scorer": {"kind": "human", "id": row["reviewer"], "version": "review"},
                "scored_at": row["reviewed_at"].isoformat(),
                "criteria": [
                    {"criterion_id": name, "score": score, "evidence_turns": [], "comment": row["reason"]}
                    for name, score in scores.items()
                ],
            }
        ],
    }
