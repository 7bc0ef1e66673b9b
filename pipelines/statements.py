"""``rolecall export xapi`` behind the command: issue what is due, then write one tenant after the other."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from assets.contracts import XAPI_STATEMENTS
from assets.exports.restricted import without_sessions
from assets.exports.statements import stale_days
from assets.lake import Lake
from governance.audit.books import close_the_books
from governance.audit.chain import Event
from governance.audit.seals import digest
from governance.catalog import Catalog
from governance.identities import Identities
from governance.secrets import secret_key
from governance.settings import Settings
from governance.state import State
from integrations.xapi.destinations import Casting, Destination, load
from integrations.xapi.files import Written, read_lines, write_archive, write_lines
from integrations.xapi.rendering import in_version
from pipelines.mark import Mark
from pipelines.planning import ranges, within
from pipelines.problems import Problem
from pipelines.run import Launcher
from pipelines.watch import Watch

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Exported:
    """One tenant's files. Voided statements are in them, each with its voiding; voidings count as neither."""

    tenant: str
    written: Written
    in_force: int
    voided: int
    unidentified: int


@dataclass(frozen=True)
class Issued:
    """How many statements are new, and the days that have none yet because their checks have not passed."""

    new: int = 0
    waiting: tuple[date, ...] = ()

    def sentence(self) -> str | None:
        """What to tell about the days that wait; None where none does."""
        if not self.waiting:
            return None
        count = len(self.waiting)
        days = "1 day waits for its checks" if count == 1 else f"{count:,} days wait for their checks"
        return f"{days}, from {self.waiting[0]}: `rolecall run` makes them and says which fail"


def issue(settings: Settings, days: tuple[date, date] | None, progress: Progress) -> Issued:
    """Issue statements of stale days as Dagster runs with their checks.

    A day that is rebuilt and not checked, or failed, waits: a statement is frozen once it is issued.

    Raises ``Problem`` where core is empty or a check fails, ``LakeBusyError`` while another process writes.
    """
    lake = Lake(settings.lake)
    if not lake.days("core/sessions"):
        raise Problem("There are no sessions yet", "Run `rolecall ingest` and `rolecall run`, or `rolecall demo`")
    with lake.writing("rolecall export xapi"):
        stale = within(stale_days(lake, Catalog.load(settings.config)), days)
        unchecked = {*Mark.read(settings.home).unchecked}
        waiting = tuple(day for day in stale if day in unchecked)
        sound = [day for day in stale if day not in unchecked]
        if not sound:
            return Issued(waiting=waiting)
        before = _count(lake)
        with Launcher(settings, Watch(progress)) as launcher:
            for span in ranges(sound, 0) if waiting else ranges(sound):  # a bridged gap must hold no day that waits
                launcher.launch("issue_statements", span)
        close_the_books(settings, State.open(settings.database_url))
        return Issued(_count(lake) - before, waiting)


def export(
    settings: Settings,
    out: Path,
    *,
    tenant: str | None,
    days: tuple[date, date] | None,
    version: str | None,
    destination: str | None,
    progress: Progress,
) -> list[Exported]:
    """Write ``<out>/<tenant>/xapi-<version>/<day>.jsonl`` and ``<out>/<tenant>-xapi-<version>.zip``."""
    lake = Lake(settings.lake)
    target = load(settings.config, destination) if destination else Destination()
    spelled = version or target.version
    identities = Identities(State.open(settings.database_url), secret_key(settings))
    looked_at = within(lake.days(XAPI_STATEMENTS.path), days)
    done = []
    for whose in _tenants(lake, looked_at, tenant):
        progress(whose)
        casting = Casting(target, whose, lambda key, of=whose: identities.person(of, key))
        done.append(_export_tenant(lake, identities.state, looked_at, out, whose, spelled, casting))
    return done


def event_of(done: Exported, actor: str, destination: str | None) -> Event:
    """What the audit chain keeps of one tenant's files."""
    written = done.written
    facts = {
        "files": len(written.lines), "statements": written.statements, "in_force": done.in_force,
        "voided": done.voided, "destination": destination,
        "sha256": None if written.archive is None else digest(written.archive),
    }  # fmt: skip
    return Event("export", actor, "files/xapi", done.tenant, facts=facts)


def _export_tenant(
    lake: Lake, state: State, days: Sequence[date], out: Path, tenant: str, version: str, casting: Casting
) -> Exported:
    written = Written()
    voided = voidings = 0
    folder = out / tenant / f"xapi-{version}"
    for day in days:
        frame = without_sessions(_frame(lake, day, tenant), lake, state)
        if frame.is_empty():
            continue
        file = folder / f"{day.isoformat()}.jsonl"
        written.lines[file] = write_lines(file, _bodies(frame, version, casting))
        written.statements += written.lines[file]
        voidings += frame.get_column("voids").count()
        voided += frame.get_column("voids").n_unique() - (1 if frame.get_column("voids").null_count() else 0)
    written.archive = out / f"{tenant}-xapi-{version}.zip"
    written.batches = write_archive(written.archive, read_lines(written.lines), version)
    in_force = written.statements - voidings - voided
    return Exported(tenant, written, in_force, voided, len(casting.unidentified))


def _bodies(frame: pl.DataFrame, version: str, casting: Casting) -> Iterator[bytes]:
    for body, added in frame.select("statement", "context_2_0").iter_rows():
        found = in_version(body.encode(), None if added is None else added.encode(), version)
        yield casting.cast(found)


def _frame(lake: Lake, day: date, tenant: str) -> pl.DataFrame:
    path = lake.path(XAPI_STATEMENTS.path, day)
    columns = ["session_id", "statement", "context_2_0", "voids"]
    return pl.scan_parquet(path, hive_partitioning=False).filter(pl.col("tenant") == tenant).select(columns).collect()


def _tenants(lake: Lake, days: Sequence[date], wanted: str | None) -> list[str]:
    files = lake.files(XAPI_STATEMENTS.path, days)
    if not files:
        raise Problem(
            "No session of these days implies a statement",
            'Statements are made of attributed sessions that are no test: see `rolecall query "select attributed,'
            ' is_test, count(*) from sessions group by all"`',
        )
    known = pl.scan_parquet(files, hive_partitioning=False).select(pl.col("tenant").unique()).collect()
    found = sorted(known.get_column("tenant"))
    if wanted is not None and wanted not in found:
        raise Problem(f"Tenant {wanted!r} has no statements on these days", f"Tenants that have: {', '.join(found)}")
    return [wanted] if wanted is not None else found


def _count(lake: Lake) -> int:
    files = lake.files(XAPI_STATEMENTS.path)
    return int(pl.scan_parquet(files, hive_partitioning=False).select(pl.len()).collect().item()) if files else 0
