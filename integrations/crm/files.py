"""Exports that somebody drops into a folder: CSV, Excel, JSON lines and Parquet, one row a record.

``object`` is a file name or pattern below ``options.folder``, the newest matching file in name order being the state:
every drop is a full export, and what it lacks is gone. Columns are fields.
"""

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import fastexcel
import polars as pl
from pydantic import BaseModel, ConfigDict

from integrations.connectors import Connector
from integrations.crm.base import PersonSink
from integrations.crm.config import Writing
from integrations.sources import Capabilities, FieldInfo, FieldType, Page, Query, Record, SourceError, Unreadable, Value
from integrations.sync.base import SyncError

PAGE = 5_000
SUFFIXES = (".csv", ".xlsx", ".jsonl", ".ndjson", ".parquet")
LARGEST_MB = 500  # of a file, and of what an Excel file unpacks to: both are held in memory


class Options(BaseModel):
    """``options`` of the connector. ``zone`` is that of times without one, ``sheet`` the Excel sheet to read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: Path
    zone: str = "UTC"
    sheet: str | None = None


class Files:
    """A ``Connector`` that only reads."""

    capabilities = Capabilities(cursor=False, keys=False)

    def __init__(self, connector: Connector) -> None:
        self.name = connector.name
        self.options = Options.model_validate(connector.options)
        self._zone = ZoneInfo(self.options.zone)

    def describe(self, object_name: str) -> Mapping[str, FieldInfo]:
        """The columns of the newest file."""
        frame = self._frame(object_name)
        return {name: FieldInfo(name, _kind(kind), writable=False) for name, kind in frame.schema.items()}

    def read(self, query: Query, cursor: str | None) -> Iterator[Page]:
        """Every row of the newest file."""
        frame = self._frame(query.object)
        changed = [] if query.modified_at is None else [query.modified_at]
        missing = [name for name in (query.id, *query.fields, *changed) if name not in frame.columns]
        if missing:
            raise SourceError(
                f"{self.name}: {query.object} has no column {', '.join(missing)}", "Mend the export or the mapping"
            )
        for start in range(0, max(frame.height, 1), PAGE):
            yield self._page(frame.slice(start, PAGE), query, start)

    def deleted(self, query: Query, cursor: str | None) -> Iterator[Page]:
        """What is gone is missing from the newest file."""
        return iter(())

    def keys(self, query: Query) -> Iterator[Sequence[str]]:
        """Not asked: every file is read whole."""
        return iter(())

    def sink(self, writing: Writing, addresses: Mapping[str, str]) -> PersonSink:
        """Files are not written to."""
        raise SyncError(f"{self.name}: files are read only", "Take `write` out of the connector's file")

    def close(self) -> None:
        """Nothing is held."""
        return

    def _page(self, frame: pl.DataFrame, query: Query, start: int) -> Page:
        records: list[Record] = []
        unreadable: list[Unreadable] = []
        for number, row in enumerate(frame.iter_rows(named=True), start=start + 1):
            key, changed = row[query.id], None
            if key in (None, ""):
                unreadable.append(Unreadable(f"row {number}", "id_present", f"{query.id} is empty"))
                continue
            if query.modified_at:
                changed = self._value(row[query.modified_at])
            fields = {name: self._value(row[name]) for name in query.fields}
            records.append(Record(str(key), fields, changed if isinstance(changed, datetime) else None))
        return Page(records, None, unreadable)

    def _frame(self, pattern: str) -> pl.DataFrame:
        folder = self.options.folder.expanduser()
        found = sorted(path for path in folder.glob(pattern) if path.suffix.lower() in SUFFIXES and path.is_file())
        if not found:
            raise SourceError(
                f"{self.name}: no file in {folder} fits {pattern}", f"Put one there ({', '.join(SUFFIXES)})"
            )
        try:
            size = _unpacked_bytes(found[-1])
            if size > LARGEST_MB * 1_000_000:
                said = f"{found[-1].name} holds {size // 1_000_000:,} MB, at most {LARGEST_MB} are read"
                raise SourceError(f"{self.name}: {said}", "Export fewer columns, or read the system itself")
            return _read(found[-1], self.options.sheet)
        except (pl.exceptions.PolarsError, fastexcel.FastExcelError, zipfile.BadZipFile, OSError, ValueError) as error:
            said = " ".join(str(error).split())[:200]
            raise SourceError(f"{self.name}: {found[-1].name} cannot be read: {said}", "Export it again") from error

    def _value(self, value: Any) -> Value:
        if isinstance(value, datetime):
            return (value if value.tzinfo else value.replace(tzinfo=self._zone)).astimezone(UTC)
        if isinstance(value, str):
            return self._told(value)
        if value is None or isinstance(value, bool | int | float | Decimal | date):
            return value
        return str(value)

    def _told(self, text: str) -> Value:
        """A text of a CSV as it is, but a time without offset gets the export's zone."""
        try:
            moment = datetime.fromisoformat(text.strip()) if len(text.strip()) > len("2026-01-01") else None
        except ValueError:
            return text
        return text if moment is None else self._value(moment)


def _unpacked_bytes(path: Path) -> int:
    """Bytes that reading the file takes; an Excel file is an archive, and says what its members unpack to."""
    if path.suffix.lower() != ".xlsx":
        return path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        return sum(entry.file_size for entry in archive.infolist())


def _read(path: Path, sheet: str | None) -> pl.DataFrame:
    """CSV stays text, so that leading zeros of ids and the digits of money survive."""
    suffix = path.suffix.lower()
    if suffix == ".csv":
        with path.open(encoding="utf-8-sig") as file:
            header = file.readline()
        return pl.read_csv(
            path,
            separator=";" if header.count(";") > header.count(",") else ",",
            infer_schema=False,
            encoding="utf8-lossy",
        )
    if suffix == ".xlsx":
        return pl.read_excel(path, sheet_name=sheet) if sheet else pl.read_excel(path)
    if suffix == ".parquet":
        return pl.read_parquet(path)
    return pl.read_ndjson(path, infer_schema_length=None)


def _kind(kind: pl.DataType) -> FieldType:
    if kind.is_integer():
        return "integer"
    if kind.is_numeric():
        return "decimal"
    if kind == pl.Boolean:
        return "boolean"
    if kind == pl.Date:
        return "date"
    return "datetime" if kind == pl.Datetime else "text"
