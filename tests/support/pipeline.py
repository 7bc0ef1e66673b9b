"""A home whose raw and core layers are driven as plain code, without Dagster."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
from support.sessions import write
from support.wire import POLICY

from assets.core import build, outcomes, plan
from assets.lake import Lake
from assets.raw import bundles, deliveries
from assets.raw import outcomes as raw_outcomes
from assets.raw.landing import Landing
from governance.catalog import Catalog
from governance.identities import Identities
from governance.inbox import Inbox, Parcel
from governance.launches import Launch, Launches
from governance.rubrics_used import RubricsUsed
from governance.settings import PROJECT
from governance.state import State

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECRET = b"s" * 32


class Home:
    """Lake, state and catalog of one test."""

    def __init__(self, folder: Path, config: Path = PROJECT / "config") -> None:
        self.folder = folder
        self.config = config
        folder.mkdir(parents=True, exist_ok=True)
        self.lake = Lake(folder / "lake")
        self.state = State.open(f"sqlite:///{folder / 'state.db'}")
        self.identities = Identities(self.state, SECRET)
        self.launches = Launches(self.state, self.identities)
        self.files = 0

    def land(self, records: Iterable[dict[str, Any] | str], at: datetime = NOW, **options: Any) -> Landing:
        """Bundles (a text stands for a broken line) through the door."""
        self.files += 1
        path = write(self.folder / f"{self.files}.jsonl", records)
        return self.land_file(path, at, **options)

    def land_file(self, path: Path, at: datetime = NOW, **options: Any) -> Landing:
        """A bundle file through the door."""
        (landing,) = bundles.land(
            [path],
            lake=self.lake,
            state=self.state,
            identities=self.identities,
            policy=POLICY,
            received_at=at,
            **options,
        )
        return landing

    def land_outcomes(self, path: Path, **options: Any) -> Landing:
        """An outcome file through the door."""
        (landing,) = raw_outcomes.land(
            [path], lake=self.lake, state=self.state, identities=self.identities, received_at=NOW, **options
        )
        return landing

    def deliver(self, rows: Iterable[dict[str, Any]]) -> Landing:
        """Gated deliveries (``support.wire.rows``) into the inbox and on into raw."""
        Inbox(self.state).accept([Parcel(**row) for row in rows])
        return deliveries.drain(self.lake, self.state)

    def launch(self, **fields: Any) -> None:
        """Register one launch."""
        self.launches.record([Launch(**fields)], NOW)

    @property
    def catalog(self) -> Catalog:
        """The catalog as the files say now."""
        return Catalog.load(self.config)

    def stale(self, now: datetime = NOW) -> list:
        """Days that want rebuilding."""
        return plan.stale_days(self.lake, self.state, self.catalog, now)

    def build(self, now: datetime = NOW) -> build.Build:
        """Rebuild what is stale."""
        return build.build_days(
            self.lake,
            self.stale(now),
            catalog=self.catalog,
            launches=self.launches.frame(),
            change=self.launches.last_change(),
            rubrics_used=RubricsUsed(self.state),
            now=now,
        )

    def settle(self, now: datetime = NOW) -> None:
        """Rebuild until nothing is stale."""
        for _ in range(5):
            if not self.stale(now):
                return
            self.build(now)
        raise AssertionError("still stale after five builds")

    def build_outcomes(self) -> None:
        """Rebuild core/outcomes of every day."""
        outcomes.build(self.lake, self.lake.days("raw/outcomes"))

    def rows(self, table: str, columns: str = "*", order: str = "all") -> list[tuple]:
        """Rows of a lake table."""
        files = [str(path) for path in self.lake.files(table)]
        if not files:
            return []
        with duckdb.connect() as con:
            con.execute("set TimeZone = 'UTC'")
            query = f"select {columns} from read_parquet({files}, hive_partitioning = false, union_by_name = true)"
            return con.sql(f"{query} order by {order}").fetchall()

    def core(self) -> dict[str, list[tuple]]:
        """Everything that core holds, for comparison."""
        names = [table.name for table in build.TABLES]
        tables = [*names, *(f"{name}_quarantine" for name in names)]
        return {name: [tuple(map(repr, row)) for row in self.rows(f"core/{name}")] for name in tables}
