"""Rows of ``outcome_links``: every outcome against practice before it, naive figures beside honest ones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from assets.statistics import exposures, ramp
from assets.statistics.correlation import Estimate, pearson, spearman
from assets.statistics.exposures import Practice
from assets.statistics.within import identified, naive, within_learner

OVERALL = "overall"
DEALS = ("deal_won", "deal_lost")
# Method → what has to hold, and what the figure may be called.
BASIS: dict[str, tuple[str, str]] = {
    "pearson": ("one_pair_per_learner linear", "association"),
    "spearman": ("one_pair_per_learner monotone", "association"),
    "ols_naive": ("records_independent no_confounding skill_without_error", "association"),
    "within_learner": ("no_other_change_with_practice average_curve clustered_by_learner", "within_person"),
    "cox_time_varying": ("proportional_hazards no_confounding censoring_independent", "association"),
    "cox_naive": ("skill_known_in_hindsight", "association"),
}


@dataclass(frozen=True)
class Inputs:
    """What the links are made of.

    ``outcomes``: outcome_id, learner_key, kind, value, unit, occurred_at. ``exposures``: outcome_id, exposure (as
    ``exposure_of`` names it, or ``criterion:…``), attempts, level, with no row where nothing came before.
    ``practice``: the scores of a skill, which is ``overall`` or a competency. ``learners``: learner_key, role,
    hire_date, left_on. ``last_day``: the last day with any record. ``skills``: outcome → competency that it is held
    against besides the overall score.
    """

    outcomes: pl.DataFrame
    exposures: pl.DataFrame
    practice: Practice
    learners: pl.DataFrame
    last_day: date | None
    skills: dict[str, str] = field(default_factory=dict)
    lag_days: int = 0
    minimum: int = 10


def exposure_of(skill: str) -> str:
    """The name under which practice of a skill is shown."""
    return skill if skill == OVERALL else f"competency:{skill}"


def measures(outcomes: pl.DataFrame) -> dict[str, tuple[pl.DataFrame, str]]:
    """Outcome name → its records with ``y``, and the unit of an effect on it."""
    found: dict[str, tuple[pl.DataFrame, str]] = {}
    value = pl.col("value").cast(pl.Float64)
    won = outcomes.filter((pl.col("kind") == "deal_won") & (value > 0))
    if won.height:
        found["log_deal"] = won.with_columns(y=value.log()), "log_amount_per_10_points"
    deals = outcomes.filter(pl.col("kind").is_in(DEALS))
    if deals["kind"].n_unique() == len(DEALS):
        won_or_not = (pl.col("kind") == "deal_won").cast(pl.Float64)
        found["win"] = deals.with_columns(y=won_or_not, unit=pl.lit("deal")), "probability_per_10_points"
    for kind in sorted(set(outcomes["kind"].to_list()) - {*DEALS, "ramp_days"}):
        rows = outcomes.filter((pl.col("kind") == kind) & value.is_not_null())
        if rows.height:
            found[kind] = rows.with_columns(y=value), "value_per_10_points"
    return found


def rows(inputs: Inputs) -> list[dict[str, object]]:
    """One row per outcome, exposure and method."""
    found: list[dict[str, object]] = []
    for outcome, (records, unit) in measures(inputs.outcomes).items():
        frame = _Outcome(inputs, outcome, records, unit)
        found += frame.correlations()
        found += frame.effects()
    found += _ramp(inputs)
    return found


@dataclass(frozen=True)
class _Outcome:
    inputs: Inputs
    name: str
    records: pl.DataFrame
    unit: str

    def _missing(self, panel: pl.DataFrame) -> float:
        """Share of records with no score before them; the panel has a row for each at most."""
        return 1 - panel["level"].count() / max(self.records.height, 1)

    def correlations(self) -> Iterator[dict[str, object]]:
        """Pearson and Spearman over one pair a learner: mean exposure before, mean outcome after."""
        panel = self.inputs.exposures.join(self.records.select("outcome_id", "learner_key", "y"), on="outcome_id")
        for (exposure,), part in sorted(panel.partition_by("exposure", as_dict=True).items()):
            pairs = _pairs(part)
            x, y = pairs["level"].to_numpy(), pairs["y"].to_numpy()
            counts = pairs.height, int(pairs["records"].sum())
            shared = {"unit": "r", "missing_share": self._missing(part)}
            yield self.row(str(exposure), "pearson", counts, pearson(x, y)) | shared
            yield self.row(str(exposure), "spearman", counts, spearman(x, y)) | shared

    def effects(self) -> Iterator[dict[str, object]]:
        """The within-person effect of what practice adds, and the naive slope on measured skill beside it."""
        if self._returning(self.records) < self.inputs.minimum:
            return
        practice = self.inputs.practice
        for skill in dict.fromkeys((OVERALL, self.inputs.skills.get(self.name, OVERALL))):
            name = exposure_of(skill)
            exposed = self.inputs.exposures.filter(pl.col("exposure") == name)
            own = exposures.beside(self.records, practice.scores(skill), exposed)
            if self._returning(own) < self.inputs.minimum:
                continue
            gains = practice.gains(skill)
            shared = {"missing_share": self._missing(own)}
            measured = own.with_columns(x=pl.col("level")).filter(pl.col("x").is_not_null())
            yield self.row(name, "ols_naive", _counts(measured), naive(measured)) | shared
            if gains is not None:
                along = exposures.along(own, gains).with_columns(x=pl.col("gain"))
                yield self.row(name, "within_learner", _counts(identified(along)), within_learner(along)) | shared

    @staticmethod
    def _returning(records: pl.DataFrame) -> int:
        """Learners with more than one record."""
        return records.filter(pl.len().over("learner_key") > 1)["learner_key"].n_unique()

    def row(self, exposure: str, method: str, counts: tuple[int, int], found: Estimate | None) -> dict[str, object]:
        return _row(self.inputs, self.name, exposure, method, self.unit, counts, found)


def _pairs(panel: pl.DataFrame) -> pl.DataFrame:
    return (
        panel.filter(pl.col("level").is_not_null() & pl.col("y").is_not_null())
        .group_by("learner_key")
        .agg(pl.col("level").mean(), pl.col("y").mean(), records=pl.len())
        .sort("learner_key")
    )


def _counts(panel: pl.DataFrame) -> tuple[int, int]:
    return panel["learner_key"].n_unique(), panel.height


def _row(
    inputs: Inputs, outcome: str, exposure: str, method: str, unit: str, counts: Sequence[int], found: Estimate | None
) -> dict[str, object]:
    """One link; too few learners hide every figure of it."""
    hidden = counts[0] < inputs.minimum
    shown = None if hidden else found
    assumptions, label = BASIS[method]
    return {
        "outcome": outcome,
        "exposure": exposure,
        "method": method,
        "n_learners": None if hidden else counts[0],
        "n_outcomes": None if hidden else counts[1],
        "estimate": shown.value if shown else None,
        "lower": shown.lower if shown else None,
        "upper": shown.upper if shown else None,
        "p_value": shown.p_value if shown else None,
        "unit": unit,
        "lag_days": inputs.lag_days,
        "missing_share": None,
        "assumptions": assumptions,
        "label": label,
        "suppressed": hidden,
    }


def _ramp(inputs: Inputs) -> Iterator[dict[str, object]]:
    events = inputs.outcomes.filter(pl.col("kind") == "ramp_days")
    if events.is_empty() or inputs.last_day is None:
        return
    spans = ramp.spans(inputs.learners, events, inputs.last_day)
    for skill in dict.fromkeys((OVERALL, inputs.skills.get("ramp", OVERALL))):
        gains = inputs.practice.gains(skill)
        if gains is None or spans.is_empty():
            continue
        episodes = ramp.episodes(spans, ramp.estimated_skill(inputs.practice.scores(skill), gains))
        name = exposure_of(skill)
        counts = spans.height, int(spans["ramped"].sum())
        unit = "log_hazard_per_10_points"
        yield _row(inputs, "ramp", name, "cox_time_varying", unit, counts, ramp.cox(episodes))
        hindsight = ramp.cox(ramp.fixed_in_hindsight(episodes))
        yield _row(inputs, "ramp", name, "cox_naive", unit, counts, hindsight)
