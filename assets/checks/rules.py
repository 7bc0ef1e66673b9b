"""What a good table looks like, as data: derived from its contract, and turned into SQL or Great Expectations.

``contract_rules`` gives, for one table: required columns are never null, coded columns hold known codes, measures
stay in range, the key is unique. The same list feeds the exact SQL check and the expectation suite, so that neither
can drift from the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from assets.contracts import Table, core

Severity = Literal["critical", "warning"]
Kind = Literal["not_null", "in_set", "between", "unique", "ordered"]


@dataclass(frozen=True)
class Rule:
    """One statement about a table. ``columns`` has one name, or several for ``unique`` and ``ordered``."""

    kind: Kind
    columns: tuple[str, ...]
    values: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    severity: Severity = "critical"

    @property
    def name(self) -> str:
        """A code such as ``not_null(session_id)``."""
        return f"{self.kind}({', '.join(self.columns)})"

    @property
    def broken(self) -> str | None:
        """The SQL predicate of a row that breaks the rule; None for uniqueness, which is no matter of one row."""
        first = f'"{self.columns[0]}"'
        if self.kind == "not_null":
            return f"{first} is null"
        if self.kind == "in_set":
            listed = ", ".join(f"'{value}'" for value in self.values)
            return f"{first} is not null and {first} not in ({listed})"
        if self.kind == "between":
            parts = [f"{first} < {self.low}" if self.low is not None else None]
            parts += [f"{first} > {self.high}" if self.high is not None else None]
            return " or ".join(part for part in parts if part is not None)
        if self.kind == "ordered":
            return f'{first} > "{self.columns[1]}"'
        return None


SETS: Mapping[str, tuple[str, ...]] = {
    "completeness": core.COMPLETENESS,
    "end_reason": core.END_REASONS,
    "scorer_kind": core.SCORER_KINDS,
    "review_state": core.REVIEW_STATES,
    "severity": core.SEVERITIES,
    "speaker": ("learner", "counterpart"),
    "alignment": ("exact", "estimated"),
    "status": core.MEDIA_STATUS,
    "method": (
        "cluster_t",
        "t",
        "kaplan_meier",
        "jackknife_learner",
        "count",
        "mixed_model",
        "first_last_k",
        "pearson",
        "spearman",
        "ols_naive",
        "within_learner",
        "cox_time_varying",
        "cox_naive",
        "sun_abraham",
    ),
    "label": ("descriptive", "association", "within_person", "quasi_experimental"),
    "outside": ("within", "95", "998"),
}
TABLE_SETS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("core/signals", "kind"): core.SIGNAL_KINDS,
    ("core/media", "kind"): ("video", "audio"),
    ("marts/version_events", "kind"): ("rubric", "scorer", "scenario", "policy"),
    ("marts/practice_funnel", "assigned"): ("assigned", "free", "unknown", "*"),
    ("raw/deliveries", "channel"): ("webhook", "objective", "guardrail", "tool", "relay", "pull", "file"),
}
SHARES = frozenset(
    {
        "scaled", "overall", "talk_share", "mean", "lower", "upper", "first_mean", "last_mean", "level", "rate",
        "floor_share", "ceiling_share", "blocker_rate", "missing_share", "reached_share", "not_found_share",
        "talk_share_p25", "talk_share_p50", "talk_share_p75", "mastered_share", "mastered_lower", "mastered_upper",
        "reliability", "exact_share", "pass_share", "pass_lower", "pass_upper", "use_share",
        "p_value", "q_value", "pre_trend_p", "ramped_share",
    }
)  # fmt: skip
# Differences have intervals on both sides of 0.
SIGNED: Mapping[str, frozenset[str]] = dict.fromkeys(
    (
        "marts/skill_decay",
        "marts/competency_growth",
        "marts/outcome_links",
        "marts/rollout_effects",
        "marts/practice_return",
    ),
    frozenset({"lower", "upper"}),
)
COUNTED = frozenset({"integer", "bigint"})
# A step of a funnel never exceeds the one before; an interval holds its estimate.
ORDERED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "core/sessions": (("started_at", "ended_at"), ("first_received_at", "last_received_at")),
    "core/session_scores": (("criteria_scored", "criteria_expected"),),
    "marts/practice_funnel": (
        ("joined", "launched"),
        ("talked", "launched"),
        ("passed", "judged"),
        ("judged", "scored"),
    ),
    "marts/competency_trend": (("lower", "mean"), ("mean", "upper")),
    "marts/scenario_items": (("lower", "mean"), ("mean", "upper")),
    "marts/objective_funnel": (("reached", "sessions"), ("lower", "reached_share"), ("reached_share", "upper")),
    "marts/guardrail_board": (("triggered", "sessions"), ("lower", "rate"), ("rate", "upper")),
    "marts/pacing": (("talk_share_p25", "talk_share_p50"), ("talk_share_p50", "talk_share_p75")),
    "marts/data_health": (("complete", "sessions"), ("scored", "sessions"), ("unattributed", "sessions")),
    "marts/learner_progress": (("first_at", "last_at"),),
    "marts/cohort_comparison": (("lower", "mean"), ("mean", "upper")),
    "marts/skill_heatmap": (("lower", "level"), ("level", "upper"), ("mastered", "n_learners")),
    "marts/learning_curve": (("lower", "mean"), ("mean", "upper")),
    "marts/mastery_curve": (("lower", "mastered_share"), ("mastered_share", "upper"), ("reached", "n_started")),
    "marts/skill_decay": (("lower", "change"), ("change", "upper")),
    "marts/scorer_agreement": (("bias_lower", "bias"), ("bias", "bias_upper")),
    "marts/competency_growth": (("lower", "estimate"), ("estimate", "upper")),
    "marts/outcome_links": (("lower", "estimate"), ("estimate", "upper")),
    "marts/ramp_curve": (("lower", "ramped_share"), ("ramped_share", "upper")),
    "marts/rollout_effects": (("lower", "estimate"), ("estimate", "upper")),
    "marts/language_parity": (("pass_lower", "pass_share"), ("pass_share", "pass_upper")),
}
# Oddities that a person should look at and that stop nothing.
DOUBTS: Mapping[str, tuple[Rule, ...]] = {
    "core/sessions": (Rule("between", ("duration_s",), low=0, high=14_400, severity="warning"),),
    "core/media": (Rule("between", ("offset_s",), low=-3600, high=3600, severity="warning"),),
}


def contract_rules(table: Table) -> list[Rule]:
    """Every rule that follows from the table's contract, critical ones first."""
    rules = [Rule("not_null", (name,)) for name in table.required]
    for column in table.columns:
        values = TABLE_SETS.get((table.path, column.name)) or SETS.get(column.name)
        if values is not None:
            rules.append(Rule("in_set", (column.name,), values=values))
        elif column.name in SHARES - SIGNED.get(table.path, frozenset()) and column.type == "double":
            rules.append(Rule("between", (column.name,), low=0.0, high=1.0))
        elif column.type in COUNTED and column.name != "period":
            rules.append(Rule("between", (column.name,), low=0))
    rules += [Rule("ordered", pair) for pair in ORDERED.get(table.path, ())]
    rules.append(Rule("unique", table.key))
    return rules + list(DOUBTS.get(table.path, ()))


def narrow(table: Table) -> list[str]:
    """Columns that a suite needs: those of its rules, and never words that somebody said."""
    speech = {column.name for column in table.columns if column.personal == "speech"}
    used = {name for rule in contract_rules(table) for name in rule.columns}
    return [name for name in table.column_names if name in used and name not in speech]
