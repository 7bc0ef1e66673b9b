"""What the monthly report says: figures, tables and sentences of one tenant and month, as plain data. No drawing here.

Marts are weekly, so a month is the weeks that begin in it; it is compared with those that begin in the month before.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta

import plotly.graph_objects as go
import polars as pl

from dashboards import methods, outcome_wording, queries
from dashboards.changes import PASS, with_changes
from dashboards.figures import practice
from dashboards.mart_queries import mart
from dashboards.names import Names, humanise
from dashboards.queries import Cell
from dashboards.reader import Edition
from dashboards.views import overview, scenario_quality, scorer_quality
from dashboards.wording import count, percent, points, signed, span

WEEK = timedelta(weeks=1)
DRAWN = 13  # weeks in the figures, the month's last


@dataclass(frozen=True)
class Figure:
    """A figure with its place in the report and its alternative text."""

    name: str
    drawing: go.Figure
    alt: str
    width: int
    height: int


@dataclass
class Report:
    """Everything the template needs; ``sections`` are (title, list of paragraphs)."""

    sentence: str
    tiles: list[tuple[str, str, str]] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    competencies: list[list[str]] = field(default_factory=list)
    guardrails: list[list[str]] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    sections: list[tuple[str, list[str]]] = field(default_factory=list)
    withheld: str = ""


def mondays(month: date) -> tuple[date, date]:
    """First and last Monday of the month of a day."""
    first = month.replace(day=1)
    start = first + timedelta(days=-first.weekday() % 7)
    after = (first + timedelta(days=32)).replace(day=1)
    last = after - timedelta(days=1)
    return start, last - timedelta(days=last.weekday())


def month_before(month: date) -> date:
    """The first day of the month before."""
    return (month.replace(day=1) - timedelta(days=1)).replace(day=1)


def months(edition: Edition) -> list[date]:
    """Months in which a week with practice begins, the newest first."""
    known = queries.weeks(edition)
    if known is None:
        return []
    weeks = practice.week_range(*known)
    return sorted({week.replace(day=1) for week in weeks}, reverse=True)


def report_of(edition: Edition, names: Names, month: date, minimum: int) -> Report:
    """The report of one month over all regions and scenarios."""
    first, last = mondays(month)
    before = mondays(month_before(month))[0]
    cell = Cell(first=first, last=last)
    history = queries.funnel(edition, Cell(first=min(before, last - WEEK * (DRAWN - 1)), last=last))
    weekly = history.filter(pl.col("week").is_between(first, last))
    shown = weekly.filter(~pl.col("suppressed"))
    if shown.is_empty():
        return Report(
            f"No week of {month:%B %Y} can be shown: nobody practised, or fewer than {minimum} people did.",
            withheld=withheld(weekly, minimum),
        )
    scores = with_changes(queries.periods(edition, cell, before, minimum))
    learners, earlier = queries.reach(edition, cell, before)
    found = Report(_plain(overview.sentence(cell, weekly, scores, learners)))
    previous = history.filter(pl.col("week").is_between(before, first - WEEK))
    found.tiles = tiles(weekly, previous, scores, learners, earlier)
    found.figures = figures(history, cell, named(scores, names))
    found.competencies = competency_rows(named(scores, names))
    found.moved = moved(named(scores, names))
    found.guardrails = guardrail_rows(queries.guardrails(edition, cell))
    found.sections = quality(edition, names)
    found.withheld = withheld(weekly, minimum)
    return found


def _plain(text: str) -> str:
    """A page's sentence without its Markdown."""
    return text.replace("**", "").replace("\\", "")


def tiles(
    weekly: pl.DataFrame, previous: pl.DataFrame, scores: pl.DataFrame, learners: int, earlier: int
) -> list[tuple[str, str, str]]:
    """Four numbers, each with what it was in the month before."""
    now, then = practice.funnel_totals(weekly), practice.funnel_totals(previous)
    known = previous.filter(~pl.col("suppressed")).height > 0
    hours, hours_before = overview.practised(weekly), overview.practised(previous)

    def before(text: str) -> str:
        return f"{text} in the month before" if known else "nothing to compare with"

    passed = scores.filter((pl.col("subject") == PASS) & pl.col("mean").is_not_null())
    row = passed.row(0, named=True) if passed.height else None
    rate = ("Pass rate", "–", "no verdicts") if row is None else (
        "Pass rate", percent(row["mean"]),
        before(percent(row["mean_before"])) if row["mean_before"] is not None else "nothing to compare with",
    )  # fmt: skip
    return [
        ("Learners", count(learners), before(count(earlier))),
        ("Sessions", count(now["joined"]), before(count(then["joined"]))),
        ("Hours of practice", count(hours), before(count(hours_before))),
        rate,
    ]


def named(scores: pl.DataFrame, names: Names) -> pl.DataFrame:
    """Competencies with their names and mastery levels, the best first."""
    frame = scores.filter((pl.col("subject") != PASS) & pl.col("mean").is_not_null())
    return frame.with_columns(
        name=pl.col("subject").map_elements(names.competency, return_dtype=pl.String),
        mastery=pl.col("subject").map_elements(names.mastery.get, return_dtype=pl.Float64, skip_nulls=True),
    ).sort("mean", descending=True)


def figures(history: pl.DataFrame, cell: Cell, scores: pl.DataFrame) -> list[Figure]:
    """Practice by week, pass rate by week, and proficiency by competency."""
    drawn = [
        Figure("volume", practice.volume(history, cell.first), "Bars: sessions joined by week", 460, 250),
        Figure("pass-rate", practice.pass_rate(history, cell.first), "Points: share passed by week, with intervals",
               460, 250),
    ]  # fmt: skip
    if scores.height:
        alt = "Dots with intervals: mean score by competency; the table below holds the figures"
        drawn.append(Figure("proficiency", practice.proficiency(scores), alt, 920, 110 + 34 * scores.height))
    return drawn


def competency_rows(scores: pl.DataFrame) -> list[list[str]]:
    """Name, mean, interval, change with its half-width, scores, learners."""
    return [
        [
            row["name"],
            points(row["mean"]),
            "–" if row["lower"] is None else f"{points(row['lower'])} to {points(row['upper'])}",
            "–"
            if row["change"] is None
            else f"{signed(row['change'], '')}".strip() + f" (±{round(100 * row['change_half'])})",
            count(row["n"]),
            count(row["learners"]),
        ]
        for row in scores.iter_rows(named=True)
    ]


def moved(scores: pl.DataFrame) -> list[str]:
    """What moved by more than its interval."""
    known = scores.filter(pl.col("change").is_not_null())
    beyond = known.filter(pl.col("change").abs() > pl.col("change_half")).sort("change", descending=True)
    if known.is_empty():
        return ["There is no month before to compare with."]
    if beyond.is_empty():
        return [
            f"No competency of {known.height} moved by more than its 95 % interval; such differences come by chance."
        ]
    return [
        f"{row['name']}: {signed(row['change'], 'points')} (±{round(100 * row['change_half'])}), now "
        f"{points(row['mean'])} of 100"
        for row in beyond.iter_rows(named=True)
    ]


def guardrail_rows(frame: pl.DataFrame) -> list[list[str]]:
    """Name, severity, regulation, sessions that triggered it of those in which it could, share with its interval."""
    rows = []
    for row in frame.filter(pl.col("triggered") > 0).iter_rows(named=True):
        low, high = practice.wilson(row["triggered"], row["sessions"])
        share = f"{percent(row['triggered'] / row['sessions'], 1)} ({percent(low, 1)} to {percent(high, 1)})"
        counted = f"{row['triggered']} of {row['sessions']}"
        rows.append([humanise(row["guardrail"]), row["severity"] or "–", row["regulation"] or "–", counted, share])
    return rows


def quality(edition: Edition, names: Names) -> list[tuple[str, list[str]]]:
    """What stands on the quality and outcome pages in a sentence each, over everything published so far."""
    found = [
        ("Criteria that stand out", criteria(edition, names)),
        ("The scorer against people", scorer(edition, names)),
        ("Outcomes", outcomes(edition, names)),
    ]
    return [(title, lines) for title, lines in found if lines]


def criteria(edition: Edition, names: Names) -> list[str]:
    """Criteria that are too easy, too hard, flat or not scored."""
    frame = scenario_quality.named(
        names, mart(edition, "scenario_items", {"scorer_kind": "engine_llm"}, ("mean desc",))
    )
    shown = frame.filter(~pl.col("suppressed")) if frame.height else frame
    if shown.is_empty():
        return []
    lines = [_plain(scenario_quality.sentence(shown))]
    for row in shown.filter(pl.col("verdict") != "").head(8).iter_rows(named=True):
        lines.append(f"{row['criterion']} ({row['scenario']}, {row['rubric']}): {row['verdict']}.")
    return lines


def scorer(edition: Edition, names: Names) -> list[str]:
    """Agreement of the model with people, by rubric version."""
    rows = mart(edition, "scorer_agreement", {"month": "*", "criterion_id": "*"}, ("rubric_id", "rubric_version"))
    shown = rows.filter(~pl.col("suppressed") & pl.col("qwk").is_not_null()) if rows.height else rows
    if shown.is_empty():
        return []
    frame = scorer_quality.named(names, shown)
    return [
        _plain(scorer_quality.sentence(frame.filter(pl.col("rubric") == rubric, pl.col("scorer") == who), rubric, who))
        for rubric, who in frame.select("rubric", "scorer").unique(maintain_order=True).iter_rows()
    ]


def outcomes(edition: Edition, names: Names) -> list[str]:
    """The most careful link of each outcome with practice, and how far it reaches."""
    rows = mart(edition, "outcome_links", {}, ("outcome", "exposure", "method"))
    shown = rows.filter(~pl.col("suppressed") & pl.col("estimate").is_not_null()) if rows.height else rows
    lines = []
    for (_,), part in shown.group_by("outcome", maintain_order=True) if shown.height else ():
        overall = part.filter(pl.col("exposure") == "overall")
        best = outcome_wording.strongest(overall if overall.height else part)
        lines.append(_plain(outcome_wording.sentence(names, best)))
    returns = mart(edition, "practice_return", {}, ("item",))
    if returns.height:
        lines.append(_plain(outcome_wording.return_sentence(returns)))
    return lines


def withheld(weekly: pl.DataFrame, minimum: int) -> str:
    """How much is withheld, and why."""
    hidden = int(weekly["suppressed"].sum() or 0) if weekly.height else 0
    return (
        f"Figures behind which fewer than {minimum} people stand are withheld, and others where they would reveal such "
        f"a group; that holds for {count(hidden, 'week')} of this month. {methods.LABELS['descriptive']}"
    )


def heading(month: date) -> tuple[str, str]:
    """The month's name, and the days its weeks cover."""
    return f"{month:%B %Y}", span(*mondays(month))
