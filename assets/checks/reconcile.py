"""The counts add up: nothing lost between inbox, raw, core and quarantine. Pure functions and their queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import duckdb

from assets.contracts import Table, quarantine_of
from assets.duck import file_list
from assets.lake import Lake

if TYPE_CHECKING:
    from governance.gate import SignalPolicy

FEWEST = 25  # broken rows below which no share stops a run: three bad rows of a quiet day are no trend
WARN, STOP = 0.01, 0.05


@dataclass(frozen=True)
class Rate:
    """Quarantined rows of one core table over the days at hand."""

    table: str
    good: int
    broken: int
    rules: Mapping[str, int]

    @property
    def share(self) -> float:
        """Broken rows among all; 0 where there is none at all."""
        return self.broken / (self.good + self.broken) if self.broken else 0.0


def rates(
    con: duckdb.DuckDBPyConnection, lake: Lake, days: Sequence[date] | None, tables: Sequence[Table]
) -> list[Rate]:
    """Good and broken rows of judged core tables, with the rules that were broken."""
    found = []
    for table in tables:
        held = quarantine_of(table)
        good, bad = lake.files(table.path, days), lake.files(held.path, days)
        rules: dict[str, int] = {}
        if bad:
            rules = dict(
                con.sql(
                    "select rule, count(*) from"
                    f" (select unnest(broken_rules) as rule from read_parquet({file_list(bad)}))"
                    " group by rule order by 2 desc, 1"
                ).fetchall()
            )
        found.append(Rate(table.name, count(con, good), count(con, bad), rules))
    return found


def count(con: duckdb.DuckDBPyConnection, files: Sequence) -> int:
    """Rows of some Parquet files, from their footers."""
    if not files:
        return 0
    ((rows,),) = con.sql(f"select count(*) from read_parquet({file_list(files)})").fetchall()
    return rows


def too_many(found: Sequence[Rate], share: float, fewest: int = 1) -> list[Rate]:
    """Tables whose quarantine holds more than ``share`` of the rows, and at least ``fewest``."""
    return [rate for rate in found if rate.share > share and rate.broken >= fewest]


def sentence(rate: Rate) -> str:
    """What is wrong with a table, in one line: how many rows, which rules, where to look."""
    rules = ", ".join(f"{rule} ({rows})" for rule, rows in list(rate.rules.items())[:3])
    return (
        f"{rate.table}: {rate.broken} of {rate.good + rate.broken} rows ({rate.share:.1%}) are in quarantine: {rules}"
    )


def remedy() -> str:
    """What to do when a run stops here."""
    return (
        "Nothing is lost and nothing was published. See the reasons with"
        " `rolecall query` on table quarantine of the last version, or in lake/core/<table>_quarantine; mend the"
        " source, the catalog or the launches and run again. A first import whose source is known to be poor may raise"
        " ROLECALL_QUARANTINE_STOP for that run."
    )


def unaccounted(con: duckdb.DuckDBPyConnection, lake: Lake, days: Sequence[date] | None) -> list[str]:
    """Sessions in raw that are neither in core nor in quarantine, and the other way round, by day."""
    raw = [file for table in ("raw/bundles", "raw/deliveries") for file in lake.files(table, days)]
    good, bad = lake.files("core/sessions", days), lake.files("core/sessions_quarantine", days)
    query = f"""
        with landed as ({_sessions(raw)}), judged as ({_sessions(good)} union {_sessions(bad)})
        select 'raw only', tenant, day, count(*) from (from landed except from judged) group by all
        union all
        select 'core only', tenant, day, count(*) from (from judged except from landed) group by all
        order by all
    """
    return [f"{where}: {rows} sessions of {tenant} on {day}" for where, tenant, day, rows in con.sql(query).fetchall()]


def _sessions(files: Sequence) -> str:
    if not files:
        return "select ''::varchar as tenant, ''::varchar as session_id, null::date as day where false"
    options = "hive_partitioning = true, hive_types = {'day': date}, union_by_name = true"
    return f"select distinct tenant, session_id, day from read_parquet({file_list(files)}, {options})"


def perceived(
    con: duckdb.DuckDBPyConnection, lake: Lake, days: Sequence[date] | None
) -> list[tuple[str | None, str, int]]:
    """Perception signals in core, by jurisdiction and policy version of their session."""
    signals, sessions = lake.files("core/signals", days), lake.files("core/sessions", days)
    if not signals or not sessions:
        return []
    return con.sql(
        "select jurisdiction, policy_version, count(*)"
        f" from read_parquet({file_list(signals)}) as signals"
        f" join read_parquet({file_list(sessions)}) as sessions using (tenant, session_id)"
        " where signals.kind = 'perception' group by all order by all"
    ).fetchall()


def forbidden(found: Sequence[tuple[str | None, str, int]], policy: "SignalPolicy") -> tuple[list[str], list[str]]:
    """Perception signals that the policy does not allow: under the version in force, and under an older one.

    The second kind was lawful when it was written; whether it may stay is a decision of its own.
    """
    now, before = [], []
    for jurisdiction, version, rows in found:
        if policy.allowed(jurisdiction) & policy.biometric:
            continue
        line = f"{rows} perception signals of {jurisdiction or 'an unknown jurisdiction'} under policy {version}"
        (now if version == policy.version else before).append(line)
    return now, before
