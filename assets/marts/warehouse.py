"""A tenant's working file: session-grain tables replaced by changed day, marts replaced by what a day can reach.

``working.duckdb`` holds exactly what will be published, so that publishing is a copy of the file. Everything
else (what was loaded, staging tables) lies in ``ledger.duckdb`` beside it, or in memory (``scratch``) where no later
refresh reads it. DuckDB commits to one file at a time, so the ledger is marked as torn before the first write and
mended after the last: a run that died in between costs a rebuild of the working file, never a wrong figure.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from assets.contracts import PUBLISHED, REGISTERS, Table
from assets.duck import in_turn
from assets.lake import Lake
from assets.marts import loading
from assets.marts.estimates import INPUTS, STAGED, digest, estimate
from assets.marts.exposures import recipe, renew
from assets.marts.scope import Scope, aim, lend, needs, restage, show_all
from assets.marts.tables import REACH, SELECTED, STAGES, create, insert, register_reference, rows_of, select
from assets.marts.turns import ESTIMATES, turns
from governance.project import Analysis

WORKING, LEDGER = "working.duckdb", "ledger.duckdb"
READ_BY_MARTS = frozenset({"lms_unmatched", "lms_issued"})  # the other registers are shown as they stand
BLOAT = 0.3  # share of free blocks from which the working file is written anew


@dataclass(frozen=True)
class Reference:
    """What decides the marts beside core: catalog frames (see ``register_reference``), minimum cell, analysis."""

    frames: Mapping[str, pl.DataFrame]
    minimum_cell: int
    analysis: Analysis = field(default_factory=Analysis)

    @property
    def digest(self) -> str:
        """Changes when a rule, a SELECT, a contract or the catalog does."""
        parts = [select(name) for name in (*STAGES, *REACH)]
        parts += [create(table) for table in PUBLISHED.values()]
        parts += [recipe()]
        parts += [frame.write_json() for _, frame in sorted(self.frames.items())]
        return hashlib.sha256(
            "\x00".join([*parts, str(self.minimum_cell), self.analysis.model_dump_json()]).encode()
        ).hexdigest()


@dataclass
class Refreshed:
    """What a refresh did: days replaced by table, rows of every published table, digests of the sources."""

    whole: bool
    changed: dict[str, list[date]] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)


class Warehouse:
    """The working file of one tenant below ``folder`` (``<home>/marts/<tenant>``)."""

    def __init__(self, folder: Path, tenant: str) -> None:
        self.folder = folder
        self.tenant = tenant

    @property
    def working(self) -> Path:
        """The file that publishing copies."""
        return self.folder / WORKING

    @contextmanager
    def open(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Connect for writing; one process at a time, which the pool and the lake's lock see to."""
        self.folder.mkdir(parents=True, exist_ok=True)
        con = duckdb.connect(str(self.working))
        try:
            con.execute("set TimeZone = 'UTC'")
            con.execute("set enable_progress_bar = false")
            con.execute("set memory_limit = '2GB'")
            con.execute("set preserve_insertion_order = false")
            quoted = str(self.folder / LEDGER).replace("'", "''")
            con.execute(f"attach '{quoted}' as ledger")
            con.execute("attach ':memory:' as scratch")
            yield con
        finally:
            con.close()

    def refresh(
        self,
        lake: Lake,
        reference: Reference,
        batches: pl.DataFrame | None = None,
        *,
        deliveries: Mapping[str, pl.DataFrame] | None = None,
        full: bool = False,
    ) -> Refreshed:
        """Bring the working file up to the lake. ``full`` writes it anew, which also forgets erased rows for good.

        ``batches`` is ``Batches.frame(tenant)``: the overview of what was ingested. ``deliveries`` has the rows of each
        of ``REGISTERS`` by name.
        """
        if full or not self._sound():
            self.discard()
        with self.open() as con:
            loading.prepare(con)
            known = loading.fact(con, "rules")
            whole = known != reference.digest
            loading.note(con, "state", "torn")
            register_reference(con, reference.frames)
            scope = Scope.everything() if whole else Scope()
            changed = loading.load(con, lake, self.tenant, scope)
            loading.load_batches(con, self.tenant, batches)
            for table in REGISTERS:
                differs = loading.load_register(con, table.name, self.tenant, (deliveries or {}).get(table.name))
                scope.registers_changed |= differs and table.name in READ_BY_MARTS
            digests = loading.digests(con)
            if whole or not scope.empty:
                scope.settle(con)
                self._build(con, scope, reference, standing=digest(digests))
            done = Refreshed(whole, changed, loading.counts(con), digests)
            con.execute("checkpoint working")
            loading.note(con, "rules", reference.digest)
            loading.note(con, "state", "sound")
            con.execute("checkpoint ledger")
            bloated = loading.free_share(con) > BLOAT
        if bloated:
            self._rewrite()
        return done

    def digests(self) -> dict[str, str]:
        """Digests of the source tables as they stand in the working file."""
        with self.open() as con:
            return loading.digests(con)

    def discard(self) -> None:
        """Remove the working file and its ledger; the next refresh reads everything."""
        for name in (WORKING, LEDGER, f"{WORKING}.wal", f"{LEDGER}.wal"):
            (self.folder / name).unlink(missing_ok=True)

    def _sound(self) -> bool:
        if not (self.working.exists() and (self.folder / LEDGER).exists()):
            return False
        with self.open() as con:
            return loading.shape_holds(con) and loading.fact(con, "state") == "sound"

    def _build(self, con: duckdb.DuckDBPyConnection, scope: Scope, reference: Reference, standing: str) -> None:
        """Make staging tables and marts, whole or their rows within reach, side by side as what they need is there.

        Which learning curves are within reach shows in attempts, old and new, so that these come before all others
        where not everything is. ``standing`` is the state of the tables that decide the estimates, which are left where
        they stand at it already.
        """
        estimated = scope.whole or loading.fact(con, "estimates") != standing
        stages = list(STAGES) if scope.practice_changed else []
        marts = [table.name for table in SELECTED if scope.concerns(table.name)]
        first = {*needs("attempts"), "attempts"} if stages and not scope.whole else set()
        names = [*stages, *([ESTIMATES] if estimated else []), *marts]

        def make(desk: duckdb.DuckDBPyConnection, name: str) -> None:
            self._make(desk, name, scope, reference)

        for part in filter(None, (first, set(names) - first)):
            scope.note_curves(con)
            in_turn(con, make, turns(name for name in names if name in part), lend(con))
        if estimated:
            loading.note(con, "estimates", standing)

    def _make(self, desk: duckdb.DuckDBPyConnection, name: str, scope: Scope, reference: Reference) -> None:
        """Make one staging table or mart, or all marts of estimates."""
        if name in STAGES:
            aim(desk, scope, STAGES[name], name)
            restage(desk, name, scope, STAGES[name])
            if name == "watched":
                scope.notice_watched(desk)
            return
        if name == ESTIMATES:
            show_all(desk, {*INPUTS, *STAGED, "exposures"})
            renew(desk, scope, reference.analysis.lag_days, "ledger.main.exposures")
            frames = estimate(desk, reference.analysis, reference.minimum_cell)
        else:
            aim(desk, scope, scope.reach(name), name)
            frames = {name: rows_of(desk, PUBLISHED[name], reference.minimum_cell)}
        for mart, frame in frames.items():
            self._replace(desk, scope, PUBLISHED[mart], frame)

    def _replace(self, con: duckdb.DuckDBPyConnection, scope: Scope, table: Table, frame: pl.DataFrame) -> None:
        reach = scope.reach(table.name)
        if scope.covers_all(reach):
            con.execute(create(table))
        else:
            con.execute(f'delete from working.main."{table.name}" where {scope.condition(reach, table.name)}')
        insert(con, table.name, frame, within="working.main")

    def _rewrite(self) -> None:
        """Write the working file without its free blocks."""
        draft = self.folder / f".{WORKING}.draft"
        draft.unlink(missing_ok=True)
        with duckdb.connect() as con:
            con.execute(f"attach '{self.working}' as old (read_only)")
            con.execute(f"attach '{draft}' as new")
            con.execute("copy from database old to new")
        draft.replace(self.working)
