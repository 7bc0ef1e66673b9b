"""Which days of core need rebuilding, decided from what they were built from."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from assets.contracts.raw import BUNDLES, DELIVERIES
from assets.contracts.raw import OUTCOMES as RAW_OUTCOMES
from assets.core import built, reported, scales
from assets.core.built import Built
from assets.duck import connect, file_list
from assets.lake import Lake, fingerprint
from assets.raw.reviews import PATH as REVIEWS
from governance.catalog import Catalog
from governance.identities import Identities
from governance.launches import Launches
from governance.state import State

CODE_VERSION = "1"  # raise it when core's SQL changes meaning: every day is then rebuilt once
SESSION_TABLES = (BUNDLES.path, DELIVERIES.path)


def stale_outcomes(lake: Lake) -> list[date]:
    """Days whose outcomes were built from another raw file or by other code. Pure but for reading the lake."""
    return outdated(outcome_inputs(lake), built.read_outcomes(lake))


def outcome_inputs(lake: Lake) -> dict[date, str]:
    """Fingerprint of what each day's outcomes are made of."""
    files = {table: lake.file_ids(table) for table in (RAW_OUTCOMES.path, reported.TABLE)}
    return {
        day: fingerprint({**{table: ids[day] for table, ids in files.items() if day in ids}, "code": CODE_VERSION})
        for day in {day for ids in files.values() for day in ids}
    }


def stale_days(lake: Lake, state: State, catalog: Catalog, now: datetime) -> list[date]:
    """Days whose sessions were built from other raw files, launches, catalog or code, or that wait for a time-out.

    Building a day may raise the largest score of an uncatalogued criterion, which makes older days stale in turn; a
    second call after the build finds those.
    """
    records = built.read(lake)
    wanted = inputs(lake, catalog)
    stale = outdated(wanted, {day: record.inputs for day, record in records.items()})
    due = [day for day, record in records.items() if record.overdue(now)]
    rescaled = days_rescaled(records, scales.read(lake))
    relaunched = _relaunched(lake, state, records)
    return sorted({*stale, *due, *rescaled, *relaunched})


def inputs(lake: Lake, catalog: Catalog) -> dict[date, str]:
    """Fingerprint of what each day's sessions are made of, launches apart."""
    files = {table: lake.file_ids(table) for table in SESSION_TABLES}
    reviewed = lake.file_ids(REVIEWS)
    days = {day for ids in files.values() for day in ids}
    return {
        day: fingerprint(
            {table: ids.get(day) for table, ids in files.items()}
            | {"catalog": catalog.digest, "code": CODE_VERSION}
            | ({REVIEWS: reviewed[day]} if day in reviewed else {})
        )
        for day in days
    }


def outdated(wanted: Mapping[date, str], records: Mapping[date, str]) -> list[date]:
    """Days whose fingerprint differs from the one they were built with, and days built from what is gone."""
    return sorted(day for day in wanted.keys() | records.keys() if wanted.get(day) != records.get(day))


def days_rescaled(records: Mapping[date, Built], current: Mapping[str, float]) -> list[date]:
    """Days whose uncatalogued criteria were scaled by a largest score that is no longer the largest."""
    return sorted(
        day
        for day, record in records.items()
        if any(current.get(criterion) != largest for criterion, largest in record.scales.items())
    )


def _relaunched(lake: Lake, state: State, records: Mapping[date, Built]) -> Iterable[date]:
    """Days with a session whose launch changed after the day was built."""
    if not records:
        return []
    launches = Launches(state, Identities(state, b""))
    oldest = min(record.change for record in records.values())
    if launches.last_change() <= oldest:
        return []
    changed = launches.frame(since_change=oldest).select("tenant", "session_id")
    files = [path for table in SESSION_TABLES for path in lake.files(table)]
    if changed.is_empty() or not files:
        return []
    con = connect()
    con.register("changed", changed)
    query = f"""
        select distinct day
        from read_parquet({file_list(files)}, union_by_name = true) semi join changed using (tenant, session_id)
    """
    newest = launches.last_change()
    touched = {day for (day,) in con.sql(query).fetchall()}
    con.close()
    return {day for day in touched if day in records and records[day].change < newest}
