"""Numbers with their units, and the sentences that answer a page's question. No Streamlit here."""

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from scipy.special import stdtrit

CONFIDENCE = 0.95
SKEW_S = 300  # clocks of two machines may differ by this
NO_BREAK = "\u00a0"


@dataclass(frozen=True)
class Estimate:
    """A share or mean on 0 to 1 with its 95 % interval and the people and scores behind it."""

    value: float
    lower: float
    upper: float
    n: int
    learners: int


def critical(learners: float) -> float:
    """The t quantile of a two-sided 95 % interval with ``learners`` clusters."""
    return float(stdtrit(max(learners - 1, 1), 1 - (1 - CONFIDENCE) / 2))


def interval(value: float, error: float, learners: float, floor: float = 0.0, top: float = 1.0) -> tuple[float, float]:
    """The 95 % interval of a clustered estimate, kept inside its range."""
    half = critical(learners) * error
    return max(value - half, floor), min(value + half, top)


def percent(value: float | None, digits: int = 0) -> str:
    """A share as per cent; a dash where there is none."""
    return "–" if value is None else f"{100 * value:.{digits}f}{NO_BREAK}%"


def points(value: float | None) -> str:
    """A scaled score on 0 to 100."""
    return "–" if value is None else f"{100 * value:.0f}"


def signed(value: float, unit: str) -> str:
    """A change in percentage points or points, with a real minus sign."""
    rounded = round(100 * value)
    sign = "+" if rounded > 0 else "−" if rounded < 0 else "±"
    return f"{sign}{abs(rounded)}{NO_BREAK}{unit}"


def count(value: float | None, one: str = "", many: str | None = None) -> str:
    """A whole number with thousands separated, and its noun where one is given."""
    if value is None:
        return "–"
    text = f"{round(value):,}".replace(",", "\u202f")
    if not one:
        return text
    return f"{text}{NO_BREAK}{one if round(value) == 1 else many or one + 's'}"


def clock(seconds: float | None) -> str:
    """Seconds as m:ss, or h:mm:ss from an hour on."""
    if seconds is None or math.isnan(seconds):
        return "–:––"
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


def ago(then: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that fits."""
    seconds = (now - then).total_seconds()
    if seconds < -SKEW_S:
        return "dated ahead of the clock"
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            return f"{count(seconds // size, unit)} ago"
    return "just now"


def day(value: date) -> str:
    """2 Nov 2026."""
    return f"{value.day} {value:%b %Y}"


def span(first: date, last: date) -> str:
    """The days of the weeks from ``first`` to ``last``, both Mondays."""
    end = last + timedelta(days=6)
    start = f"{first.day} {first:%b}" if first.year == end.year else day(first)
    return f"{start} – {day(end)}"


def listing(items: list[str], conjunction: str = "and") -> str:
    """a, b and c."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {conjunction} {items[-1]}"


def change_sentence(change: float, half: float, unit: str) -> str:
    """What changed, and whether the interval leaves out no change."""
    verdict = "beyond the noise" if abs(change) > half else "within the noise"
    return f"{signed(change, unit)} (±{round(100 * half)}, {verdict})"


def estimate(value: float | None, lower: float | None, upper: float | None, unit: str, digits: int = 0) -> str:
    """A number with its 95 % interval: ``62 points (95 % interval 58 to 66)``; already on the scale of its unit."""
    if value is None:
        return "–"

    def number(one: float) -> str:
        text = f"{one:.{digits}f}"
        return (text.removeprefix("-") if float(text) == 0 else text).replace("-", "−")

    shown = f"{number(value)}{NO_BREAK}{unit}" if unit else number(value)
    if lower is None or upper is None:
        return shown
    return f"{shown} (95{NO_BREAK}% interval {number(lower)} to {number(upper)})"
