"""core/outcomes: what happened at work, one row a source record, from files and from connectors alike."""

from collections.abc import Sequence
from datetime import date

from assets.contracts.core import OUTCOMES
from assets.contracts.raw import OUTCOMES as RAW
from assets.core import built, plan, reported
from assets.core.build import SQL, define
from assets.core.judge import Judged, part
from assets.duck import connect, file_list
from assets.lake import Lake


def build(lake: Lake, days: Sequence[date]) -> Judged | None:
    """Rebuild outcomes of these days, and of further days that hold an older version of one of their records.

    None where there is no outcome at all. The outcome table is small, so that all of it is read to find the newest
    version of a record wherever its day lies.
    """
    files, inputs = [*lake.files(RAW.path), *lake.files(reported.TABLE)], plan.outcome_inputs(lake)
    with lake.writing("building core/outcomes"), lake.staging() as folder:
        before = {day: mark for day, mark in built.read_outcomes(lake).items() if day not in set(days)}
        built.write_outcomes(lake, before)  # until they are in place, these days are stale
        if not files:
            for table in (OUTCOMES.path, f"{OUTCOMES.path}_quarantine"):
                lake.replace_days(table, folder / "none", days)
            return None
        con = connect(folder)
        try:
            define(con)
            con.execute(
                "create temp view raw_outcomes as select * exclude (attribution_rule), attribution_rule"
                f" from (from read_parquet({file_list(files)}, union_by_name = true, hive_partitioning = false)"
                " union all by name select null::varchar as attribution_rule where false)"
            )
            con.execute(f"create temp table judged as {(SQL / 'outcomes.sql').read_text('utf-8')}")
            con.execute(f"""
                create temp table days as
                select distinct other.day
                from raw_outcomes as mine
                join raw_outcomes as other using (tenant, kind, reference)
                where list_contains([{", ".join(f"date '{day}'" for day in days)}], mine.day)
            """)
            wanted = sorted({*days, *(day for (day,) in con.sql("from days").fetchall())})
            listed = ", ".join(f"date '{day}'" for day in wanted)
            source = f"(from judged where day in ({listed}))"
            expected = con.sql(f"select count(*) from {source}").fetchall()[0][0]
            outcome = part(con, OUTCOMES, source, folder, expected=expected, first_seen="received_at")
        finally:
            con.close()
        lake.replace_days(OUTCOMES.path, outcome.good, wanted)
        lake.replace_days(f"{OUTCOMES.path}_quarantine", outcome.bad, wanted)
        built.write_outcomes(lake, before | {day: inputs[day] for day in days if day in inputs})
    return outcome
