"""raw/bundles: session bundles from files, gated and merged into the days their sessions started."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import orjson
import polars as pl

from assets.contracts.raw import BUNDLES
from assets.duck import connect, file_list, literal
from assets.lake import Lake
from assets.raw import bundle_sql
from assets.raw.landing import Landing, LandingError
from assets.raw.merge import merge, settle
from assets.raw.sift import sift
from assets.raw.spread import copy_shares, shares, write_days
from assets.raw.unknown import unknown_fields
from governance.batches import Batches, Reject
from governance.gate import SignalPolicy
from governance.identities import Identities
from governance.privacy.erasure import Erasures
from governance.state import State
from governance.withheld import Withheld, record_withheld
from integrations.engine.fields import PERCEPTION
from integrations.engine.hidden import clean

HIDDEN = {"tenant": pl.String, "session_id": pl.String, "jurisdiction": pl.String, "signal_class": pl.String}


@dataclass(frozen=True)
class Desk:
    """What every file of one landing shares."""

    lake: Lake
    state: State
    identities: Identities
    policy: SignalPolicy
    received_at: datetime
    tenant: str | None
    tenants: list[str] | None


def land(
    paths: Sequence[Path],
    *,
    lake: Lake,
    state: State,
    identities: Identities,
    policy: SignalPolicy,
    received_at: datetime,
    tenant: str | None = None,
    tenants: Sequence[str] | None = None,
    progress: Callable[[Path, Landing], None] | None = None,
) -> list[Landing]:
    """Land bundle files (JSON lines, also .gz, or Parquet), one report a file.

    ``tenant`` fills where a bundle names none; a bundle that names another is refused, and so is one whose tenant is
    not in ``tenants`` (None: any). The same bundle again is counted as repeated and rewrites nothing. What the bundle
    says of its launch stays in the bundle's row: the launch registry holds registrations only, so that core can tell
    what was registered beforehand from what an engine reported afterwards.

    Raises:
        LakeBusyError: another process writes the lake.
        LandingError: a file cannot be read at all; says which and why.
    """
    desk = Desk(lake, state, identities, policy, received_at, tenant, None if tenants is None else list(tenants))
    landings = []
    with lake.writing("landing session bundles"):
        for path in paths:
            landing = _land_file(desk, Path(path))
            landings.append(landing)
            if progress is not None:
                progress(Path(path), landing)
    return landings


def _land_file(desk: Desk, path: Path) -> Landing:
    if not path.is_file():
        raise LandingError(f"{path}: no such file; check the path")
    batches = Batches(desk.state)
    batch_id = batches.open("bundles", path.name, None, desk.tenant, desk.received_at)
    with desk.lake.staging() as folder:
        con = connect(folder)
        try:
            landing = _Landing(desk, con, folder, batch_id).run(path)
        except duckdb.IOException as error:
            raise LandingError(
                f"{path}: {_first_line(error)}; free some space or check the disk, then run again"
            ) from error
        except duckdb.OutOfMemoryException as error:
            raise LandingError(f"{path}: {_first_line(error)}; split the file and land the parts") from error
        finally:
            con.close()
    batches.settle(batch_id, landing)
    return landing


class _Landing:
    """One file on its way in."""

    def __init__(self, desk: Desk, con: duckdb.DuckDBPyConnection, folder: Path, batch_id: str) -> None:
        self.desk, self.con, self.folder, self.batch_id = desk, con, folder, batch_id
        self.hidden: list[tuple[str, str, str, str]] = []
        latest = (desk.received_at + timedelta(days=1)).date().isoformat()
        self.rules = bundle_sql.head_rules(desk.tenant, desk.tenants, latest)

    def run(self, path: Path) -> Landing:
        """Try the whole file at once; where a line is broken, set such lines aside and land the rest."""
        source = self._as_lines(path)
        refusals: list[Reject] = []
        try:
            staged = self._stage(source) if self._heads(source) else None
        except (duckdb.InvalidInputException, duckdb.ConversionException):
            staged = None
        if staged is None:
            source, refusals = self._sift(source)
            staged = self._stage(source)
        if staged is None:
            raise LandingError(f"{path}: lines were judged differently at second sight; report it")
        count = self._one("select count(*) from heads")
        moves = self._moves()
        merged = merge(self.con, self.desk.lake, BUNDLES, staged, moves)
        withheld = self._count_withheld(merged.days)
        refused = len({refusal.line for refusal in refusals})
        return Landing(
            self.batch_id,
            count + refused,
            merged.accepted,
            merged.repeated,
            refused,
            withheld=withheld,
            unknown_fields=unknown_fields(self.con, source),
            days=merged.days,
            refusals=tuple(refusals),
        )

    def _one(self, query: str) -> int:
        return self.con.sql(query).fetchall()[0][0]

    def _as_lines(self, path: Path) -> Path:
        """Parquet goes through JSON lines, so that the same reader and the same rules judge both."""
        if path.suffix != ".parquet":
            return path
        lines = self.folder / "lines.jsonl"
        try:
            self.con.execute(f"copy (from read_parquet({literal(str(path))})) to '{lines}' (format json)")
        except duckdb.InvalidInputException as error:
            raise LandingError(f"{path}: not a readable Parquet file ({_first_line(error)}); write it anew") from error
        return lines

    def _heads(self, source: Path) -> bool:
        """Read the lines, once, and who, whose and when of each; False where one of them breaks a rule."""
        held = bundle_sql.held(bundle_sql.reader(str(source), bundle_sql.TYPES))
        self.con.execute(f"create or replace table bundles as {held}")
        self.con.execute(f"create or replace table heads as {bundle_sql.heads('bundles', self.desk.tenant)}")
        self._erased()
        good = " and ".join(f"coalesce({predicate}, false)" for predicate, _ in self.rules.values())
        return self._one(f"select count(*) from heads where not ({good})") == 0

    def _sift(self, source: Path) -> tuple[Path, list[Reject]]:
        """Set broken lines aside, by type first, then by the rules of the head and the presence of turns."""
        sound, numbers, refused = sift(self.con, source, self.folder)
        reader = bundle_sql.reader(str(sound), {**bundle_sql.HEAD_TYPES, "turns": bundle_sql.TYPES["turns"]})
        self.con.register(
            "numbers",
            pl.DataFrame(
                {"position": range(1, len(numbers) + 1), "line": numbers},
                schema={"position": pl.Int64, "line": pl.Int64},
            ),
        )
        heads = bundle_sql.heads(
            f"(select *, row_number() over () as position from {reader})",
            self.desk.tenant,
            "position, turns is not null as has_turns",
        )
        self.con.execute(f"create or replace table heads as {heads}")
        self._erased()
        rules = self.rules | {
            "turns_present": ("has_turns", "turns is missing; write an empty list where nobody spoke")
        }
        bad: set[int] = set()
        for rule, (predicate, reason) in rules.items():
            query = f"select line from heads join numbers using (position) where not coalesce({predicate}, false)"
            for (line,) in self.con.sql(query).fetchall():
                bad.add(line)
                refused.append(Reject(line, rule, reason))
        self.con.unregister("numbers")
        clean = self.folder / "clean.jsonl"
        with clean.open("wb") as out, sound.open("rb") as lines:
            out.writelines(line for number, line in zip(numbers, lines, strict=True) if number not in bad)
        if not self._heads(clean):
            raise LandingError(f"{source.name}: lines were judged differently at second sight; report it")
        return clean, sorted(refused, key=lambda refusal: (refusal.line or 0, refusal.rule))

    def _stage(self, source: Path) -> Path | None:
        """Write the gated rows by day; None where a line has no turns, so that the careful way names it."""
        if self._one("select count(*) from bundles where turns is null"):
            return None
        self._lookups()
        staged = self.folder / "staged"
        staged.mkdir(exist_ok=True)
        written = self._copy(staged)
        expected = self._one("select count(*) from heads")
        if written < expected:
            written += self._stage_suspects(staged)
        if written != expected:
            raise LandingError(f"{source.name}: {expected} lines, {written} rows; the file changed while it was read")
        self.con.execute("drop table bundles")
        settle(self.con, staged, BUNDLES.key)
        return staged

    def _copy(self, staged: Path) -> int:
        """Write all but suspected bundles."""

        def select(first: date, last: date) -> str:
            return self._rows("bundles", f"start_day between date '{first}' and date '{last}' and not suspected")

        return copy_shares(self.con, select, shares(self.con, "heads"), BUNDLES.key, staged)

    def _lookups(self) -> None:
        """Pseudonyms, days of known sessions, and what the policy withholds: small tables that rows are joined to."""
        people = self.con.sql("select distinct tenant, learner_id from heads where learner_id is not null").fetchall()
        by_tenant: dict[str, list[str]] = {}
        for tenant, learner_id in people:
            by_tenant.setdefault(tenant, []).append(learner_id)
        keys = [
            (tenant, learner_id, key)
            for tenant, ids in by_tenant.items()
            for learner_id, key in self.desk.identities.keys(tenant, ids).items()
        ]
        self._table("pseudonyms", keys, {"tenant": pl.String, "learner_id": pl.String, "learner_key": pl.String})
        places = [
            place for (place,) in self.con.sql("select distinct coalesce(jurisdiction, '') from heads").fetchall()
        ]
        blind = [(place,) for place in places if PERCEPTION not in self.desk.policy.allowed(place or None)]
        self._table("blind", blind, {"jurisdiction": pl.String})
        self._examiners()
        self._homes()

    def _erased(self) -> None:
        """Sessions among the heads that were erased before: a rule refuses them."""
        erasures = Erasures(self.desk.state)
        named = "select distinct tenant, session_id from heads where tenant is not null and session_id is not null"
        gone = erasures.blocked(self.con.sql(named).fetchall()) if erasures.any() else set()
        self._table("erased", sorted(gone), {"tenant": pl.String, "session_id": pl.String})

    def _examiners(self) -> None:
        """A person who scores is known by a pseudonym, and is not made a learner by having scored."""
        people = self.con.sql(bundle_sql.human_scorers("bundles", self.desk.tenant)).fetchall()
        keys = [(tenant, person, self.desk.identities.key(tenant, person)) for tenant, person in people]
        self._table("named", keys, {"tenant": pl.String, "scorer_id": pl.String, "scorer_key": pl.String})
        self.con.execute(
            "create or replace table examiners as select tenant, map(list(scorer_id), list(scorer_key)) as keys"
            " from named group by tenant"
        )

    def _table(self, name: str, rows: list[tuple], schema: Mapping[str, Any]) -> None:
        self.con.register("given", pl.DataFrame(rows, schema=schema, orient="row"))
        self.con.execute(f"create or replace table {name} as from given")
        self.con.unregister("given")

    def _homes(self) -> None:
        """A session lies in the earliest day that any of its bundles names, whichever came first."""
        present = self.desk.lake.files(BUNDLES.path)
        known = (
            f"(select tenant, session_id, day from read_parquet({file_list(present)})"
            " semi join heads using (tenant, session_id))"
            if present
            else "(select '' as tenant, '' as session_id, null::date as day where false)"
        )
        self.con.execute(f"create or replace table known as select distinct tenant, session_id, day from {known}")
        self.con.execute("""
            create or replace table homes as
            select tenant, session_id, min(day) as day
            from (
                select tenant, session_id, day from heads union all select tenant, session_id, day from known
            )
            group by tenant, session_id
            having count(distinct day) > 1
        """)
        self.con.execute("""
            create or replace table moved as
            select homes.* from homes join known using (tenant, session_id) where known.day <> homes.day
        """)

    def _moves(self) -> dict[date, set[date]]:
        """Days that gain sessions from later days."""
        gained: dict[date, set[date]] = {}
        query = """
            select distinct homes.day, known.day
            from homes join known using (tenant, session_id)
            where known.day <> homes.day
        """
        for gaining, losing in self.con.sql(query).fetchall():
            gained.setdefault(gaining, set()).add(losing)
        return gained

    def _rows(self, source: str, where: str = "true") -> str:
        return bundle_sql.rows(
            source,
            batch_id=self.batch_id,
            received_at=self.desk.received_at.isoformat(),
            policy_version=self.desk.policy.version,
            tenant=self.desk.tenant,
            where=where,
        )

    def _stage_suspects(self, staged: Path) -> int:
        """Bundles with text that perception notes hide behind: searched one by one in memory, then written."""
        gated = self.folder / "gated.jsonl"
        found = self.con.execute("select to_json(bundle) from bundles as bundle where suspected")
        with gated.open("wb") as out:
            while lines := found.fetchmany(500):
                out.writelines(orjson.dumps(self._searched(orjson.loads(line))) + b"\n" for (line,) in lines)
        select = self._rows(f"({bundle_sql.held(bundle_sql.reader(str(gated), bundle_sql.TYPES))})")
        return write_days(self.con, select, BUNDLES.key, staged, "suspects")

    def _searched(self, bundle: dict[str, Any]) -> dict[str, Any]:
        """The bundle without perception notes in words; perception signals are the policy's business."""
        launch = bundle.get("launch") or {}
        place = (
            launch.get("tenant") or self.desk.tenant or "",
            f"{bundle.get('engine') or 'generic'}:{bundle.get('engine_session_id')}",
            launch.get("jurisdiction") or "",
        )

        def note(signal_class: str, _text: str) -> None:
            self.hidden.append((*place, signal_class))

        signals = bundle.get("signals")
        if signals is not None:
            bundle["signals"] = [s if s is None or s.get("kind") == "perception" else clean(s, note) for s in signals]
        return bundle | {part: clean(bundle.get(part), note) for part in ("turns", "assessments")}

    def _count_withheld(self, days: Sequence[date]) -> int:
        """Count what the gate dropped from bundles that this file added; a repeat was counted the first time."""
        files = self.desk.lake.files(BUNDLES.path, days)
        if not files:
            return 0
        self._table("hidden", self.hidden, HIDDEN)
        rows = self.con.sql(f"""
            with

            added as (
                select tenant, session_id
                from read_parquet({file_list(files)})
                where batch_id = {literal(self.batch_id)}
            ),

            dropped as (
                select tenant, session_id, coalesce(jurisdiction, '') as jurisdiction, 'perception' as signal_class,
                    perceived as number
                from heads
                where perceived > 0 and coalesce(jurisdiction, '') in (from blind)
                union all
                select *, 1 as number from hidden
            )

            select tenant, jurisdiction, signal_class, sum(number)
            from dropped semi join added using (tenant, session_id)
            group by all
        """).fetchall()
        day, policy = self.desk.received_at.astimezone(UTC).date(), self.desk.policy
        with self.desk.state.session() as session:
            record_withheld(
                session,
                (
                    Withheld(
                        tenant, day, policy.jurisdiction(place or None), policy.version, {signal_class: int(count)}
                    )
                    for tenant, place, signal_class, count in rows
                ),
            )
        return sum(int(count) for *_, count in rows)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
