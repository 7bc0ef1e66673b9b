"""What a session came to, said once: the score that speaks for it, and what it gave each competency.

Marts are made of these two, and pages that add up over weeks of any choice read them as well.
"""

from assets.contracts.core import DAY, LEARNER, SCORER, SESSION, SESSION_SCORES
from assets.contracts.marts import TENANT
from assets.contracts.table import Column, Table, column, must

REGION = must("region", "varchar", "Region of the session, `unknown` where it has none")
SCENARIO = must("scenario_id", "varchar", "Scenario, `unknown` where it has none")
STARTED = column("started_at", "timestamptz", "Start of the session")
SCORE: tuple[Column, ...] = tuple(each for each in SCORER if each.name in SESSION_SCORES.key)

HEADLINE = Table(
    layer="marts",
    name="headline",
    grain="one row per scored session that is no test: the score that speaks for it",
    key=("tenant", "session_id"),
    columns=(
        TENANT,
        SESSION,
        DAY,
        *SCORE,
        column("passed", "boolean", "Passed by the rubric's rule; null where it has none or criteria are missing"),
        must("overall", "double", "Weighted mean of the scaled criterion scores, 0 to 1"),
        must("blockers_missed", "integer", "Blockers of the rubric that the session misses"),
        LEARNER,
        REGION,
        SCENARIO,
        STARTED,
    ),
    partitioned=False,
)

ATTEMPTS = Table(
    layer="marts",
    name="attempts",
    grain="one row per session and competency under the session's headline score",
    key=("tenant", "session_id", "competency"),
    columns=(
        TENANT,
        SESSION,
        must("competency", "varchar", "Competency; the criterion itself where it feeds none"),
        DAY,
        must("week", "date", "Monday of the week"),
        LEARNER,
        REGION,
        SCENARIO,
        must("version", "varchar", "Rubric, its version and the scorer's version"),
        STARTED,
        must("n_scores", "bigint", "Criterion scores"),
        must("total", "double", "Sum of the scaled criterion scores"),
        must("squares", "double", "Sum of their squares"),
    ),
    partitioned=False,
)

RESULTS: tuple[Table, ...] = (HEADLINE, ATTEMPTS)
