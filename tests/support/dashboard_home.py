"""A whole home for the dashboards: published marts, transcripts in the lake, one recording with captions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import av
import numpy as np
import polars as pl
from support.published import _overviews, publish_frames
from support.synthetic import Draw, _session_scores, core_frames

TENANT = "acme"
NOW = datetime(2026, 11, 3, 6, tzinfo=UTC)
OFFSET_S = 1.5
VIDEO_S = 100
SAID = (
    ("counterpart", "You have ten minutes. What did you want to talk about?"),
    ("learner", "How your team handles renewals today, and where it hurts. Where do you lose most time?"),
    ("counterpart", "Mostly in approvals. Every discount goes through three people."),
    ("learner", "What does that cost you in a typical month?"),
    ("counterpart", "A week of the sales director's time, and two or three deals that slip."),
    ("learner", "So the price is not the hard part; the waiting is. Did I get that right?"),
    ("counterpart", "Yes. But the last tool we bought promised the same."),
    ("learner", "Fair. What would you have to see in the first thirty days to believe it?"),
)  # fmt: skip


@dataclass(frozen=True)
class Home:
    """Where everything lies, and the sessions worth opening."""

    path: Path
    recorded: str
    silent: str
    open: str


def build_home(path: Path, sessions: int = 700, learners: int = 80) -> Home:
    """Draw a home below ``path``: the newest scored session is recorded, the one before has its words alone."""
    draw = Draw(sessions=sessions, learners=learners, tenant=TENANT, seed=3)
    frames = core_frames(draw) | _overviews(TENANT, draw) | _ledger()
    scored = (
        frames["sessions"]
        .filter(pl.col("session_id").is_in(frames["session_scores"]["session_id"].implode()) & ~pl.col("is_test"))
        .sort("started_at", descending=True)
    )
    recorded, silent = scored["session_id"][0], scored["session_id"][1]
    waiting = frames["sessions"].filter(pl.col("completeness") == "open")["session_id"][0]
    frames["media"] = _media(path, frames, recorded)
    second = _second_scores(frames["criterion_scores"])
    frames["criterion_scores"] = pl.concat([frames["criterion_scores"], second])
    frames["session_scores"] = pl.concat(
        [frames["session_scores"], _session_scores(second).select(frames["session_scores"].columns)],
        how="vertical_relaxed",
    )
    frames["signals"] = pl.concat(
        [frames["signals"], *_more_signals(frames["sessions"], recorded)], how="diagonal_relaxed"
    )
    _turns(path, frames["sessions"], [recorded, silent])
    publish_frames(path / "marts" / TENANT, frames, now=NOW)
    return Home(path, recorded, silent, waiting)


def _ledger() -> dict[str, pl.DataFrame]:
    """Two targets: an LRS that has everything but one statement, a CRM whose last run failed."""
    health = pl.DataFrame(
        {
            "tenant": [TENANT] * 2, "target": ["lrs", "salesforce/activities"], "kind": ["lrs", "crm"],
            "acknowledged": [5210, 340], "waiting": [0, 12], "refused": [1, 4], "unknown": [0, 2],
            "erasures_open": [0, 1], "last_acknowledged_at": [NOW, NOW], "oldest_waiting_at": [None, NOW],
            "last_run_at": [NOW, NOW], "last_run_status": ["done", "failed"],
            "last_run_reason": [None, "the login was refused: renew the client secret"], "last_done_at": [NOW, None],
            "paused_until": [None, None],
        },
        schema_overrides={"paused_until": pl.Datetime("us", "UTC")},
    )  # fmt: skip
    rejects = pl.DataFrame(
        {
            "tenant": TENANT, "target": ["lrs"] + ["salesforce/activities"] * 4,
            "record_key": [f"key-{place}" for place in range(5)], "source": "core/session_scores", "action": "create",
            "code": ["400"] + ["FIELD_INTEGRITY"] * 4,
            "reason": ["the activity id is no IRI"] + ["the contact has left the company"] * 4,
            "permanent": [True] * 5, "attempt": 1, "refused_at": NOW,
        }
    )  # fmt: skip
    return {"sync_health": health, "sync_rejects": rejects}


def _second_scores(criteria: pl.DataFrame) -> pl.DataFrame:
    """What two people gave in every second session: mostly the model's score, else a step less."""
    sessions = criteria["session_id"].unique(maintain_order=True).gather_every(2)
    rows = criteria.filter(pl.col("session_id").is_in(sessions.implode()))
    lower = pl.int_range(pl.len()) % 4 == 0
    return rows.with_columns(
        scorer_kind=pl.lit("human"),
        scorer_id=pl.lit("l_rater"),
        scorer_version=pl.lit("unknown"),
        score=pl.when(lower).then((pl.col("score") - 1).clip(1)).otherwise(pl.col("score")),
        scaled=pl.when(lower).then((pl.col("scaled") - 0.25).clip(0)).otherwise(pl.col("scaled")),
    ).with_columns(met=pl.col("score") >= 3)


def _more_signals(sessions: pl.DataFrame, recorded: str) -> list[pl.DataFrame]:
    """Knowledge documents in every third session that was talked in, and two perception notes in the recorded one."""
    talked = sessions.filter((pl.col("turn_count") > 0) & ~pl.col("is_test"))
    base = ("tenant", "session_id", "day", "raw_ref")
    read = talked.gather_every(3).select(
        *base, kind=pl.lit("knowledge"), state=pl.lit("retrieved"), ordinal=pl.lit(90, pl.Int32),
        name=pl.when(pl.col("language") == "en").then(pl.lit("pricing-2026.pdf")).otherwise(pl.lit("objections.md")),
    )  # fmt: skip
    seen = sessions.filter(pl.col("session_id") == recorded).select(
        *base, kind=pl.lit("perception"), state=pl.lit("called"), alignment=pl.lit("exact")
    )
    notes = [
        seen.with_columns(
            name=pl.lit(name), at_s=pl.lit(at), ordinal=pl.lit(91 + place, pl.Int32),
            variables=pl.lit(f'{{"reason": "{words}"}}'),
        )
        for place, (name, at, words) in enumerate(
            (("hesitation", 31.0, "A pause of four seconds before the answer"),
             ("averted_gaze", 52.0, "Looked away while the price was named"))
        )
    ]  # fmt: skip
    return [read, *notes]


def _media(path: Path, frames: Mapping[str, pl.DataFrame], session_id: str) -> pl.DataFrame:
    file = path / "recordings" / "recorded.mp4"
    _video(file)
    captions = path / "exports" / "captions" / "recorded.vtt"
    captions.parent.mkdir(parents=True)
    captions.write_text("WEBVTT\n\n00:00:01.500 --> 00:00:05.000\nYou have ten minutes.\n", "utf-8")
    media = frames["media"].filter(pl.col("session_id") != session_id)
    day = frames["sessions"].filter(pl.col("session_id") == session_id).select("day", "started_at", "raw_ref")
    row = day.select(
        tenant=pl.lit(TENANT), session_id=pl.lit(session_id), day="day", uri=pl.lit(file.as_uri()),
        kind=pl.lit("video"), status=pl.lit("available"), started_at="started_at", offset_s=pl.lit(OFFSET_S),
        declared_duration_s=pl.lit(float(VIDEO_S)), probed_duration_s=pl.lit(float(VIDEO_S)),
        size_bytes=pl.lit(file.stat().st_size), captions_path=pl.lit("captions/recorded.vtt"), raw_ref="raw_ref",
    )  # fmt: skip
    return pl.concat([media, row], how="diagonal_relaxed")


def _video(file: Path) -> None:
    """Grey frames that brighten, with a keyframe a second so that seeking is exact enough to test."""
    file.parent.mkdir(parents=True)
    with av.open(str(file), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=4, options={"g": "4", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for number in range(4 * VIDEO_S):
            picture = np.full((180, 320, 3), 40 + number % 180, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))


def _turns(path: Path, sessions: pl.DataFrame, wanted: list[str]) -> None:
    """Turns of the wanted sessions, in the layout of the lake: one file a day."""
    for (day,), rows in sessions.filter(pl.col("session_id").is_in(wanted)).group_by("day"):
        frame = pl.concat([_conversation(session_id, day) for session_id in rows["session_id"].to_list()])
        folder = path / "lake" / "core" / "turns" / f"day={day}"
        folder.mkdir(parents=True)
        frame.write_parquet(folder / "data.parquet")


def _conversation(session_id: str, day: object) -> pl.DataFrame:
    starts = [10.0 * place for place in range(len(SAID))]
    return pl.DataFrame(
        {
            "tenant": TENANT,
            "session_id": session_id,
            "day": day,
            "ordinal": range(len(SAID)),
            "speaker": [speaker for speaker, _ in SAID],
            "text": [text for _, text in SAID],
            "start_s": starts,
            "duration_s": [8.5] * len(SAID),
            "words": [len(text.split()) for _, text in SAID],
            "response_gap_s": [None] + [1.5] * (len(SAID) - 1),
            "overlap_s": [0.0] * len(SAID),
            "interrupted": [False] * len(SAID),
            "language": ["en"] * len(SAID),
            "input_mode": ["voice"] * len(SAID),
            "raw_ref": f"raw/deliveries:{session_id}",
        },
        schema_overrides={"ordinal": pl.Int32, "words": pl.Int32},
    )
