"""Which days a run or the daemon has to load, and how they are grouped into Dagster runs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from assets.lake import Lake

if TYPE_CHECKING:
    from governance.catalog import Catalog
    from governance.state import State

GAP_DAYS = 3  # rebuilding so many days in between costs less than one more Dagster run
Span = tuple[date, date]  # first and last day, both included


@dataclass(frozen=True)
class Stale:
    """Days whose sessions, and days whose outcomes, are no longer what their inputs say."""

    sessions: tuple[date, ...] = ()
    outcomes: tuple[date, ...] = ()

    def days(self) -> set[date]:
        """All of them."""
        return {*self.sessions, *self.outcomes}

    def launches(self, verb: str) -> list[tuple[str, Span]]:
        """What to launch: jobs (``<verb>_sessions``, ``<verb>_outcomes``) with their ranges of days.

        A day of outcomes alone touches no session table.
        """
        return [
            (f"{verb}_{kind}", span)
            for kind, days in (("sessions", self.sessions), ("outcomes", self.outcomes))
            for span in ranges(days)
        ]


def ranges(days: Iterable[date], gap: int = GAP_DAYS) -> list[Span]:
    """The days as ranges, first and last included; gaps of up to ``gap`` days are bridged."""
    found: list[Span] = []
    for day in sorted(set(days)):
        if found and day - found[-1][1] <= timedelta(days=gap + 1):
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


def each_day(span: Span) -> list[date]:
    """The days of a span, both ends included."""
    return [span[0] + timedelta(days=n) for n in range((span[1] - span[0]).days + 1)]


def within(days: Iterable[date], limits: Span | None) -> tuple[date, ...]:
    """The days inside the limits, both included, in order."""
    return tuple(sorted(day for day in set(days) if limits is None or limits[0] <= day <= limits[1]))


def everything(lake: Lake, limits: Span | None = None) -> Stale:
    """Every day there is, landed or built."""
    from assets.core import built, plan

    sessions = {day for table in plan.SESSION_TABLES for day in lake.days(table)} | built.read(lake).keys()
    outcomes = {*lake.days(plan.RAW_OUTCOMES.path)} | built.read_outcomes(lake).keys()
    return Stale(within(sessions, limits), within(outcomes, limits))


def stale(
    lake: Lake,
    state: "State",
    catalog: "Catalog",
    now: datetime,
    limits: Span | None = None,
    doubtful: Sequence[date] = (),
) -> Stale:
    """What has to be rebuilt; ``doubtful`` days are rebuilt in any case, where there is something to build."""
    from assets.core import plan

    there = everything(lake)
    sessions = {*plan.stale_days(lake, state, catalog, now), *(set(doubtful) & set(there.sessions))}
    outcomes = {*plan.stale_outcomes(lake), *(set(doubtful) & set(there.outcomes))}
    return Stale(within(sessions, limits), within(outcomes, limits))
