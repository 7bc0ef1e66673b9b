"""What the marts' codes mean in a sentence: how a figure was made, what it takes for granted, how far it reaches."""

import polars as pl

from dashboards.names import humanise
from dashboards.wording import listing

METHODS = {
    "cluster_t": "mean with a t interval clustered by learner",
    "t": "mean with a t interval over learners",
    "count": "a count",
    "jackknife_learner": "interval by leaving out one learner at a time",
    "kaplan_meier": "Kaplan–Meier estimate with log-log intervals",
    "mixed_model": "mixed model with a slope of its own for each learner",
    "first_last_k": "mean of the last attempts minus the mean of the first",
    "pearson": "Pearson correlation",
    "spearman": "Spearman rank correlation",
    "ols_naive": "plain regression, people and practice mixed",
    "within_learner": "each learner against themselves, errors clustered by learner",
    "within_learner_iv": "each learner against themselves, corrected for the scatter of scores",
    "cox_time_varying": "Cox regression with practice as it grew",
    "cox_landmark": "Cox regression from a landmark day on",
    "sun_abraham": "staggered roll-out, Sun and Abraham's estimator",
}
ASSUMPTIONS = {
    "censoring_independent": "who stopped practising would have gone on like the others",
    "documents_named_by_engine": "the engine names the documents it draws on",
    "double_scored_sample_random": "sessions scored twice were chosen at random",
    "equal_steps": "steps of the scale are equally wide",
    "groups_comparable_in_skill": "groups do not differ in skill for other reasons",
    "independent_learners": "learners do not influence each other",
    "recency_weighted": "later attempts count more",
    "one_attempt_per_learner": "each learner counts once at an attempt number",
    "scenario_mix_additive": "a harder scenario is harder for every group alike",
    "pauses_not_chosen_by_skill": "pauses do not depend on skill",
    "same_version": "rubric and scorer are of the same version before and after",
    "sessions_of_one_learner_alike": "sessions of one learner resemble each other",
    "learners_change_along_the_curve": "other people stand behind each attempt: who stays may be better",
    "same_learners": "the same people stand behind every attempt",
}
LABELS = {
    "descriptive": "Descriptive: it says what is, not why.",
    "association": "Association: it may have other causes than practice.",
    "within_person": (
        "Within persons: stable differences between people are taken out; what changed at the same time is not."
    ),
    "quasi_experimental": (
        "Quasi-experimental: practice started at different dates, which carries a causal reading with care."
    ),
}  # fmt: skip


def note(frame: pl.DataFrame) -> str:
    """One paragraph on method, assumptions and reach of a mart's rows; empty where the mart gives none."""
    if frame.is_empty() or not {"method", "assumptions", "label"} <= set(frame.columns):
        return ""
    methods = [METHODS.get(code, humanise(code).lower()) for code in _codes(frame, "method")]
    taken = [ASSUMPTIONS.get(code, humanise(code).lower()) for code in _codes(frame, "assumptions")]
    labels = [LABELS.get(code, humanise(code) + ".") for code in _codes(frame, "label")]
    given = f" Taken for granted: {listing(taken)}." if taken else ""
    return f"**How it is made:** {listing(methods)}.{given} {' '.join(labels)}"


def _codes(frame: pl.DataFrame, column: str) -> list[str]:
    texts = frame[column].drop_nulls().unique(maintain_order=True).to_list()
    return list(dict.fromkeys(code for text in texts for code in text.split() if code))
