"""One write-back through Rolecall and through drt, a reverse ETL of others: rows sent, rejects named, calls made.

    python -m benchmarks.reverse_etl [--people 2000]

Both write the same values to a simulated HubSpot over TLS, each to a portal of its own: everybody, of whom ten hold
a value that the portal refuses; the same again, unchanged; again once the portal takes the value; and again after one
person in a hundred has changed. drt runs twice: with all rows, as it does by default, and by a column that says when
a row has changed, followed by its command for rejects. It is told to update only, to go on after a bad row and to keep
rejects. Figures are the portal's, but for rejects: those are what each tool itself still lists as open. drt makes nine
calls a second at most and one call a row, so that 2,000 people take it twenty minutes.
"""

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support import drt
from support.crm_clouds import Authority, Clock, served_portal
from support.write_back import TARGET, codes, write_back

from benchmarks.results import record
from governance.state import State
from integrations.crm.config import CrmConnector, Writing
from integrations.crm.hubspot import Hubspot
from integrations.crm.simulators.hubspot import Portal
from integrations.crm.simulators.people import fill_portal, key
from integrations.sync.ledger import Ledger

INVALID, SHARE = 10, 100
UNIQUE = "roleplay_key"
FIELDS = {
    "readiness.discovery": "roleplay_readiness",
    "last_certification": "roleplay_level",
    "last_certified_on": "roleplay_certified_on",
    "provenance": "roleplay_source",
}
WRITING = Writing(object="contacts", key=UNIQUE, match="learner_id", fields=FIELDS)
LEVELS = ("novice", "developing", "proficient", "expert", "guru")
STEPS = ("first", "unchanged", "mended", "some_changed")
SENT = r"PATCH .*/contacts/"
People = dict[str, dict[str, Any]]


Rejects = Sequence[tuple[str, str]]  # person and reason, one for each entry that is open
Sync = Callable[[People, str], tuple[int, Rejects]]  # people and moment to rows sent and rejects


def wanted(count: int) -> People:
    """Values by person; the first ten have a level that the portal does not know."""
    return {
        key(number): {
            "roleplay_readiness": 71.5,
            "roleplay_level": "guru" if number <= INVALID else "proficient",
            "roleplay_certified_on": "2026-10-30",
            "roleplay_source": f"session s-{number}, rubric discovery 2",
        }
        for number in range(1, count + 1)
    }


def scenario(portal: Portal, sync: Sync, count: int) -> dict[str, dict[str, int]]:
    """The four syncs of one tool."""
    people, contacts = wanted(count), portal.tables["contacts"]
    found: dict[str, dict[str, int]] = {}
    for day, step in enumerate(STEPS, 1):
        if step == "mended":
            contacts.limit_options("roleplay_level", LEVELS)
        elif step == "some_changed":
            for person in list(people)[::SHARE]:
                people[person]["roleplay_readiness"] = 80.0
        _next_day(portal)
        before = {row.id: row.modified for row in contacts}
        portal.faults.calls.clear()
        sent, rejects = sync(people, f"2026-11-{day:02d}T06:00:00Z")
        found[step] = {
            "rows_sent": sent,
            "stored": sum(row.modified != before[row.id] for row in contacts),
            "calls": len(portal.faults.calls),
            "rejects_open": len(rejects),
            "rejects_named": len({person for person, reason in rejects if person and reason}),
        }
    return found


def _next_day(portal: Portal) -> None:
    assert isinstance(portal.clock, Clock)
    portal.clock.forward(86_400)


def ours(folder: Path, portal: Portal, address: str) -> Sync:
    """Our writer and its ledger, preflight and read-back included."""
    os.environ["HS_TOKEN"] = portal.service_key()
    options = {"calls_a_minute": 10_000_000}
    connector = CrmConnector(
        name="hs", system="hubspot", tenant="acme", url=address, secrets={"token": "HS_TOKEN"}, options=options
    )
    ledger = Ledger(State.open(f"sqlite:///{folder / 'state.db'}"))

    def sync(people: People, _: str) -> tuple[int, Rejects]:
        crm = Hubspot(connector)
        done = write_back(ledger, crm.sink(WRITING, {person: person for person in people}), people, again=True)
        crm.close()
        reasons = codes(ledger)
        refused = ledger.intents(TARGET).filter(state="refused").get_column("key")
        return done.report.counts.planned, [(person, reasons[person][1]) for person in refused]

    return sync


def theirs(folder: Path, portal: Portal, authority: Authority, tunnel: str, mode: drt.Mode) -> Sync:
    """Drt as a process; by the column, its command for rejects follows every run."""
    project = drt.Project(folder, mode, UNIQUE, portal.service_key(), authority, tunnel)

    def sync(people: People, moment: str) -> tuple[int, Rejects]:
        project.hold(people, moment)
        ran = project.run()
        if mode == "incremental":
            ran = project.run("retry", drt.SYNC)
        letters = [(str(letter["record"]["key"]), str(letter["error_message"])) for letter in ran.rejects]
        return portal.faults.made(SENT), letters

    return sync


@contextmanager
def served(authority: Authority, count: int) -> Iterator[tuple[Portal, str]]:
    """A portal with people, over TLS."""
    portal = Portal(clock=Clock())
    fill_portal(portal, people=count)
    with served_portal(portal, authority) as address:
        yield portal, address


def compare(folder: Path, count: int) -> dict[str, object]:
    """Every tool's four syncs."""
    authority = Authority(folder, drt.HUBSPOT)
    os.environ["SSL_CERT_FILE"] = str(authority.trust)
    figures: dict[str, object] = {"people": count, "invalid": INVALID}
    with served(authority, count) as (portal, address):
        figures["rolecall"] = scenario(portal, ours(folder, portal, address), count)
    modes: tuple[drt.Mode, ...] = ("full", "incremental")
    for mode in modes:
        with served(authority, count) as (portal, address), drt.tunnel(address) as tunnel:
            sync = theirs(folder / mode, portal, authority, tunnel, mode)
            figures[f"drt_{mode}"] = scenario(portal, sync, count)
    return figures


def main(argv: Sequence[str] | None = None) -> None:
    """Compare and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=2_000)
    given = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        figures = compare(Path(name), given.people)
    record("reverse_etl", figures)
    print(figures)


if __name__ == "__main__":
    main()
