"""What one published version and the lake's turns say of the sessions in scope."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from governance.audit.report.scope import ReportScope

ROWS = Path(__file__).parent / "rows.sql"
SCORES = Path(__file__).parent / "scores.sql"


class Snapshot:
    """An open published version, with the turns of the days in scope beside it; close it by ``with``."""

    def __init__(self, file: Path, lake: Path, scope: ReportScope) -> None:
        self.scope = scope
        # Attached, not opened: the dashboards have the same file open in this process with another configuration.
        self._con = duckdb.connect(config={"threads": 2})
        self._con.execute(f"attach {_literal(file)} as published (read_only)")
        self._con.execute("use published")
        self._con.execute("set timezone = 'UTC'")
        _attach_turns(self._con, lake, scope)

    def __enter__(self) -> "Snapshot":
        return self

    def __exit__(self, *_: object) -> None:
        self._con.close()

    def sessions(self) -> list[dict[str, Any]]:
        """One row per session in scope, in order of start."""
        return self._rows(ROWS.read_text("utf-8"), self._parameters())

    def scores(self, sessions: Iterable[str]) -> list[dict[str, Any]]:
        """One row per score of these sessions, every scorer and revision, ``criteria`` by id."""
        return self._rows(SCORES.read_text("utf-8"), {"tenant": self.scope.tenant, "sessions": sorted(sessions)})

    def counts(self, found: list[dict[str, Any]]) -> dict[str, Any]:
        """Sessions of the period by what became of them: the parts add up to ``in_period``."""
        where = "where tenant = $tenant and day between $first and $last"
        narrowed = "($scenario is null or scenario_id = $scenario) and ($region is null or region = $region)"
        counted = self._con.sql(
            f"""
            select
                count(*),
                count(*) filter (where is_test),
                count(*) filter (where not is_test and ({narrowed}) is not true)
            from sessions {where}
            """,  # noqa: S608 - own texts
            params=self._parameters(),
        ).fetchall()[0]
        bad = self._con.sql(
            f"select broken_rules[1], count(distinct coalesce(session_id, raw_ref)) from quarantine {where}"  # noqa: S608
            " and table_name = 'sessions' group by 1 order by 1",
            params={"tenant": self.scope.tenant, "first": self.scope.first, "last": self.scope.last},
        ).fetchall()
        return {
            "in_period": counted[0], "test": counted[1], "outside_scope": counted[2], "included": len(found),
            "unscored": sum(row["overall"] is None for row in found),
            "without_notice": sum(row["notice_ref"] is None for row in found),
            "quarantined": {str(rule): count for rule, count in bad},
        }  # fmt: skip

    def _parameters(self) -> dict[str, Any]:
        scope = self.scope
        return {
            "tenant": scope.tenant, "scenario": scope.scenario, "first": scope.first, "last": scope.last,
            "region": scope.region,
        }  # fmt: skip

    def _rows(self, query: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
        result = self._con.sql(query, params=parameters)
        names = result.columns
        return [{name: plain(value) for name, value in zip(names, row, strict=True)} for row in result.fetchall()]


def plain(value: Any) -> Any:
    """A value as JSON has it; times in UTC to the second, ending in ``Z``."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


def _literal(path: Path) -> str:
    """A path as an SQL literal: neither ``attach`` nor a view takes parameters."""
    return "'" + str(path).replace("'", "''") + "'"


def _attach_turns(con: duckdb.DuckDBPyConnection, lake: Path, scope: ReportScope) -> None:
    """The turns of the days in scope as ``turns``; an empty table where the lake holds none of them."""
    paths = [lake / "core" / "turns" / f"day={day.isoformat()}" / "data.parquet" for day in scope.days]
    files = [path for path in paths if path.is_file()]
    columns = "tenant, session_id, day, ordinal, speaker, text, start_s, duration_s"
    if files:
        listed = ", ".join(map(_literal, files))
        con.execute(
            f"create temp view turns as select {columns} from read_parquet([{listed}], hive_partitioning = false)"  # noqa: S608
            f" where tenant = '{scope.tenant}'"  # a tenant's name has no quotes in it
        )
        return
    con.execute(
        "create temp table turns (tenant varchar, session_id varchar, day date, ordinal integer, speaker varchar,"
        " text varchar, start_s double, duration_s double)"
    )
