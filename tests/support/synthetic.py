"""Plausible session-grain frames, drawn with numpy and a seed: for tests of marts and pages, and for benchmarks.

Learners have an own starting level and an own learning rate, so that trends rise and scores of one learner
resemble each other, as in real practice data.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl

REGIONS = ("AMER", "APAC", "EMEA")
JURISDICTIONS = {"AMER": "US", "APAC": "SG", "EMEA": "DE"}
SCENARIOS = ("sales-discovery", "regulated-disclosure", "difficult-feedback", "conflict-resolution")
CRITERIA = {
    "sales-discovery": ("open_questions", "needs_summary", "objection_handling", "value_link", "next_step"),
    "regulated-disclosure": ("risk_disclosed", "no_guarantee", "suitability_check", "plain_language", "next_step"),
    "difficult-feedback": ("specific_example", "empathy", "impact_named", "listening", "next_step"),
    "conflict-resolution": ("deescalation", "empathy", "interests_explored", "listening", "agreement"),
}
COMPETENCIES = {
    "open_questions": "discovery",
    "needs_summary": "active_listening",
    "objection_handling": "objection_handling",
    "value_link": "persuasion",
    "next_step": "closing",
    "risk_disclosed": "compliance",
    "no_guarantee": "compliance",
    "suitability_check": "discovery",
    "plain_language": "clarity",
    "specific_example": "clarity",
    "empathy": "empathy",
    "impact_named": "clarity",
    "listening": "active_listening",
    "deescalation": "empathy",
    "interests_explored": "discovery",
    "agreement": "closing",
}
GUARDRAILS = {
    "regulated-disclosure": ("no_guarantee_of_returns", "critical", "MiFID II art. 24"),
    "sales-discovery": ("no_competitor_disparagement", "medium", None),
}
OBJECTIVES = ("rapport", "problem_named", "agreement_reached")


@dataclass(frozen=True)
class Draw:
    """How much to draw: ``sessions`` over ``days`` from ``start``, by ``learners`` people of one tenant."""

    sessions: int = 400
    learners: int = 90
    days: int = 91
    start: date = date(2026, 8, 3)
    tenant: str = "acme"
    seed: int = 1


def _pick(values: tuple[str, ...] | list[str], codes: np.ndarray) -> pl.Series:
    return pl.Series(values).gather(codes.astype(np.uint32))


def _seconds(start: date, seconds: np.ndarray) -> pl.Series:
    origin = int(datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp() * 1e6)
    return pl.Series(origin + (seconds * 1e6).astype(np.int64)).cast(pl.Datetime("us", "UTC"))


def core_frames(draw: Draw) -> dict[str, pl.DataFrame]:
    """Draw every session-grain table of the published file, keyed by table name."""
    rng = np.random.default_rng(draw.seed)
    learners = _learners(draw, rng)
    sessions = _sessions(draw, rng, learners)
    criteria = _criterion_scores(rng, sessions)
    return {
        "sessions": sessions.drop("_level"),
        "criterion_scores": criteria,
        "session_scores": _session_scores(criteria),
        "signals": _signals(rng, sessions),
        "media": _media(rng, sessions),
        "learners": learners.drop("_base", "_rate"),
        "launches": _launches(sessions),
        "outcomes": _outcomes(draw, rng, learners),
    }


def _learners(draw: Draw, rng: np.random.Generator) -> pl.DataFrame:
    count = draw.learners
    region = rng.choice(len(REGIONS), count, p=[0.5, 0.15, 0.35])
    return pl.DataFrame(
        {
            "tenant": [draw.tenant] * count,
            "learner_key": [f"l_{n:08x}{draw.seed:024x}" for n in range(count)],
            "region": _pick(REGIONS, region),
            "role": _pick(("account_executive", "advisor", "team_lead"), rng.integers(0, 3, count)),
            "hire_date": pl.Series([date(2024, 1, 1)]).new_from_index(0, count),
            "in_directory": np.ones(count, bool),
            "_base": rng.normal(0.48, 0.12, count),
            "_rate": np.abs(rng.normal(0.03, 0.02, count)),
        }
    ).with_columns(jurisdiction=pl.col("region").replace_strict(JURISDICTIONS, return_dtype=pl.String))


def _sessions(draw: Draw, rng: np.random.Generator, learners: pl.DataFrame) -> pl.DataFrame:
    count = draw.sessions
    offset = np.sort(rng.integers(0, draw.days, count)) * 86400.0 + rng.uniform(7 * 3600, 18 * 3600, count)
    who = rng.choice(draw.learners, count, p=rng.dirichlet(np.full(draw.learners, 2.0)))
    scenario = rng.choice(len(SCENARIOS), count, p=[0.35, 0.25, 0.2, 0.2])
    duration = np.clip(rng.normal(620, 200, count), 60, 1800)
    fate = rng.choice(5, count, p=[0.78, 0.08, 0.05, 0.04, 0.05])
    completeness = np.where(
        fate == 2, 1, np.where(rng.random(count) < 0.04, 1, np.where(rng.random(count) < 0.02, 2, 0))
    )
    turns = np.where(fate == 2, 0, (duration / 14).astype(np.int64))
    started, ended = _seconds(draw.start, offset), _seconds(draw.start, offset + duration)
    attributed = rng.random(count) > 0.02
    person = learners.select("learner_key", "region", "jurisdiction", "_base", "_rate")[who]
    frame = pl.DataFrame(
        {
            "tenant": [draw.tenant] * count,
            "session_id": [f"cvi:c{n:09x}" for n in range(count)],
            "day": started.dt.date(),
            "engine": ["cvi"] * count,
            "engine_session_id": [f"c{n:09x}" for n in range(count)],
            "attributed": attributed,
            "scenario_id": _pick(SCENARIOS, scenario),
            "scenario_version": _pick(("1", "2"), (offset > draw.days * 86400 * 0.6).astype(int)),
            "catalogued": np.ones(count, bool),
            "assigned": rng.random(count) < 0.6,
            "language": _pick(("en", "de", "es"), rng.choice(3, count, p=[0.7, 0.2, 0.1])),
            "started_at": started,
            "ended_at": ended,
            "duration_s": duration.round(1),
            "end_reason": _pick(("completed", "learner_left", "no_show", "technical_failure", "time_limit"), fate),
            "end_reason_raw": _pick(
                (
                    "end_call",
                    "participant_left_timeout",
                    "participant_absent_timeout",
                    "exception_encountered",
                    "max_call_duration",
                ),
                fate,
            ),
            "completeness": _pick(("complete", "complete_partial", "open"), completeness),
            "is_test": rng.random(count) < 0.01,
            "policy_version": ["2026-09"] * count,
            "withheld_signals": rng.integers(0, 4, count),
            "turn_count": turns,
            "learner_turns": turns // 2,
            "learner_words": turns * 11,
            "counterpart_words": turns * 14,
            "talk_share": np.where(turns > 0, np.clip(rng.normal(0.46, 0.1, count), 0.05, 0.95), np.nan),
            "response_gap_p50_s": np.where(turns > 0, np.abs(rng.normal(1.4, 0.5, count)), np.nan),
            "response_gap_p95_s": np.where(turns > 0, np.abs(rng.normal(4.2, 1.0, count)), np.nan),
            "counterpart_gap_p50_s": np.where(turns > 0, np.abs(rng.normal(0.9, 0.2, count)), np.nan),
            "interruptions_by_learner": rng.poisson(1.2, count),
            "interruptions_by_counterpart": rng.poisson(0.6, count),
            "longest_monologue_s": np.where(turns > 0, np.abs(rng.normal(38, 12, count)), np.nan),
            "first_received_at": ended,
            "last_received_at": _seconds(draw.start, offset + duration + 60),
        },
        nan_to_null=True,
    )
    return _attribute(pl.concat([frame, person], how="horizontal"))


def _attribute(frame: pl.DataFrame) -> pl.DataFrame:
    """Number the attempts, raise the level with each, and blank what only a launch would tell."""
    attempt = pl.int_range(1, pl.len() + 1).over("learner_key", "scenario_id")
    launch = ("learner_key", "region", "jurisdiction", "scenario_id", "scenario_version", "assigned", "attempt")
    partial = pl.col("completeness") == "complete_partial"
    return (
        frame.with_columns(attempt=attempt)
        .with_columns(_level=pl.col("_base") + pl.col("_rate") * (pl.col("attempt") - 1))
        .with_columns(pl.when("attributed").then(pl.col(name)).alias(name) for name in launch)
        .with_columns(
            config_hash=pl.lit("cfg-1"),
            notice_ref=pl.when("attributed").then(pl.lit("notice-2026")),
            missing_parts=pl.when(partial & (pl.col("turn_count") == 0))
            .then(pl.lit(["transcript", "scores"]))
            .when(partial)
            .then(pl.lit(["recording"]))
            .otherwise(pl.lit([], dtype=pl.List(pl.String))),
            raw_ref=pl.lit("raw/deliveries:") + pl.col("session_id"),
        )
        .drop("_base", "_rate")
    )


def _criterion_scores(rng: np.random.Generator, sessions: pl.DataFrame) -> pl.DataFrame:
    """Five criteria a scored session, on a scale of 1 to 5, half points rounded away."""
    table = pl.DataFrame(
        [
            {"scenario_id": scenario, "criterion_id": name, "competency": COMPETENCIES[name], "_shift": shift}
            for scenario, names in CRITERIA.items()
            for name, shift in zip(names, (0.08, 0.02, -0.05, 0.0, -0.02), strict=True)
        ]
    )
    scored = sessions.with_columns(_day_effect=pl.Series(rng.normal(0, 0.08, sessions.height))).filter(
        (pl.col("turn_count") > 0) & (pl.col("completeness") != "open") & pl.col("scenario_id").is_not_null()
    )
    rows = scored.select(
        "tenant", "session_id", "day", "learner_key", "scenario_id", "_level", "_day_effect", "ended_at", "raw_ref"
    ).join(table, on="scenario_id", how="inner", maintain_order="left")
    level = pl.col("_level") + pl.col("_shift") + pl.col("_day_effect") + pl.Series(rng.normal(0, 0.12, rows.height))
    return (
        rows.with_columns(score=(1 + 4 * level.clip(0, 1)).round(0))
        .with_columns(scaled=(pl.col("score") - 1) / 4)
        .select(
            "tenant", "session_id", "day", "learner_key",
            rubric_id="scenario_id",
            rubric_version=pl.when(pl.col("day") > pl.col("day").min() + timedelta(days=60))
            .then(pl.lit("2"))
            .otherwise(pl.lit("1")),
            scorer_kind=pl.lit("engine_llm"),
            scorer_id=pl.lit("submit_rubric"),
            scorer_version=pl.lit("2"),
            revision=pl.lit(1),
            is_latest=pl.lit(True),
            scored_at=pl.col("ended_at") + timedelta(minutes=2),
            uncatalogued=pl.lit(False),
            review_state=pl.lit("not_required"),
            criterion_id="criterion_id",
            competency="competency",
            score="score",
            score_min=pl.lit(1.0),
            score_max=pl.lit(5.0),
            scaled="scaled",
            weight=pl.lit(0.2),
            blocker=pl.col("criterion_id").is_in(["risk_disclosed", "no_guarantee"]),
            met=pl.col("score") >= 3,
            evidence_turns=pl.lit([1, 4]),
            comment=pl.lit("Seen in the cited turns."),
            raw_ref="raw_ref",
        )
    )  # fmt: skip


def _session_scores(criteria: pl.DataFrame) -> pl.DataFrame:
    keys = [
        "tenant", "session_id", "day", "learner_key", "rubric_id", "rubric_version", "scorer_kind", "scorer_id",
        "scorer_version", "revision", "is_latest", "scored_at", "uncatalogued", "review_state", "raw_ref",
    ]  # fmt: skip
    missed = pl.col("criterion_id").filter(pl.col("blocker") & ~pl.col("met"))
    return (
        criteria.group_by(keys, maintain_order=True)
        .agg(
            overall=pl.col("scaled").mean(),
            blockers_hit=missed,
            criteria_scored=pl.len(),
            criteria_expected=pl.len(),
        )
        .with_columns(passed=(pl.col("overall") >= 0.55) & (pl.col("blockers_hit").list.len() == 0))
    )


def _signals(rng: np.random.Generator, sessions: pl.DataFrame) -> pl.DataFrame:
    talked = sessions.filter((pl.col("turn_count") > 0) & pl.col("scenario_id").is_not_null())
    base = ["tenant", "session_id", "day", "raw_ref"]
    parts = []
    for position, name in enumerate(OBJECTIVES):
        hit = talked.filter(rng.random(talked.height) < 0.9 - 0.2 * position)
        parts.append(
            hit.select(
                *base, kind=pl.lit("objective"), name=pl.lit(name), state=pl.lit("completed"),
                at_s=pl.col("duration_s") * (0.2 + 0.25 * position), severity=pl.lit("info"),
                regulation=pl.lit(None, pl.String), not_found=pl.lit(0),
            )
        )  # fmt: skip
    for scenario, (name, severity, regulation) in GUARDRAILS.items():
        hit = talked.filter((pl.col("scenario_id") == scenario) & pl.lit(pl.Series(rng.random(talked.height) < 0.15)))
        parts.append(
            hit.select(
                *base, kind=pl.lit("guardrail"), name=pl.lit(name), state=pl.lit("triggered"),
                at_s=pl.col("duration_s") * 0.4, severity=pl.lit(severity),
                regulation=pl.lit(regulation, pl.String), not_found=pl.lit(None, pl.Int32),
            )
        )  # fmt: skip
    return (
        pl.concat(parts, how="vertical_relaxed")
        .sort("tenant", "session_id", "at_s")
        .with_columns(
            ordinal=pl.int_range(pl.len()).over("session_id"),
            alignment=pl.lit("estimated"),
            reason=pl.lit(None, pl.String),
            variables=pl.lit(None, pl.String),
        )
    )


def _media(rng: np.random.Generator, sessions: pl.DataFrame) -> pl.DataFrame:
    recorded = sessions.filter((pl.col("turn_count") > 0) & pl.lit(pl.Series(rng.random(sessions.height) < 0.5)))
    status = rng.choice(4, recorded.height, p=[0.9, 0.05, 0.03, 0.02])
    return recorded.select(
        "tenant", "session_id", "day",
        uri=pl.lit("s3://recordings/") + pl.col("engine_session_id") + ".mp4",
        kind=pl.lit("video"),
        status=_pick(("available", "missing", "truncated", "copy_failed"), status),
        started_at="started_at",
        offset_s=pl.lit(1.5),
        declared_duration_s="duration_s",
        probed_duration_s="duration_s",
        size_bytes=pl.lit(1_000_000),
        raw_ref="raw_ref",
    )  # fmt: skip


def _launches(sessions: pl.DataFrame) -> pl.DataFrame:
    return sessions.filter("attributed").select(
        "tenant", "session_id", "learner_key", "scenario_id", "scenario_version", "assigned", "region",
        launched_at=pl.col("started_at") - timedelta(minutes=3),
    )  # fmt: skip


def _outcomes(draw: Draw, rng: np.random.Generator, learners: pl.DataFrame) -> pl.DataFrame:
    offset = rng.uniform(0, draw.days * 86400, draw.learners)
    occurred = _seconds(draw.start, offset)
    return pl.DataFrame(
        {
            "tenant": [draw.tenant] * draw.learners,
            "outcome_id": [f"csat:{n}" for n in range(draw.learners)],
            "day": occurred.dt.date(),
            "learner_key": learners["learner_key"],
            "kind": ["csat"] * draw.learners,
            "value": rng.normal(4.1, 0.4, draw.learners).round(2),
            "unit": ["points"] * draw.learners,
            "occurred_at": occurred,
            "source": ["outcomes.csv"] * draw.learners,
            "raw_ref": [f"raw/outcomes:{n}" for n in range(draw.learners)],
        }
    )


def catalog_frames(days: tuple[str, ...] = ("1", "2")) -> dict[str, pl.DataFrame]:
    """Watchpoints and mastery levels that fit the drawn sessions."""
    rows = [
        (scenario, version, "objective", name, position, "info", None)
        for scenario in SCENARIOS
        for version in days
        for position, name in enumerate(OBJECTIVES)
    ] + [
        (scenario, version, "guardrail", name, 0, severity, regulation)
        for scenario, (name, severity, regulation) in GUARDRAILS.items()
        for version in days
    ]
    names = ["scenario_id", "scenario_version", "kind", "name", "position", "severity", "regulation"]
    levels = sorted(set(COMPETENCIES.values()))
    return {
        "watchpoints": pl.DataFrame(rows, schema=names, orient="row"),
        "mastery": pl.DataFrame({"competency": levels, "mastery_level": [0.7] * len(levels)}),
    }
