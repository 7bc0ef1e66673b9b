"""What a learner had practised before an outcome: never a score from after it."""

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import polars as pl

WINDOW = 3  # scores in a level: one alone is mostly noise
CAP = 12  # rehearsals from which the curve counts as flat
BY = ["learner_key", "skill"]


def numbered(scores: pl.DataFrame) -> pl.DataFrame:
    """Add ``attempt`` (1, 2, … by learner and skill) and ``level``, the mean of the last three scores so far.

    ``scores`` has learner_key, skill, started_at and score; the answer is sorted by these. Learners and skills may be
    numbers that stand for them: a history of millions of scores is sorted in a third of the time so.
    """
    return (
        _in_order(scores)
        .with_columns(level=pl.col("score").rolling_mean(WINDOW, min_samples=1).over("_run"))
        .drop("_run")
    )


def running_means(scores: pl.DataFrame) -> pl.DataFrame:
    """``level`` as the mean of every score so far: for criteria, whose single values say little."""
    so_far = pl.col("score").cum_sum().over("_run") / pl.col("attempt")
    return _in_order(scores).with_columns(level=so_far).drop("_run")


def _in_order(scores: pl.DataFrame) -> pl.DataFrame:
    """Sort, number the ``_run`` of each learner and skill, and the ``attempt`` within it.

    Two scores of one moment are told apart by their size: whatever order they came in, the numbers are the same.
    """
    ordered = scores.sort(*BY, "started_at", "score")
    begins = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in BY)
    row = pl.int_range(pl.len())
    return ordered.with_columns(
        _run=begins.cum_sum().set_sorted(),
        attempt=row - pl.when(begins | (row == 0)).then(row).forward_fill() + 1,
    )


def before(outcomes: pl.DataFrame, scores: pl.DataFrame, lag_days: int = 0) -> pl.DataFrame:
    """Each outcome beside what came before it, one row per outcome and skill with a score before it.

    ``outcomes`` has outcome_id, learner_key and cutoff_at (when the deal was created, else when it occurred);
    ``scores`` comes from ``numbered`` or ``running_means``. Adds ``skill``, ``attempts`` and ``level``.
    """
    wanted = outcomes.join(scores.select(*BY).unique(), on="learner_key").with_columns(
        _until=pl.col("cutoff_at") - timedelta(days=lag_days, microseconds=1)
    )
    found = wanted.sort("_until").join_asof(
        scores.select(*BY, "started_at", "attempt", "level"),
        left_on="_until",
        right_on="started_at",
        by=BY,
        strategy="backward",
        check_sortedness=False,  # by learner and skill it is, as it came
    )
    return found.rename({"attempt": "attempts"}).filter(pl.col("attempts").is_not_null()).drop("_until", "started_at")


def curve(scores: pl.DataFrame) -> pl.DataFrame | None:
    """What ``rehearsals`` 0, 1, … ``CAP`` add to the first score, on average and within learners.

    ``scores`` holds one skill, numbered, with ``version`` (rubric and scorer). Learner and version are fixed effects,
    so neither who stays nor a new scorer bends the curve. None where nobody has two attempts or versions explain all.
    """
    data = scores.filter(pl.col("score").is_not_null()).select(
        learner=pl.col("learner_key").rle_id(),  # sorted by it, as it came
        version=pl.col("version").cast(pl.Categorical).to_physical().rank("dense") - 1,
        step=pl.min_horizontal(pl.col("attempt") - 1, pl.lit(CAP)).cast(pl.Int64),
        score="score",
    )
    steps = data["step"].unique().sort()
    if len(steps) < 2:
        return None
    learner, version, step = (data[name].cast(pl.Int64).to_numpy() for name in ("learner", "version", "step"))
    gains = _gains(learner, version, np.searchsorted(steps.to_numpy(), step), data["score"].to_numpy())
    if gains is None:
        return None
    return pl.DataFrame({"rehearsals": steps, "gain": [0.0, *gains]}, {"rehearsals": pl.Int64, "gain": pl.Float64})


def _gains(learner: np.ndarray, version: np.ndarray, step: np.ndarray, score: np.ndarray) -> np.ndarray | None:
    """Least squares of the score on steps, with learners and versions as fixed effects; the first step is 0.

    Whatever is constant about a learner drops out of the sums, so that a million scores need one small equation.
    None where the steps cannot be told from versions. All but the score are numbers from 0 on.
    """
    learners, versions, steps = (int(each.max()) + 1 for each in (learner, version, step))

    def counted(one: np.ndarray, other: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        return np.bincount(one * shape[1] + other, minlength=shape[0] * shape[1]).reshape(shape).astype(float)

    across = counted(version, step, (versions, steps))
    own = np.hstack([counted(learner, version, (learners, versions)), counted(learner, step, (learners, steps))])
    own = np.delete(own, versions, axis=1)
    n = np.bincount(learner)
    products = np.block([[np.diag(across.sum(1)), across[:, 1:]], [across[:, 1:].T, np.diag(across.sum(0)[1:])]])
    totals = np.r_[np.bincount(version, score), np.bincount(step, score)[1:]]
    within = products - (own / n[:, None]).T @ own
    spectrum, vectors = np.linalg.eigh(within)
    known = spectrum > max(spectrum[-1], 1.0) * 1e-10
    if np.abs(vectors[versions:, ~known]).max(initial=0.0) > 1e-6:
        return None
    turned = vectors[:, known]
    found = turned @ ((turned.T @ (totals - own.T @ (np.bincount(learner, score) / n))) / spectrum[known])
    return found[versions:]


class Practice:
    """The scores of one skill at a time and the curve through them, read when an estimate first asks for them.

    ``read`` gives learner_key, version, started_at and score of a skill (``overall`` or a competency).
    """

    def __init__(self, read: Callable[[str], pl.DataFrame]) -> None:
        self._read = read
        self._scores: dict[str, pl.DataFrame] = {}
        self._gains: dict[str, pl.DataFrame | None] = {}

    def scores(self, skill: str) -> pl.DataFrame:
        """The scores of a skill, ``numbered``."""
        if skill not in self._scores:
            self._scores[skill] = numbered(self._read(skill).with_columns(skill=pl.lit(skill)))
        return self._scores[skill]

    def gains(self, skill: str) -> pl.DataFrame | None:
        """The ``curve`` of a skill; None where it has none."""
        if skill not in self._gains:
            self._gains[skill] = curve(self.scores(skill))
        return self._gains[skill]


def beside(outcomes: pl.DataFrame, scores: pl.DataFrame, exposures: pl.DataFrame) -> pl.DataFrame:
    """Outcomes with the ``attempts`` (0 where none came before) and ``level`` (null where none did) of one exposure.

    ``scores`` are those of its skill. Outcomes of a learner without any are left out: nothing is known of them.
    """
    known = outcomes.join(scores.select("learner_key").unique(), on="learner_key", how="semi")
    reached = exposures.select("outcome_id", "attempts", "level")
    return known.join(reached, on="outcome_id", how="left", maintain_order="left").with_columns(
        pl.col("attempts").fill_null(0)
    )


def along(panel: pl.DataFrame, gains: pl.DataFrame) -> pl.DataFrame:
    """Add ``gain``: what the rehearsals before the outcome are worth on the curve."""
    last = int(gains["rehearsals"].max())  # type: ignore[arg-type]
    return panel.with_columns(rehearsals=pl.min_horizontal(pl.col("attempts").cast(pl.Int64), pl.lit(last))).join(
        gains, on="rehearsals", how="left"
    )
