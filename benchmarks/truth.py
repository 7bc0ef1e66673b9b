"""Do the estimators find what was put in? Growth, ramp and deal effects over many seeds, naive figures beside them.

    python -m benchmarks.truth [--seeds 40] [--zero-seeds 200] [--learners 900]

Each seed draws learners, scores and outcomes from the simulator's models (no dialogues) and hands them to the functions
that fill ``competency_growth`` and ``outcome_links``. Counted is how often the 95 % interval holds the truth, and, in
seeds with every effect at zero, how often anything in the family of effects is called significant. Those are more: at a
level of 5 %, 40 of them would show more than 7 % one time in three by chance alone.
"""

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from assets.statistics import exposures, families, growth, links
from assets.statistics.correlation import Estimate
from benchmarks.results import record
from governance.catalog import Catalog
from governance.project import Analysis
from governance.settings import PROJECT
from integrations.engine.simulator.settings import Effects
from integrations.engine.simulator.study import Study, draw
from integrations.engine.simulator.truth import true_growth

SKILLS = {"log_deal": "discovery", "win": "discovery", "ramp": "discovery", "csat": "empathy"}
HONEST = {"log_deal": "within_learner", "win": "within_learner", "ramp": "cox_time_varying"}
NAIVE = {"log_deal": "ols_naive", "win": "ols_naive", "ramp": "cox_naive"}
MEASURES = ("growth", "log_deal", "win", "ramp")


@dataclass
class Tally:
    """Of one measure: seeds in which the interval held the truth, and what was estimated on average."""

    held: int = 0
    naive_held: int = 0
    truths: list[float] = field(default_factory=list)
    estimates: list[float] = field(default_factory=list)
    naive: list[float] = field(default_factory=list)
    naive_truths: list[float] = field(default_factory=list)

    def add(self, truth: float, honest: Estimate, plain: Estimate, naive_truth: float | None = None) -> None:
        """One seed; ``naive_truth`` is what the naive figure claims to measure, where that is something else."""
        wanted = truth if naive_truth is None else naive_truth
        self.held += honest.lower <= truth <= honest.upper
        self.naive_held += plain.lower <= wanted <= plain.upper
        self.naive_truths.append(wanted)
        self.truths.append(truth)
        self.estimates.append(honest.value)
        self.naive.append(plain.value)

    def summary(self) -> dict[str, float]:
        """Shares and means."""
        seeds = len(self.truths)
        return {
            "truth": round(sum(self.truths) / seeds, 4),
            "estimate": round(sum(self.estimates) / seeds, 4),
            "coverage": round(self.held / seeds, 3),
            "naive_truth": round(sum(self.naive_truths) / seeds, 4),
            "naive": round(sum(self.naive) / seeds, 4),
            "naive_coverage": round(self.naive_held / seeds, 3),
        }


def frames(study: Study) -> links.Inputs:
    """The study as the marts would hand it to the estimators; overall is left out, being a mean of competencies."""
    scores = pl.DataFrame(study.scores).select(
        "version", "started_at", "score", learner_key="learner_id", skill="competency"
    )
    outcomes = pl.DataFrame(
        [{name: value for name, value in row.items() if name != "attributes"} for row in study.outcomes],
        infer_schema_length=None,
    ).select(
        "kind", "unit", pl.col("value").cast(pl.Float64), learner_key="learner_id", outcome_id="reference",
        occurred_at=pl.col("occurred_at").str.to_datetime(time_zone="UTC"),
        cutoff_at=pl.coalesce("exposure_from", "occurred_at").str.to_datetime(time_zone="UTC"),
    )  # fmt: skip
    learners = pl.DataFrame(
        [(person.learner_id, person.role, person.hire_date, person.left_on) for person in study.people],
        schema={"learner_key": pl.String, "role": pl.String, "hire_date": pl.Date, "left_on": pl.Date},
        orient="row",
    )
    kept = scores.filter(pl.col("skill").is_in(set(SKILLS.values())))
    exposed = exposures.before(outcomes, exposures.numbered(kept))
    return links.Inputs(
        outcomes=outcomes,
        exposures=exposed.select("outcome_id", "attempts", "level", exposure=pl.lit("competency:") + pl.col("skill")),
        practice=exposures.Practice(lambda skill: kept.filter(pl.col("skill") == skill)),
        learners=learners,
        last_day=study.last,
        skills=SKILLS,
    )


def spells(study: Study) -> pl.DataFrame:
    """Discovery scores by learner and version: what ``_spells.sql`` gives."""
    by = ["learner_id", "version"]
    rows = pl.DataFrame(study.scores).filter(pl.col("competency") == "discovery").sort("learner_id", "started_at")
    k = pl.min_horizontal(pl.lit(3), pl.len() // 2).clip(1)
    return (
        rows.group_by(by, maintain_order=True)
        .agg(
            n=pl.len(),
            first_mean=pl.col("score").head(k).mean(),
            last_mean=pl.col("score").tail(k).mean(),
        )
        .rename({"learner_id": "learner_key"})
    )


def first_to_best(study: Study) -> tuple[Estimate, float]:
    """The lift that products like to show, best minus first score of a learner, and how far skill truly rose."""
    rows = pl.DataFrame(study.scores).filter(pl.col("competency") == "discovery").sort("learner_id", "started_at")
    own = rows.group_by("learner_id").agg(
        lift=pl.col("score").max() - pl.col("score").first(),
        rise=pl.col("true_skill").last() - pl.col("true_skill").first(),
    )
    found = growth.mean_of(own["lift"].to_numpy())
    if found is None:
        raise SystemExit("too few learners to estimate growth; raise --learners")
    return found, float(own["rise"].to_numpy().mean())


def estimates(study: Study) -> tuple[dict[str, tuple[Estimate, Estimate]], pl.DataFrame]:
    """Honest and naive estimate by measure, and the judged links."""
    judged = families.judge(
        pl.DataFrame(links.rows(frames(study)), infer_schema_length=None), Analysis().families, 0.05
    )
    grown = growth.first_last(spells(study))
    if grown is None:
        raise SystemExit("too few learners to estimate growth; raise --learners")
    found = {"growth": (grown, first_to_best(study)[0])}
    for outcome, method in HONEST.items():
        found[outcome] = (_of(judged, outcome, method), _of(judged, outcome, NAIVE[outcome]))
    return found, judged


def _of(judged: pl.DataFrame, outcome: str, method: str) -> Estimate:
    row = judged.filter(
        (pl.col("outcome") == outcome)
        & (pl.col("method") == method)
        & (pl.col("exposure") == f"competency:{SKILLS[outcome]}")
    ).row(0, named=True)
    if row["estimate"] is None:
        raise SystemExit(f"{outcome} could not be estimated; raise --learners")
    return Estimate(row["estimate"], row["lower"], row["upper"], row["p_value"])


def truths(study: Study, effects: Effects) -> dict[str, float]:
    """What went in. The win effect is a log odds in the simulator; in probability it is times p (1 - p)."""
    rows = sorted(study.scores, key=lambda row: row["started_at"])
    grown = true_growth((row["learner_id"], row["competency"], row["version"], row["true_skill"]) for row in rows)
    kinds = [row["kind"] for row in study.outcomes]
    won = kinds.count("deal_won") / max(kinds.count("deal_won") + kinds.count("deal_lost"), 1)
    return {
        "growth": grown["discovery"],
        "log_deal": effects.log_deal,
        "win": effects.win_logit * won * (1 - won),
        "ramp": effects.ramp_log_hazard,
    }


def found_again(catalog: Catalog, seeds: int, learners: int) -> dict[str, dict[str, float]]:
    """How often the intervals hold the truth, by measure."""
    real = Effects()
    tallies = {name: Tally() for name in MEASURES}
    for seed in range(1, seeds + 1):
        study = draw(catalog, seed, real, count=learners)
        found, _ = estimates(study)
        for name, truth in truths(study, real).items():
            tallies[name].add(truth, *found[name], first_to_best(study)[1] if name == "growth" else None)
        print(f"seed {seed}/{seeds}", flush=True)
    return {name: tally.summary() for name, tally in tallies.items()}


def false_alarms(catalog: Catalog, seeds: int, learners: int) -> dict[str, float]:
    """Shares of seeds without any effect in which something is called significant, and in which the naive slope is."""
    none = Effects.zero()
    flagged = naive_flagged = 0
    for seed in range(1, seeds + 1):
        _, judged = estimates(draw(catalog, 1000 + seed, none, count=learners))
        flagged += bool(judged.filter(pl.col("family") == "effects")["significant"].any())
        plain = judged.filter(pl.col("method") == "ols_naive")["p_value"]
        naive_flagged += any(p is not None and not math.isnan(p) and p < 0.05 for p in plain)
        print(f"seed without effects {seed}/{seeds}", flush=True)
    return {
        "zero_effect_flagged": round(flagged / seeds, 3),
        "zero_effect_flagged_naive": round(naive_flagged / seeds, 3),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run all seeds and record the shares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--zero-seeds", type=int, default=200)
    parser.add_argument("--learners", type=int, default=900)
    options = parser.parse_args(arguments)
    catalog = Catalog.load(PROJECT / "config")
    figures = {
        "learners": options.learners,
        "seeds": options.seeds,
        **found_again(catalog, options.seeds, options.learners),
        "zero_effect_seeds": options.zero_seeds,
        **false_alarms(catalog, options.zero_seeds, options.learners),
    }
    record("truth", figures)
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
