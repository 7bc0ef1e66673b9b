"""Times as sources write them: ISO 8601 or epoch numbers in, aware UTC datetimes out.

A naive time is refused, never guessed: nobody knows which clock it was read from.
"""

from datetime import UTC, datetime
from math import isfinite

EPOCH_MS_FROM = 1e11  # as seconds that is the year 5138, as milliseconds 1973: larger numbers are milliseconds
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
LATEST = datetime(2100, 1, 1, tzinfo=UTC).timestamp()
EXAMPLE = "2026-11-02T09:00:04Z"


class TimeProblemError(ValueError):
    """The value is no moment in time; ``rule`` names what it broke."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.rule = rule


def parse(value: object) -> datetime | None:
    """The moment that ``value`` names, in UTC; None for None and the empty string.

    Takes ISO 8601 with an offset, epoch seconds, and epoch milliseconds, each as number or as text.

    Raises:
        TimeProblemError: ``naive_time`` where the offset is missing, ``not_a_time`` for anything else.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return _from_text(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TimeProblemError("not_a_time", f"{type(value).__name__} is not a time; write it as {EXAMPLE}")
    return _from_epoch(float(value), value)


def parse_or_none(value: object) -> datetime | None:
    """As ``parse``, with None for what is no moment: for details that may be left out."""
    try:
        return parse(value)
    except TimeProblemError:
        return None


def iso(moment: datetime | None) -> str | None:
    """The moment as ISO 8601 in UTC with a Z, microseconds only where there are any."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _from_text(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            number = float(text)
        except ValueError:
            raise TimeProblemError("not_a_time", f"{text[:60]!r} is not a time; write it as {EXAMPLE}") from None
        return _from_epoch(number, text)
    if moment.tzinfo is None:
        if text.isdigit():  # fromisoformat reads 20261102 as a date; nobody sends dates in basic format
            return _from_epoch(float(text), text)
        raise TimeProblemError("naive_time", f"{text[:60]!r} has no UTC offset; write it as {EXAMPLE}")
    try:
        return _in_range(moment.astimezone(UTC), text)
    except OverflowError:
        raise TimeProblemError("not_a_time", f"{text[:60]!r} lies outside the years 2000 to 2100") from None


def _from_epoch(number: float, source: object) -> datetime:
    if not isfinite(number):
        raise TimeProblemError("not_a_time", f"{source!r} is not a time; write it as {EXAMPLE}")
    seconds = number / 1000 if abs(number) >= EPOCH_MS_FROM else number
    if not EARLIEST <= seconds < LATEST:
        raise TimeProblemError("not_a_time", f"{str(source)[:60]!r} lies outside the years 2000 to 2100")
    return datetime.fromtimestamp(round(seconds, 6), tz=UTC)


def _in_range(moment: datetime, source: str) -> datetime:
    if not EARLIEST <= moment.timestamp() < LATEST:
        raise TimeProblemError("not_a_time", f"{source[:60]!r} lies outside the years 2000 to 2100")
    return moment
