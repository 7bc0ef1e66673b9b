"""How far a change of some days reaches: which days, weeks and what of a learner have to be computed again.

A SELECT never knows about it. It reads bare names, and ``aim`` puts temporary views under these names that show
everything, or only what the change can reach; the same text builds a mart whole and in part.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

import duckdb

from assets.contracts import PUBLISHED, REGISTERS
from assets.marts.tables import PASSING, REACH, SOURCES, STAGES, create, database, select

# What a learner did in one scenario, and how one competency of a learner went: a day touches few of either, while
# all that its learners ever did would be most of a long history.
PAIRS: dict[str, tuple[str, str]] = {
    "practice": ("scope_practice", "scenario_id"),
    "curve": ("scope_curves", "competency"),
}
PAIRED: dict[str, frozenset[str]] = {
    "practice": frozenset({"sessions", "items", "applications", "speakers"}),
    "curve": frozenset({"attempts", "points", "pauses", "spells"}),
}
LEARNER_TABLES = frozenset(
    {"session_scores", "criterion_scores", "headline"}
)  # they know the learner, not the scenario
UNDATED = frozenset(
    {"learners", "ingest_batches", "items", "applications", "watched", *(each.name for each in REGISTERS)}
)
MANY_DAYS = 200  # more changed days than this are not worth a partial rebuild


@dataclass
class Scope:
    """Days that changed, and what follows from them once ``settle`` has run."""

    days: set[date] = field(default_factory=set)
    weeks: set[date] = field(default_factory=set)
    learners_changed: bool = False
    registers_changed: bool = False  # of those that a mart is made of
    outcome_days: set[date] = field(default_factory=set)  # days of outcomes that changed
    whole: bool = False
    watched_changed: bool = False

    @classmethod
    def everything(cls) -> "Scope":
        """The scope of a rebuild."""
        return cls(whole=True)

    @property
    def practice_changed(self) -> bool:
        """Something changed that staging tables and most marts are made of."""
        return bool(self.whole or self.days or self.weeks or self.learners_changed or self.registers_changed)

    @property
    def outcomes_changed(self) -> bool:
        """They reach no day's marts, but what LMSs hold is compared whole."""
        return bool(self.outcome_days)

    @property
    def empty(self) -> bool:
        """Nothing changed."""
        return not (self.practice_changed or self.outcomes_changed)

    def concerns(self, mart: str) -> bool:
        """Whether the change reaches a mart at all: outcomes alone reach those that read them."""
        return self.practice_changed or (self.outcomes_changed and "outcomes" in _named(mart))

    def covers_all(self, reach: str) -> bool:
        """The table is built whole under this scope."""
        return self.whole or reach == "whole"

    def reach(self, mart: str) -> str:
        """How far the change reaches into a mart."""
        if mart == "guardrail_board" and self.watched_changed:
            return "whole"  # a guardrail seen for the first time has sessions without it in every week
        return REACH.get(mart, "whole")  # estimates have none

    def note(self, con: duckdb.DuckDBPyConnection, days: Iterable[date]) -> None:
        """Take in changed days of a session-grain table, before and again after they are replaced.

        Learners who practised on such a day are affected, and weeks of launches whose session came or went.
        """
        fresh = set(days)
        self.days |= fresh
        self.weeks |= {_monday(day) for day in fresh}
        if self.whole or not fresh:
            return
        listed = _dates(fresh)
        con.execute(
            "insert into scope_people select distinct learner_key from working.main.sessions"
            f" where day in ({listed}) and learner_key is not null"
        )
        con.execute(
            "insert into scope_practice select distinct learner_key, scenario_id from working.main.sessions"
            f" where day in ({listed}) and learner_key is not null and scenario_id is not null"
        )
        weeks = con.sql(
            "select distinct cast(date_trunc('week', cast(launched_at as date)) as date) from working.main.launches"
            f" semi join (select session_id from working.main.sessions where day in ({listed})) as changed"
            " using (session_id)"
        ).fetchall()
        self.weeks |= {week for (week,) in weeks}

    def note_weeks(self, days: Iterable[date]) -> None:
        """Take in days on which launches changed: they count in their week until a session follows."""
        self.weeks |= {_monday(day) for day in days}

    def settle(self, con: duckdb.DuckDBPyConnection) -> None:
        """Decide between a partial and a whole rebuild, once everything is loaded."""
        if len(self.days) > MANY_DAYS:
            self.whole = True
        con.execute("create or replace temp table scope_practice as select distinct * from scope_practice")
        con.execute("create or replace temp table scope_before as select * from ledger.main.watched")

    def note_curves(self, con: duckdb.DuckDBPyConnection) -> None:
        """Take in the learning curves that changed days are part of, before and again after these are staged anew.

        Learners whose directory entry changed have theirs taken in whole: a curve carries the learner's region.
        """
        if self.whole:
            return
        con.execute(
            "insert into scope_curves select distinct learner_key, competency from working.main.attempts"
            f" where {self.condition('day', 'attempts')} or learner_key in (select learner_key from scope_learners)"
        )

    def notice_watched(self, con: duckdb.DuckDBPyConnection) -> None:
        """See whether scenario versions watch for other guardrails than before; of no matter to a rebuild."""
        if self.whole:
            return
        ((changed,),) = con.sql(
            "select count(*) from ((from ledger.main.watched except from scope_before)"
            " union all (from scope_before except from ledger.main.watched))"
        ).fetchall()
        self.watched_changed = changed > 0

    def condition(self, reach: str, table: str) -> str:
        """The predicate that selects a table's rows within reach."""
        if reach in PAIRS:
            pairs, column = PAIRS[reach]
            return (
                f'exists (select 1 from {pairs} as touched where touched.learner_key = "{table}".learner_key'
                f' and touched.{column} = "{table}".{column})'
            )
        if reach == "week":
            return f"week in ({_dates(self.weeks)})"
        return f"day in ({_dates(self.days)})"

    def outcome_condition(self) -> str:
        """The predicate that selects the outcomes before which something else may have been practised than before."""
        if self.whole:
            return "true"
        if not self.days:
            return self.outcome_days_condition()
        return (
            f"{self.outcome_days_condition()} or (coalesce(exposure_from, occurred_at) >= {_dates({min(self.days)})}"
            " and learner_key in (select learner_key from scope_people))"
        )

    def outcome_days_condition(self) -> str:
        """The predicate that selects outcomes of the days on which outcomes changed."""
        return "true" if self.whole else f"day in ({_dates(self.outcome_days)})"

    def filter(self, table: str, reach: str) -> str | None:
        """The predicate of the view that stands for ``table`` while something of the given reach is built."""
        if self.covers_all(reach) or table in PASSING:
            return None
        if reach in PAIRS:
            if table in PAIRED[reach]:
                return self.condition(reach, table)
            return f"learner_key in (select learner_key from {PAIRS[reach][0]})" if table in LEARNER_TABLES else None
        if table in UNDATED:
            return None
        days = self.days if reach == "day" else {week + timedelta(days=n) for week in self.weeks for n in range(7)}
        column = "cast(launched_at as date)" if table == "launches" else "day"
        return f"{column} in ({_dates(days)})"


def needs(name: str) -> frozenset[str]:
    """Which staging tables and marts one is made of; each reads only what stands before it."""
    order = [*STAGES, *REACH]
    return frozenset(_named(name) & set(order[: order.index(name)]))


def _named(target: str) -> set[str]:
    return set(re.findall(r"\b[a-z_]+\b", select(target)))


def lend(con: duckdb.DuckDBPyConnection) -> Callable[[duckdb.DuckDBPyConnection], None]:
    """What gives cursors the small temporary tables of ``con`` that SELECTs and conditions name."""
    names = con.sql("select table_name from duckdb_tables() where temporary").fetchall()
    frames = {name: con.sql(f'from temp.main."{name}"').pl() for (name,) in names}

    def prepare(desk: duckdb.DuckDBPyConnection) -> None:
        for name, frame in frames.items():
            desk.register(name, frame)

    return prepare


def aim(con: duckdb.DuckDBPyConnection, scope: Scope, reach: str, target: str) -> None:
    """Let every bare name in the target's SELECT show what a table of this reach may read."""
    named = _named(target)
    for name in (named & {*SOURCES}) | needs(target):
        condition = scope.filter(name, reach)
        where = "" if condition is None else f" where {condition}"
        con.execute(f'create or replace temp view "{name}" as select * from {database(name)}.main."{name}"{where}')
    if "known_sessions" in named:
        con.execute(
            "create or replace temp view known_sessions as select tenant, session_id from working.main.sessions"
        )


def show_all(con: duckdb.DuckDBPyConnection, names: Iterable[str]) -> None:
    """Let bare names of tables show all of their rows."""
    for name in names:
        con.execute(f'create or replace temp view "{name}" as select * from {database(name)}.main."{name}"')


def restage(con: duckdb.DuckDBPyConnection, name: str, scope: Scope, reach: str) -> None:
    """Compute a staging table again, whole or within reach."""
    table, rows = f'{database(name)}.main."{name}"', select(name)
    if name in PASSING or (scope.covers_all(reach) and name not in PUBLISHED):
        con.execute(f"create or replace table {table} as {rows}")
        return
    if scope.covers_all(reach):
        con.execute(create(PUBLISHED[name]))
    else:
        con.execute(f"delete from {table} where {scope.condition(reach, name)}")
    con.execute(f"insert into {table} by name {rows}")


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _dates(days: Iterable[date]) -> str:
    return ", ".join(f"date '{day.isoformat()}'" for day in sorted(days)) or "null"
