"""raw/outcomes: outcome rows from files, gated and merged into the days they occurred."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from assets.contracts.raw import OUTCOMES
from assets.duck import connect
from assets.lake import Lake
from assets.partitions import FIRST_DAY
from assets.raw.landing import Landing, LandingError
from assets.raw.lines import LARGEST_LINE, numbered, open_lines
from assets.raw.merge import PARQUET, merge, settle
from governance.batches import Batches, Reject
from governance.identities import Identities
from governance.names import TENANT_PATTERN
from governance.privacy.erasure import RULE, Erasures
from governance.state import State
from integrations.engine.hidden import is_note
from integrations.engine.times import TimeProblemError, parse

FIELDS = ("tenant", "learner_id", "kind", "value", "unit", "occurred_at", "reference", "exposure_from", "attributes")
# Attributes are free, people are not: what names or reaches a person stays in the source.
PERSONAL_KEY = re.compile(r"name|e-?mail|phone|mobile|address|birth|contact", re.IGNORECASE)
EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
LARGEST_VALUE = Decimal(10) ** 14
SCHEMA: dict[str, Any] = {
    "tenant": pl.String,
    "day": pl.Date,
    "content_sha256": pl.String,
    "source": pl.String,
    "learner_key": pl.String,
    "kind": pl.String,
    "value": pl.Decimal(18, 4),
    "unit": pl.String,
    "occurred_at": pl.String,
    "reference": pl.String,
    "exposure_from": pl.String,
    "attributes": pl.String,
    "received_at": pl.Datetime("us", "UTC"),
    "batch_id": pl.String,
}


def land(
    paths: Sequence[Path],
    *,
    lake: Lake,
    state: State,
    identities: Identities,
    received_at: datetime,
    tenant: str | None = None,
    tenants: Sequence[str] | None = None,
) -> list[Landing]:
    """Land outcome files (CSV, JSON lines or Parquet), one report a file; ``tenant`` fills where a row names none.

    A row without a usable time is refused, since it has no day; what else may be wrong with a row is judged in core.

    Raises:
        LakeBusyError: another process writes the lake.
        LandingError: a file cannot be read at all.
    """
    landings = []
    with lake.writing("landing outcomes"):
        for path in map(Path, paths):
            batches = Batches(state)
            batch_id = batches.open("outcomes", path.name, None, tenant, received_at)
            landing = _land_file(path, lake, identities, received_at, tenant, tenants, batch_id)
            batches.settle(batch_id, landing)
            landings.append(landing)
    return landings


def _land_file(
    path: Path,
    lake: Lake,
    identities: Identities,
    received_at: datetime,
    tenant: str | None,
    tenants: Sequence[str] | None,
    batch_id: str,
) -> Landing:
    sound: dict[int, dict[str, Any]] = {}
    refused: list[Reject] = []
    unknown: dict[str, int] = {}
    read = 0
    for line, record in rows_of(path):
        read += 1
        if isinstance(record, Reject):
            refused.append(record)
            continue
        for name in record.keys() - set(FIELDS):
            if record[name] not in (None, ""):
                unknown[str(name)] = unknown.get(str(name), 0) + 1
        given = {name: None if record.get(name) == "" else record.get(name) for name in FIELDS}
        given["tenant"] = given["tenant"] or tenant
        broken = problems(line, given, received_at, tenant, tenants)
        if broken:
            refused += broken
        else:
            sound[line] = given
    erased = _erased(sound, identities)
    refused += [
        Reject(line, RULE, "the learner was erased; leave the row out, or it is refused each time") for line in erased
    ]
    good = [given for line, given in sound.items() if line not in erased]
    withheld = sum(_gate(row) for row in good)
    merged = _write(good, path, lake, identities, received_at, batch_id)
    return Landing(
        batch_id,
        read,
        merged[0],
        len(good) - merged[0],
        read - len(good),
        withheld=withheld,
        unknown_fields=unknown,
        days=merged[1],
        refusals=tuple(refused),
    )


def _erased(rows: Mapping[int, Mapping[str, Any]], identities: Identities) -> set[int]:
    """Lines of learners who were erased: what is known of them outside must not come back with the next file."""
    erasures = Erasures(identities.state)
    if not erasures.any():
        return set()
    owners = {
        line: (row["tenant"], identities.key(row["tenant"], str(row["learner_id"]).strip()))
        for line, row in rows.items()
        if row["learner_id"] is not None and str(row["learner_id"]).strip()
    }
    gone = erasures.blocked(set(owners.values()))
    return {line for line, owner in owners.items() if owner in gone}


def rows_of(path: Path) -> Iterator[tuple[int, dict[str, Any] | Reject]]:
    """Rows of a file with their line numbers (Parquet: row numbers); an unreadable line gives its rejection."""
    if not path.is_file():
        raise LandingError(f"{path}: no such file; check the path")
    name = path.name.removesuffix(".gz")
    try:
        if name.endswith(".parquet"):
            yield from enumerate(pl.read_parquet(path).iter_rows(named=True), start=1)
        elif name.endswith(".csv"):
            yield from _csv_rows(path)
        else:
            yield from _json_rows(path)
    except (UnicodeDecodeError, csv.Error, pl.exceptions.PolarsError, OSError) as error:
        raise LandingError(f"{path}: cannot be read: {error}; save it as UTF-8 CSV, JSON lines or Parquet") from error


def _csv_rows(path: Path) -> Iterator[tuple[int, dict[str, Any] | Reject]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        sample = file.read(8_192)
        file.seek(0)
        header = sample.partition("\n")[0]
        reader = csv.DictReader(file, delimiter=";" if header.count(";") > header.count(",") else ",", restkey="…")
        if not {"kind", "occurred_at"} <= set(reader.fieldnames or ()):
            raise LandingError(f"{path}: the first line must name the columns, at least kind, learner_id, occurred_at")
        for row in reader:
            if "…" in row:
                yield (
                    reader.line_num,
                    Reject(reader.line_num, "malformed_csv", "more values than columns; quote commas"),
                )
            else:
                yield reader.line_num, row


def _json_rows(path: Path) -> Iterator[tuple[int, dict[str, Any] | Reject]]:
    with open_lines(path) as file:
        for number, text in numbered(file):
            if not text.strip():
                continue
            if len(text) > LARGEST_LINE:
                yield number, Reject(number, "too_large", f"the line has more than {LARGEST_LINE:,} bytes")
                continue
            try:
                record = orjson.loads(text.removeprefix(b"\xef\xbb\xbf"))
            except orjson.JSONDecodeError as error:
                reason = f"not JSON at character {error.colno}: {error.msg}; mend or leave out"
                yield number, Reject(number, "malformed_json", reason)
                continue
            if isinstance(record, dict):
                yield number, record
            else:
                yield (
                    number,
                    Reject(number, "malformed_json", "the line is not a JSON object; write one outcome a line"),
                )


def problems(
    line: int, row: Mapping[str, Any], received_at: datetime, tenant: str | None, tenants: Sequence[str] | None
) -> list[Reject]:
    """Everything for which a row is refused at the door; a row with none has a tenant, a day and a readable value."""
    found: list[tuple[str, str]] = []
    owner = row["tenant"]
    if owner is None:
        found.append(("tenant_named", "tenant is missing; write it, or name the tenant with --tenant"))
    elif not isinstance(owner, str) or not re.fullmatch(TENANT_PATTERN, owner):
        found.append(("tenant_well_formed", "tenant must be lower-case letters, digits, - and _, as in acme-emea"))
    elif tenant is not None and owner != tenant:
        found.append(("tenant_matches", f"tenant is not {tenant}; leave out --tenant, or mend the line"))
    elif tenants is not None and owner not in tenants:
        found.append(
            ("tenant_known", "tenant is not one of this home; add it to config/rolecall.yaml, or mend the line")
        )
    found += _time_problems(row, received_at)
    if not _is_money(row["value"]):
        found.append(("value_is_number", "value is not a number below 10^14; write 1234.5, or leave it empty"))
    return [Reject(line, rule, reason) for rule, reason in found]


def _time_problems(row: Mapping[str, Any], received_at: datetime) -> list[tuple[str, str]]:
    try:
        moment = parse(_time(row["occurred_at"]))
    except TimeProblemError as problem:
        return [(f"occurred_at_{problem.rule}", f"occurred_at: {problem}")]
    if moment is None:
        return [("occurred_at_present", "occurred_at is missing; write it as 2026-11-02T09:00:04Z")]
    if not FIRST_DAY <= moment.date() <= (received_at + timedelta(days=1)).date():
        return [
            ("occurred_at_plausible", f"occurred_at lies before {FIRST_DAY} or in the future; mend it at the source")
        ]
    return []


def _time(value: Any) -> Any:
    """A time of a Parquet column as the text that it would be elsewhere; a naive one stays naive and is refused."""
    return value.isoformat() if isinstance(value, datetime) else value


def _is_money(value: Any) -> bool:
    try:
        number = None if value is None else Decimal(str(value))
    except InvalidOperation:
        return False
    return number is None or (number.is_finite() and abs(number) < LARGEST_VALUE)


def _gate(row: dict[str, Any]) -> int:
    """Keep the attributes that name nobody, as JSON text; how many were withheld."""
    attributes = row["attributes"]
    if isinstance(attributes, str):
        try:
            attributes = orjson.loads(attributes)
        except orjson.JSONDecodeError:
            attributes = {"text": attributes}
    if attributes is None:
        return 0
    if not isinstance(attributes, dict):
        attributes = {"items": attributes}
    kept = impersonal(attributes)
    row["attributes"] = orjson.dumps(kept, option=orjson.OPT_SORT_KEYS).decode() if kept else None
    return len(attributes) - len(kept)


def impersonal(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes that neither name nor reach a person and are no note."""
    return {
        key: value
        for key, value in attributes.items()
        if not PERSONAL_KEY.search(key)
        and not is_note(key)
        and not EMAIL.search(orjson.dumps(value, default=str).decode())
    }


def _write(
    rows: list[dict[str, Any]], path: Path, lake: Lake, identities: Identities, received_at: datetime, batch_id: str
) -> tuple[int, tuple]:
    if not rows:
        return 0, ()
    keys: dict[str, dict[str, str]] = {}
    for tenant in {row["tenant"] for row in rows}:
        ids = {
            str(row["learner_id"]).strip() for row in rows if row["tenant"] == tenant and row["learner_id"] is not None
        }
        keys[tenant] = identities.keys(tenant, sorted(ids - {""}))
    values = [_stored(row, keys, path.name, received_at, batch_id) for row in rows]
    with lake.staging() as folder:
        con = connect(folder)
        try:
            con.register("arriving", pl.DataFrame(values, schema=SCHEMA, orient="row"))
            columns = ", ".join(f"{column.name}::{column.type} as {column.name}" for column in OUTCOMES.columns)
            staged = folder / "staged"
            staged.mkdir()
            con.execute(
                f"copy (select {columns} from arriving order by day, tenant, content_sha256) to '{staged}' ({PARQUET})"
            )
            settle(con, staged, OUTCOMES.key)
            merged = merge(con, lake, OUTCOMES, staged)
        finally:
            con.close()
    return merged.accepted, merged.days


def _stored(
    row: dict[str, Any], keys: Mapping[str, Mapping[str, str]], source: str, received_at: datetime, batch_id: str
) -> tuple[Any, ...]:
    moment = parse(_time(row["occurred_at"]))
    if moment is None:
        raise LandingError(f"{source}: a row without a time passed the door; report it")
    learner = None if row["learner_id"] is None else keys[row["tenant"]].get(str(row["learner_id"]).strip())
    value = None if row["value"] is None else Decimal(str(row["value"])).quantize(Decimal("0.0001"))
    exposure = None if row["exposure_from"] is None else str(_time(row["exposure_from"]))
    text = {name: None if row[name] is None else str(row[name]).strip() for name in ("kind", "unit", "reference")}
    occurred = moment.isoformat()
    content = [row["tenant"], learner, text["kind"], str(value), text["unit"], occurred, text["reference"], exposure]
    digest = sha256(orjson.dumps([*content, row["attributes"]])).hexdigest()
    return (
        row["tenant"],
        moment.date(),
        digest,
        source,
        learner,
        text["kind"],
        value,
        text["unit"],
        occurred,
        text["reference"],
        exposure,
        row["attributes"],
        received_at,
        batch_id,
    )
