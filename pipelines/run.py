"""``rolecall run``: bring everything up to date in this process, without a daemon.

Inbox → raw → core → marts → checks → published, as one Dagster run a contiguous range of stale days, so that history
of a year costs one scan. One writer at a time; whoever comes second is told who holds the lake.
"""

import hashlib
import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.lake import Lake
from assets.scope import TENANT
from governance.audit.books import close_the_books
from governance.settings import Settings
from pipelines import environment, planning
from pipelines.mark import Mark
from pipelines.planning import Span, Stale, each_day
from pipelines.problems import STARTED_BY, Problem

if TYPE_CHECKING:
    from pipelines.watch import Watch

LOG = logging.getLogger("rolecall.run")
ROUNDS = 3
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
LOGGER = "progress"

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Report:
    """What a run did. ``sessions`` = ``good`` + ``quarantined`` over the whole lake; seconds are wall time.

    ``work_s`` is what queries, checks and publishing took, ``bookkeeping_s`` what Dagster spent on recording it.
    """

    days: int
    drained: int
    sessions: int
    good: int
    quarantined: int
    withheld: int
    published: dict[str, str] = field(default_factory=dict)
    nothing_new: bool = False
    work_s: float = 0.0
    bookkeeping_s: float = 0.0
    seconds: float = 0.0


def bring_up_to_date(
    settings: Settings,
    *,
    tenant: str | None = None,
    days: Span | None = None,
    full: bool = False,
    progress: Progress | None = None,
    now: datetime | None = None,
) -> Report:
    """Rebuild what is stale, check it and publish it.

    Raises ``LakeBusyError`` when another process writes, ``Problem`` when a blocking check or a step fails; what was
    published before stays published then.
    """
    started = time.monotonic()
    environment.prepare(settings)
    lake = Lake(settings.lake)
    with lake.writing("rolecall run"):
        report = _Run(settings, lake, now or datetime.now(UTC), progress or (lambda _: None)).execute(
            tenant, days, full
        )
    return replace(report, seconds=time.monotonic() - started)


class _Run:
    """One run: its settings, what it opened and what it has done so far."""

    def __init__(self, settings: Settings, lake: Lake, now: datetime, say: Progress) -> None:
        from governance.catalog import Catalog
        from governance.state import State

        self.settings = settings
        self.lake = lake
        self.now = now
        self.say = say
        self.catalog = Catalog.load(settings.config)
        self.state = State.open(settings.database_url)

    def execute(self, tenant: str | None, days: Span | None, full: bool) -> Report:
        """Drain, rebuild what is stale until nothing is, then marts and publishing; or say that nothing was new."""
        from assets.checks import suites
        from assets.raw import deliveries
        from pipelines.watch import Watch

        self._pull()
        self._deliveries()
        self.say("inbox")
        drained = deliveries.drain(self.lake, self.state).accepted
        self._derive()
        self._reviews()
        self._known(tenant)
        self.say("what is stale")
        mark = Mark.read(self.settings.home)
        stale = planning.everything(self.lake, days) if full else self._stale(days, mark.unfinished)
        before = self._content()
        if not (stale.days() or full or mark.unchecked) and mark.content == before:
            close_the_books(self.settings, self.state)
            return self._report(0, drained, tenant, nothing_new=True)
        watch = Watch(self.say)
        begun = time.monotonic()
        with Launcher(self.settings, watch) as launcher:
            # Great Expectations takes seconds to import: it comes in while DuckDB works, after our own imports.
            threading.Thread(target=suites.warm, name="warm-checks", daemon=True).start()
            rebuilt = self._rebuild(launcher, stale, days)
            self._check(launcher)
            launcher.launch("publish_marts", None, marts_config(full), {TENANT: tenant} if tenant else {})
        spent = time.monotonic() - begun
        self._published(mark.content, whole=tenant is None and days is None)
        return self._report(rebuilt, drained, tenant, work_s=watch.work_s, bookkeeping_s=max(0.0, spent - watch.work_s))

    def _derive(self) -> None:
        """Outcomes of connectors again, where a mapping or the directory changed since they were read."""
        from assets.core import reported
        from governance.identities import Identities
        from governance.secrets import secret_key
        from integrations.feeds import feeds

        if not reported.idle(self.lake):
            identities = Identities(self.state, secret_key(self.settings))
            reported.refresh(self.lake, feeds(self.settings.config), identities, self.now)

    def _known(self, tenant: str | None) -> None:
        """Refuse a tenant that has no data, before anything is rebuilt for it."""
        if tenant is None:
            return
        known = {*known_tenants(self.lake, self.settings.marts)}
        if tenant not in known:
            raise Problem(f"Tenant {tenant!r} has no data", f"Known tenants: {', '.join(sorted(known)) or 'none'}")

    def _published(self, earlier: str | None, *, whole: bool) -> None:
        """Note what readers now see; after a run for one tenant or some days only what was noted before holds."""
        content = self._content()
        Mark(content if whole or earlier == content else None).write(self.settings.home)

    def _pull(self) -> None:
        """Ask the engine for what its callbacks lost; an engine that does not answer holds nothing up."""
        from integrations.engine.pull import PullError
        from pipelines.reconcile import reconcile_if_possible

        if self.settings.engine_key is None:
            return
        self.say("reconciling pull")
        try:
            reconcile_if_possible(self.settings, self.state, self.now)
        except PullError as error:
            LOG.warning("the engine was not asked for what its callbacks lost: %s", error)

    def _deliveries(self) -> None:
        """Tell of deliveries that were killed, so that the root at the end of this run covers them."""
        from integrations.sync.ledger import Ledger

        for target in Ledger(self.state).close_killed(self.now):
            LOG.warning("a delivery to %s ended with its process; what it did is noted in the audit chain", target)

    def _reviews(self) -> None:
        """Reviews reach raw before anything is found stale, so that the days that they change are."""
        from assets.raw import reviews
        from governance.gate import SignalPolicy
        from governance.identities import Identities
        from governance.secrets import secret_key

        identities = Identities(self.state, secret_key(self.settings))
        policy = SignalPolicy.load(self.settings.config / "policy.yaml")
        reviews.land(self.lake, self.state, identities, policy, self.now)

    def _stale(self, days: Span | None, doubtful: Sequence[date] = ()) -> Stale:
        return planning.stale(self.lake, self.state, self.catalog, self.now, days, doubtful)

    def _rebuild(self, launcher: "Launcher", stale: Stale, days: Span | None) -> int:
        """Rebuild days; a new largest score of an uncatalogued criterion makes older days stale in turn.

        What is rebuilt is noted first, so that a run that dies leaves it to the next: to rebuild, or only to check.
        """
        rebuilt: set[date] = set()
        for _ in range(ROUNDS):
            if not stale.days():
                break
            rebuilt |= stale.days()
            launches = stale.launches("rebuild")
            touched = [day for _, span in launches for day in each_day(span)]
            Mark.read(self.settings.home).begun(touched).write(self.settings.home)
            for job, span in launches:
                launcher.launch(job, span)
            stale = self._stale(days)
        Mark.read(self.settings.home).built().write(self.settings.home)
        return len(rebuilt)

    def _check(self, launcher: "Launcher") -> None:
        """Check everything that was rebuilt in one go: each run of the checks costs seconds, whatever its days."""
        from assets.checks.definitions import DAYS

        unchecked = Mark.read(self.settings.home).unchecked
        if unchecked:
            tags = {DAYS: ",".join(map(str, unchecked))}  # the checks read no day in between
            launcher.launch("check_days", (unchecked[0], unchecked[-1]), more=tags)

    def _content(self) -> str:
        """Digest of everything that the marts are made of: equal means that a run would change nothing."""
        from assets.marts import lms_registers
        from assets.marts.assets import reference
        from governance.identities import Identities
        from governance.secrets import secret_key
        from integrations.sync import health

        identities = Identities(self.state, secret_key(self.settings))
        people = identities.learners().hash_rows(seed=1).sort()
        registers = (health.targets(self.state), health.rejects(self.state), lms_registers.issued(self.state))
        parts = [
            {table: {str(d): i for d, i in self.lake.file_ids(table).items()} for table in _core_tables()},
            self.catalog.digest,
            hashlib.sha256(people.to_numpy().tobytes()).hexdigest(),
            [reference(self.catalog, self.settings).digest, self.settings.keep_versions],
            str(self.settings.marts),
            [frame.hash_rows(seed=1).to_list() for frame in registers],
        ]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def _report(self, days: int, drained: int, tenant: str | None, **figures: Any) -> Report:
        good, bad, withheld = counts(self.lake)
        return Report(
            days=days,
            drained=drained,
            sessions=good + bad,
            good=good,
            quarantined=bad,
            withheld=withheld,
            published={
                name: version for name, version in versions(self.settings.marts).items() if tenant in (None, name)
            },
            **figures,
        )


class Launcher:
    """Launches jobs in this process on the persistent instance; a context manager, since it holds the instance.

    Whoever enters it holds the lake's writer lock.
    """

    def __init__(self, settings: Settings, watch: "Watch") -> None:
        from pipelines import definitions

        environment.quiet()
        self._webhook = settings.alert_webhook
        self._instance = environment.instance(settings)
        self._code = definitions.build(settings, loggers={LOGGER: watch.definition()})

    def __enter__(self) -> "Launcher":
        from pipelines import abandoned

        for run_id in abandoned.release_before_run(self._instance):
            LOG.warning("Dagster run %s died with its process; its days are built again", run_id)
        return self

    def __exit__(self, *_: object) -> None:
        self._instance.dispose()

    def launch(
        self,
        job: str,
        span: Span | None,
        ops: Mapping[str, Any] | None = None,
        more: Mapping[str, str] | None = None,
    ) -> None:
        """One Dagster run. Raises ``Problem`` where a blocking check stopped it, else what the step raised."""
        from pipelines.alerts import failed_checks, failure, send

        run_id = str(uuid.uuid4())
        tags = {STARTED_BY: "rolecall run", **(more or {})}
        if span is not None:
            tags |= {RANGE_START: span[0].isoformat(), RANGE_END: span[1].isoformat()}
        config = {"loggers": {LOGGER: {}}} | ({"ops": dict(ops)} if ops else {})
        try:
            self._code.resolve_job_def(job).execute_in_process(
                instance=self._instance, run_id=run_id, tags=tags, run_config=config
            )
        except Exception as error:
            checks = failed_checks(self._instance, run_id)
            if self._webhook:  # the daemon's sensor leaves these runs to us: without a daemon nobody else would tell
                send(self._webhook, failure(job, run_id, error, checks))
            if not checks:
                raise
            raise stopped(checks, run_id) from error


def marts_config(full: bool) -> dict[str, Any]:
    """What the marts' steps are told."""
    return {"marts": {"config": {"full": full}}} if full else {}


def stopped(checks: Sequence[str], run_id: str) -> Problem:
    """A blocking check failed: which, and what to do."""
    named = "; ".join(checks)
    return Problem(
        f"Nothing was published, because a check failed: {named}",
        f"Readers keep the last version. Mend input or catalog, then `rolecall run` again (Dagster run {run_id})",
    )


def counts(lake: Lake) -> tuple[int, int, int]:
    """Good sessions, quarantined sessions and withheld signals of the whole lake."""
    import polars as pl

    good = lake.files("core/sessions")
    bad = lake.files("core/sessions_quarantine")
    held = 0
    if good:
        held = pl.scan_parquet(good).select(pl.col("withheld_signals").sum()).collect().item() or 0
    return _rows(good), _rows(bad), int(held)


def _rows(files: list[Path]) -> int:
    import polars as pl

    return int(pl.scan_parquet(files).select(pl.len()).collect().item()) if files else 0


def known_tenants(lake: Lake, marts: Path) -> list[str]:
    """Tenants with rows in raw or core, or with marts of an earlier run."""
    from assets.contracts import RAW
    from assets.duck import connect, file_list
    from assets.marts.tenants import tenants

    found = set(tenants(lake, marts))
    files = [path for table in RAW for path in lake.files(table.path)]
    if files:
        con = connect()
        rows = con.sql(f"select distinct tenant from read_parquet({file_list(files)}, union_by_name = true)")  # noqa: S608
        found |= {tenant for (tenant,) in rows.fetchall()}
        con.close()
    return sorted(found)


def versions(marts: Path) -> dict[str, str]:
    """The published version of each tenant."""
    from assets.marts.publish import manifest_of

    folders = sorted(marts.iterdir()) if marts.is_dir() else []
    found = {folder.name: manifest_of(folder) for folder in folders if folder.is_dir()}
    return {tenant: manifest["id"] for tenant, manifest in found.items() if manifest is not None}


def _core_tables() -> list[str]:
    from assets.contracts import CORE

    return sorted(table.path for table in CORE)
