"""Files in: learners, launches, engine deliveries, session bundles, outcomes, each to where it belongs.

Registries go to the state database, deliveries through the gate into the inbox, bundles and outcomes through it
into raw. Every file ends in a ``Tally`` whose counts add up; a bad line is refused and the rest goes on.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from assets.lake import Lake
from assets.raw.landing import Landing, Refusal
from governance.settings import Settings
from pipelines.recognise import Kind

if TYPE_CHECKING:
    from governance.gate import SignalPolicy
    from governance.identities import Identities
    from governance.launches import Launches
    from governance.recorded import Recorded
    from governance.state import State
    from integrations.engine.registries import Reject

WAIT_S = 600.0  # an ingest beside a running pipeline waits for its turn rather than fail


@dataclass(frozen=True)
class Tally:
    """What became of one file's rows; ``read == accepted + repeated + refused``."""

    kind: Kind
    source: Path
    read: int
    accepted: int
    repeated: int
    refused: int
    withheld: int = 0
    refusals: tuple[Refusal, ...] = ()

    @classmethod
    def of(cls, kind: Kind, source: Path, landing: Landing) -> "Tally":
        """The tally of a landing in raw."""
        counts = (landing.read, landing.accepted, landing.repeated, landing.refused)
        return cls(kind, source, *counts, landing.withheld, landing.refusals)


Progress = Callable[[Kind, Path, int], None]  # kind, file, rows so far


@dataclass(frozen=True)
class Desk:
    """What an ingest works with: opened once, shared by all its files."""

    settings: Settings
    state: "State"
    identities: "Identities"
    launches: "Launches"
    policy: "SignalPolicy"
    lake: Lake
    now: datetime
    tenant: str | None

    @classmethod
    def open(cls, settings: Settings, tenant: str | None, now: datetime | None = None) -> "Desk":
        """Open state, identities and policy; raises what they raise where one cannot be opened."""
        from governance.gate import SignalPolicy
        from governance.identities import Identities
        from governance.launches import Launches
        from governance.secrets import secret_key
        from governance.state import State

        state = State.open(settings.database_url)
        identities = Identities(state, secret_key(settings))
        policy = SignalPolicy.load(settings.config / "policy.yaml")
        lake = Lake(settings.lake)
        moment = now or datetime.now(UTC)
        return cls(settings, state, identities, Launches(state, identities), policy, lake, moment, tenant)


def ingest(desk: Desk, files: Sequence[tuple[Kind, Path]], progress: Progress) -> Iterator[Tally]:
    """Take the files in their order; yields each one's tally when it is done."""
    from pipelines import delivered

    for kind, path in files:
        progress(kind, path, 0)
        if kind is Kind.learners:
            yield _learners(desk, path)
        elif kind is Kind.launches:
            yield _launches(desk, path)
        elif kind is Kind.deliveries:
            yield delivered.take(desk, path, lambda rows, kind=kind, path=path: progress(kind, path, rows))
        else:
            yield _rows(desk, kind, path)


def _rows(desk: Desk, kind: Kind, path: Path) -> Tally:
    """Bundles and outcomes go to raw at once, in one vectorised read."""
    from assets.raw import bundles, outcomes

    common = {
        "lake": desk.lake,
        "state": desk.state,
        "identities": desk.identities,
        "received_at": desk.now,
        "tenant": desk.tenant,
    }
    with desk.lake.writing("rolecall ingest", wait_s=WAIT_S):
        if kind is Kind.bundles:
            (landing,) = bundles.land([path], policy=desk.policy, **common)
        else:
            (landing,) = outcomes.land([path], **common)
    return Tally.of(kind, path, landing)


def _learners(desk: Desk, path: Path) -> Tally:
    from integrations.engine.registries import read_learners

    reading = read_learners(path, desk.tenant)
    recorded = desk.identities.record(reading.records)
    return _registered(desk, Kind.learners, path, recorded, reading.rejects)


def _launches(desk: Desk, path: Path) -> Tally:
    from governance.privacy.erasure import REASON, RULE
    from integrations.engine.registries import read_launches

    reading = read_launches(path, desk.tenant)
    recorded = desk.launches.record(reading.records, desk.now)
    erased = [Refusal(None, RULE, REASON)] * recorded.erased
    return _registered(desk, Kind.launches, path, recorded, reading.rejects, erased)


def _registered(
    desk: Desk, kind: Kind, path: Path, recorded: "Recorded", rejects: Sequence["Reject"], more: Sequence[Refusal] = ()
) -> Tally:
    """What says the same as before is a repeat; what contradicts it replaces it, and counts as accepted."""
    refusals = (*(Refusal(bad.line, bad.rule, bad.reason) for bad in rejects), *more)
    accepted, repeated = recorded.new + recorded.changed, recorded.same
    tally = Tally(kind, path, accepted + repeated + len(refusals), accepted, repeated, len(refusals), 0, refusals)
    book(desk, tally)
    return tally


def book(desk: Desk, tally: Tally) -> None:
    """Write the batch and its refused lines to the state database, so that data health can show them."""
    from governance.batches import Batches

    batches = Batches(desk.state)
    batch = batches.open(tally.kind.value, tally.source.name, digest(tally.source), desk.tenant, desk.now)
    batches.settle(batch, tally)


def first_taken(desk: Desk, kind: Kind, path: Path) -> datetime:
    """When these very bytes were ingested first; now where they were not.

    A callback without a time of its own is told apart by the minute of its receipt. Taking the first one makes the
    same file again a repeat.
    """
    from governance.batches import Batches

    known = Batches(desk.state).frame()
    same = known.filter((known["sha256"] == digest(path)) & (known["kind"] == kind.value))["opened_at"]
    return min(same.to_list(), default=desk.now)


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
