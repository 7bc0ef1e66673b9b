"""In which order a refresh makes its tables: what most work has to wait for comes first."""

from collections.abc import Iterable

from assets.marts.estimates import STAGED
from assets.marts.scope import needs
from assets.marts.tables import REACH, STAGES

ESTIMATES = "estimates"  # stands for all marts of estimates among the names of tables

# Tenths of a second that a table takes for 100,000 sessions where it takes more than one. They decide who goes first
# and nothing else, so that they need not be right.
WORK: dict[str, int] = {
    "headline": 3,
    "attempts": 7,
    "completions": 3,
    "items": 4,
    "numbered": 8,
    "spells": 2,
    "points": 2,
    "learner_progress": 2,
    ESTIMATES: 5,
    "competency_trend": 4,
    "guardrail_board": 4,
    "practice_funnel": 3,
}


def turns(names: Iterable[str]) -> dict[str, frozenset[str]]:
    """What each table needs, in the order in which to start them: the longer the work behind one, the earlier."""
    wanted = {name: STAGED if name == ESTIMATES else needs(name) for name in names}
    behind: dict[str, int] = {}
    for name in reversed((*STAGES, ESTIMATES, *REACH)):
        waiting = (behind[other] for other, those in wanted.items() if other in behind and name in those)
        behind[name] = WORK.get(name, 1) + max(waiting, default=0)
    return dict(sorted(wanted.items(), key=lambda each: -behind[each[0]]))
