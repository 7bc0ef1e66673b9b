"""Every page of the dashboards, one line each: its view, its title, its menu, and what a reader must be allowed.

To add a page: write ``views/<view>.py`` with a ``main()`` and add its line here. Navigation, authorisation, the address
(the view's name with hyphens) and the tests of all pages follow from the line.
"""

from collections.abc import Callable
from dataclasses import dataclass

from dashboards.access import Action

PRACTICE, GROWTH, QUALITY = "Practice", "Growth", "Quality"
EFFECT, SESSIONS, COMPLIANCE, OPERATIONS = "Effect", "Sessions", "Compliance", "Operations"


@dataclass(frozen=True)
class Entry:
    """One page: ``view`` is the module in ``views/``, ``section`` its menu, ``action`` what ``authorize`` is asked."""

    view: str
    title: str
    section: str
    action: Action

    @property
    def path(self) -> str:
        """Its part of the address; the first page has none, because it is what the bare address opens."""
        return "" if self.view == PAGES[0].view else self.view.replace("_", "-")


# In the order of the menus; within a menu in the order in which its questions are asked.
PAGES: tuple[Entry, ...] = (
    Entry("overview", "Overview", PRACTICE, "view_aggregates"),
    Entry("pacing", "Pacing", PRACTICE, "view_aggregates"),
    Entry("competency_trends", "Competency trends", GROWTH, "view_aggregates"),
    Entry("cohorts", "Cohorts", GROWTH, "view_aggregates"),
    Entry("skill_heatmap", "Skill heatmap", GROWTH, "view_aggregates"),
    Entry("learning_curves", "Learning curves", GROWTH, "view_aggregates"),
    Entry("learner", "Learner", GROWTH, "list_sessions"),
    Entry("scenario_quality", "Scenario quality", QUALITY, "view_aggregates"),
    Entry("scorer_quality", "Scorer quality", QUALITY, "view_aggregates"),
    Entry("languages_regions", "Languages and regions", QUALITY, "view_aggregates"),
    Entry("objectives_guardrails", "Objectives and guardrails", QUALITY, "view_aggregates"),
    Entry("outcomes", "Outcomes", EFFECT, "view_aggregates"),
    Entry("session_replay", "Session replay", SESSIONS, "list_sessions"),
    Entry("delivery", "Delivery", SESSIONS, "list_sessions"),
    Entry("my_sessions", "My sessions", SESSIONS, "list_sessions"),
    Entry("audit_reports", "Audit reports", COMPLIANCE, "export_report"),
    Entry("review_queue", "Review queue", COMPLIANCE, "list_reviews"),
    Entry("escalations", "Escalations", COMPLIANCE, "list_cases"),
    Entry("access_log", "Access log", COMPLIANCE, "read_access_log"),
    Entry("retention", "Retention", COMPLIANCE, "export_report"),
    Entry("data_health", "Data health", OPERATIONS, "view_health"),
    Entry("syncs", "Syncs", OPERATIONS, "view_health"),
)


def menus(allowed: Callable[[Action], bool]) -> dict[str, list[Entry]]:
    """The pages that a reader may open, by menu; menus without one are left out."""
    found: dict[str, list[Entry]] = {}
    for entry in PAGES:
        if allowed(entry.action):
            found.setdefault(entry.section, []).append(entry)
    return found
