"""A CRM on a real Tryton: a full read against a bare client, what a second read brings, and a write-back of people.

    python -m benchmarks.crm [--deals 20000] [--people 2150] [--rounds 3]

The bare client asks for the same fields in pages of the same size on one connection and keeps nothing. Rounds
alternate and the median of their ratios counts. The plan over a million people runs in a process of its own, whose
processor time and memory are measured; its figure holds the reading of the ledger as well.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import polars as pl
from support import tryton
from support.crm import CrmHome
from support.writeback import WRITE, Practice

from benchmarks.results import record
from governance.state import State
from governance.state.bulk import insert_missing
from governance.state.models import SyncRecordRow
from integrations.crm.config import CrmConnector, load
from integrations.sync import planner
from integrations.sync.ledger import Ledger

PAGE = 1_000
CHANGED, DELETED, INVALID = 500, 20, 10
NAMES = ["id", "amount", "currency.code", "state", "create_date", "end_date", "employee", "write_date"]
CLOSED = ["won", "lost", "cancelled"]
PLANNED, SHARE = 1_000_000, 100  # one person in a hundred changed
PLAN_BUDGET = {"cpu_s": 10, "memory_gib": 1}


def bare(crm: tryton.Server) -> float:
    """Seconds of a loop over pages."""
    begun, after = time.perf_counter(), 0
    while True:
        rows = crm.call("sale.opportunity", "search_read", [["id", ">", after]], 0, PAGE, [["id", "ASC"]], NAMES)
        if len(rows) < PAGE:
            return time.perf_counter() - begun
        after = rows[-1]["id"]


def ours(home: CrmHome, count: int) -> float:
    """Seconds of the connector, every row typed and checked against what there is."""
    entity = load(home.config, "tryton").read["deals"]
    begun = time.perf_counter()
    with home.opened("tryton") as source:
        read = sum(len(page.records) for page in source.read(entity.query(), None))
    if read != count:
        raise SystemExit(f"{read} of {count} opportunities were read")
    return time.perf_counter() - begun


def differences(crm: tryton.Server, home: CrmHome) -> int:
    """Closed deals in which core/outcomes and Tryton differ."""
    rows = crm.call("sale.opportunity", "search_read", [["state", "in", CLOSED]], 0, None, None, ["id", "state"])
    there = {(f"tryton/deals/{row['id']}", "deal_won" if row["state"] == "won" else "deal_lost") for row in rows}
    return len(there ^ set(home.outcomes("reference, kind")))


def reading(crm: tryton.Server, home: CrmHome, count: int, rounds: int) -> dict[str, Any]:
    """Full reads, then one after changes and deletions."""
    owners = crm.employees([f"Owner {number}" for number in range(50)])
    home.know([{"tenant": "acme", "learner_id": f"o{each}", "accounts": {"tryton": str(each)}} for each in owners])
    made = crm.deals(count, owners)
    crm.close_deals("won", f"id <= {made[count // 2]}")
    crm.close_deals("cancelled", f"id between {made[-DELETED - 100]} and {made[-1]}")
    bare(crm)  # Tryton fills its caches on the first read
    timed = [(bare(crm), ours(home, count)) for _ in range(rounds)]
    landed = home.read("tryton")["deals"]
    left = differences(crm, home)
    leads = made[count // 2 + 1 :][:CHANGED]  # of a closed one Tryton lets nothing be changed
    crm.call("sale.opportunity", "write", leads, {"amount": {"__class__": "Decimal", "decimal": "1.00"}})
    crm.call("sale.opportunity", "delete", made[-DELETED:])
    again = home.read("tryton")["deals"]
    return {
        "opportunities": landed.accepted,
        "full_read_ratio_to_bare_client": round(statistics.median(mine / plain for plain, mine in timed), 2),
        "budget_ratio": 1.3,
        "full_read_s": round(statistics.median(mine for _, mine in timed), 2),
        "second_read_landed": again.accepted,
        "second_read_deleted": again.gone,
        "core_differs_from_tryton_in": left + differences(crm, home),
    }


def writing(crm: tryton.Server, home: CrmHome, folder: Path, count: int) -> dict[str, Any]:
    """A first write-back with some invalid rows, a second, and one after they were mended."""
    practice = Practice(folder, home.state, learners=count, sessions=count * 8)
    keys = practice.learners()
    made = crm.employees([f"Rep {key}" for key in keys])
    practice.know(dict(zip(keys, map(str, made), strict=True)))
    read = load(home.config, "tryton")
    content = read.model_dump(mode="json", by_alias=True, include={"system", "url", "secrets", "options"})
    connector = home.write("tryton", {**content, "write": WRITE})
    wanted = practice.desk.plan(connector, datetime.now(UTC)).wanted
    # What Tryton's rule refuses is a readiness on a locked record.
    locked = [int(each) for each in wanted.drop_nulls("roleplay_discovery")["address"].head(INVALID)]
    crm.call("company.employee", "write", locked, {"roleplay_locked": True})
    begun = time.perf_counter()
    first = _sent(practice, connector)
    spent = time.perf_counter() - begun
    second = _sent(practice, connector)
    crm.call("company.employee", "write", locked, {"roleplay_locked": False})
    third, fourth = _sent(practice, connector), _sent(practice, connector)
    held = crm.call("company.employee", "search", [["id", "in", made], ["roleplay_source", "!=", None]])
    return {
        "people": len(keys),
        "first_sync": first,
        "seconds": round(spent, 1),
        "second_sync": second,
        "after_mending": third,
        "last_sync": fourth,
        "held_by_tryton": len(held),
    }


def _sent(practice: Practice, connector: CrmConnector) -> dict[str, int]:
    report = practice.write(connector).report
    if report is None:
        return {"sent": 0}
    counts = report.counts
    return {"sent": counts.planned, "stored": counts.acknowledged, "refused": counts.refused, "calls": counts.calls}


def plan_of(address: str) -> dict[str, Any]:
    """The plan over everybody, in this process: processor time and memory from start to end."""
    begun = time.process_time()
    state = State.open(address)
    ledger = Ledger(state)
    wanted = _wanted(changed=True)
    desired = pl.DataFrame(
        {
            "key": wanted["learner_key"],
            "digest": planner.digests(wanted, ["readiness", "due", "source"]),
            "tenant": pl.repeat("acme", wanted.height, eager=True),
            "source": wanted["learner_key"],
        }
    )
    plan = planner.plan(desired, ledger.records("crm/people"), ledger.intents("crm/people"), planner.Rules(),
                        datetime.now(UTC))  # fmt: skip
    state.close()
    return {"due": plan.due.height, "cpu_s": round(time.process_time() - begun, 1), "memory_gib": round(_peak(), 2)}


def _peak() -> float:
    """The most memory that this process held, in GiB; a child inherits what ``getrusage`` tells of its parent."""
    (line,) = [each for each in Path("/proc/self/status").read_text().splitlines() if each.startswith("VmHWM")]
    return int(line.split()[1]) / 1024**2


def planning(folder: Path) -> dict[str, Any]:
    """A ledger of a million acknowledged people, then the plan in a child."""
    address = f"sqlite:///{folder / 'plan.db'}"
    state = State.open(address)
    wanted = _wanted(changed=False)
    digests = planner.digests(wanted, ["readiness", "due", "source"])
    now = datetime.now(UTC)
    for start in range(0, wanted.height, 100_000):
        keys, made = wanted["learner_key"][start : start + 100_000], digests[start : start + 100_000]
        rows = [
            {"target": "crm/people", "key": key, "tenant": "acme", "digest": digest, "payload": None, "remote_id": key,
             "remote_version": None, "acknowledged_at": now, "run_id": "r"}
            for key, digest in zip(keys, made, strict=True)
        ]  # fmt: skip
        with state.session() as session:
            insert_missing(session, SyncRecordRow, rows)
    state.close()
    command = [sys.executable, "-m", "benchmarks.crm", "--plan", address]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = orjson.loads(done.stdout.strip().splitlines()[-1])
    return {"people": wanted.height, **found, "budget": PLAN_BUDGET}


def _wanted(*, changed: bool) -> pl.DataFrame:
    """A million people with three values each; one in a hundred has practised since."""
    number = pl.int_range(PLANNED, eager=True)
    fresh = (number % SHARE == 0) & changed
    return pl.DataFrame(
        {
            "learner_key": pl.select(pl.format("l_{}", number.cast(pl.String).str.zfill(32))).to_series(),
            "readiness": number % 100 + fresh.cast(pl.Int64),
            "due": pl.repeat("2026-12-01", PLANNED, eager=True),
            "source": pl.select(pl.format("session {}", number)).to_series(),
        }
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deals", type=int, default=20_000)
    parser.add_argument("--people", type=int, default=2_150, help="learners; some of them have not practised")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--plan", help=argparse.SUPPRESS)
    given = parser.parse_args(argv)
    if given.plan is not None:
        sys.stdout.write(orjson.dumps(plan_of(given.plan)).decode() + "\n")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures: dict[str, object] = {"plan": planning(folder)}
        with tryton.server(folder / "tryton") as crm:
            os.environ[tryton.VARIABLE] = tryton.PASSWORD
            home = CrmHome(folder / "home")
            home.write("tryton", tryton.connector(crm, page=PAGE))
            figures["reading"] = reading(crm, home, given.deals, given.rounds)
            figures["writing"] = writing(crm, home, folder / "practice", given.people)
            home.state.close()
    record("crm", figures)
    print(figures)


if __name__ == "__main__":
    main()
