"""Which rules a session stands under: pass rule of its rubric, class of retention, legal holds and restrictions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from governance.catalog import Catalog, Key
from governance.catalog_models import PassRule, Rubric
from governance.privacy.holds import Hold, Holds
from governance.privacy.restrictions import Restrictions
from governance.privacy.retention import Retention, decide
from governance.settings import Settings
from governance.state import State


@dataclass(frozen=True)
class Rules:
    """The rules in force for a tenant on a day; ``pass_rules`` are in words, by rubric and version.

    ``restrictions`` are the bases on which learners are frozen, by key.
    """

    pass_rules: Mapping[Key, str]
    retention: Retention
    holds: Sequence[Hold]
    today: date
    restrictions: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, settings: Settings, state: State, tenant: str, now: datetime) -> "Rules":
        """Read catalog, retention, standing holds and restrictions.

        Raises:
            CatalogError, RetentionError: A file of the configuration cannot be used.
        """
        rubrics = Catalog.load(settings.config).rubrics
        said = {key: _said(rubric, rubric.pass_rule) for key, rubric in rubrics.items() if rubric.pass_rule is not None}
        retention = Retention.load(settings.config)
        frozen = Restrictions(state).standing(tenant)
        return cls(said, retention, Holds(state).standing(tenant), now.astimezone(UTC).date(), frozen)

    def of(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """What holds for one session; ``pass_rule`` is ``None`` where its rubric has none or is not catalogued."""
        covering = [hold for hold in self.holds if hold.covers(row["learner_key"], row["scenario_id"])]
        reasons, day = [hold.reason for hold in covering], date.fromisoformat(row["day"])
        frozen = self.restrictions.get(row["learner_key"] or "")
        decision = decide(
            self.retention, row["scenario_id"], day, reasons, self.today, requested=False, frozen=frozen
        )  # fmt: skip
        return {
            "pass_rule": self.pass_rules.get((row["rubric_id"], row["rubric_version"])),
            "retention_class": self.retention.class_of(row["scenario_id"])[0],
            "retention": decision.fate.value,
            "retention_until": None if decision.until is None else decision.until.isoformat(),
            "restriction": frozen,
            "legal_holds": [{"hold": hold.hold_id, "reason": hold.reason} for hold in covering],
        }


def _said(rubric: Rubric, rule: PassRule) -> str:
    """Such as: overall at least 70 of 100; costs at least 3 of 4 (blocker)."""
    parts = [f"overall at least {rule.overall_minimum * 100:g} of 100"]
    for criterion in rubric.criteria:
        if criterion.minimum is not None:
            blocker = " (blocker)" if criterion.blocker else ""
            parts.append(f"{criterion.id} at least {criterion.minimum:g} of {criterion.max:g}{blocker}")
    return "; ".join(parts)
