"""Dagster's SQLite store with connections that stay open and batches written whole; files and records are the same.

Dagster's own makes an engine and a connection for every event, so that each statement is compiled anew, and each close
is the last one: SQLite copies its write-ahead log back and deletes it. An asset and day cost 16 ms that way, a first
load of three months 10 s. ``dagster.yaml`` names ``Storage``; what is kept, and where, stays Dagster's business, so
that its web server, its daemon and its migrations read the files as before.

``synchronous=normal`` survives a killed process and may lose the newest events in a power cut. These are records about
work, never the work; what they lose, the next run writes again.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster import EventLogEntry
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS, BATCH_WRITABLE_EVENTS
from dagster._core.storage.event_log import SqlEventLogStorageTable, SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import StaticPool

OPEN_FILES = 5  # the index and four runs, which is what dagster.yaml lets run at once


class Storage(DagsterSqliteStorage):
    """Dagster's own SQLite storage but for the event log."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage = EventLog(str(Path(base_dir) / "history" / "runs"))

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "Storage":
        """What Dagster calls with the ``config`` of ``dagster.yaml``."""
        return cls.from_local(inst_data=inst_data, **config_value)


class EventLog(SqliteEventLogStorage):
    """One file a run and an index over all runs, each behind one connection of this process."""

    def __init__(self, base_dir: str) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._tables: set[str] = set()
        super().__init__(base_dir)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Write the records of many days in one transaction a file.

        Of each asset only the newest record of a kind is noted as its last one, which is what writing them one by one
        comes to.
        """
        if len({each.run_id for each in events}) != 1 or not all(
            each.dagster_event_type in BATCH_WRITABLE_EVENTS for each in events
        ):
            super().store_event_batch(events)
            return
        rows = [self._event_to_row(each) for each in events]
        with self.run_connection(events[0].run_id) as run:
            run.execute(SqlEventLogStorageTable.insert(), rows)
        stored = SqlEventLogStorageTable.insert().returning(SqlEventLogStorageTable.c.id, sort_by_parameter_order=True)
        with self.index_connection() as index:
            ids = list(index.execute(stored, rows).scalars())
            numbered = list(zip(events, ids, strict=True))
            of_assets = [(each, number) for each, number in numbered if each.dagster_event_type in ASSET_EVENTS]
            self._store_asset_event_tags(index, [each for each, _ in of_assets], [number for _, number in of_assets])
            newest = {
                (each.get_dagster_event().asset_key, each.dagster_event_type): at
                for at, (each, _) in enumerate(of_assets)
            }
            for at in sorted(newest.values()):
                self._store_asset_event(index, *of_assets[at])
        for each, number in numbered:
            if each.dagster_event_type in ASSET_CHECK_EVENTS:
                self.store_asset_check_event(each, number)

    def has_table(self, table_name: str) -> bool:
        """Whether the index has a table, which is asked for every record and looked up once."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def dispose(self) -> None:
        """Close the files."""
        super().dispose()
        with self._db_lock:
            self._close(0)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock, self._engine(shard).begin() as connection:
            yield connection

    def _engine(self, shard: str) -> Engine:
        """The shard's engine, for the holder of the lock; the index is in constant use and so never the oldest."""
        if shard not in self._engines:
            self._close(OPEN_FILES - 1)
            engine = _engine(self.conn_string_for_shard(shard))
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            self._engines[shard] = engine
        self._engines.move_to_end(shard)
        return self._engines[shard]

    def _close(self, keep: int) -> None:
        while len(self._engines) > keep:
            self._engines.popitem(last=False)[1].dispose()


def _engine(address: str) -> Engine:
    engine = create_engine(
        address,
        poolclass=StaticPool,
        connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def relax(connection: Any, _: Any) -> None:
        connection.execute("pragma synchronous = normal")

    return engine
