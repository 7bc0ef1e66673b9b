"""``rolecall sync lrs`` behind the command: issue what is due, then deliver to one destination after the other."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from assets.exports.delivery import Bodies, Delivered, Planned, Post, Wish
from assets.lake import Lake
from governance.identities import Identities
from governance.secrets import secret_key
from governance.settings import Settings
from governance.state import State
from integrations.sync.base import SyncError
from integrations.sync.ledger import Ledger
from integrations.sync.sender import Progress
from integrations.xapi.destinations import Destination, deliverable, load
from integrations.xapi.files import write_lines
from pipelines.problems import Problem

Say = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """What one call of ``rolecall sync lrs`` may change. ``recheck`` None: as each destination says."""

    tenant: str | None = None
    again: bool = False
    recheck: bool | None = None


def chosen(config: Path, connector: str | None) -> list[tuple[str, Destination]]:
    """The destinations to deliver to: the named one, or every enabled one.

    Raises:
        Problem: there is none.
    """
    if connector is not None:
        destination = load(config, connector)
        if destination.url is None:
            raise Problem(
                f"{connector} has no url", f"Add url: to config/connectors/{connector}.yaml; see docs/sync.md"
            )
        return [(connector, destination)]
    found = list(deliverable(config))
    if not found:
        raise Problem(
            "There is no LRS to deliver to",
            f"Write {config / 'connectors'}/NAME.yaml with kind: xapi; see docs/sync.md",
        )
    return found


@contextmanager
def post(settings: Settings) -> Iterator[Post]:
    """The home's statements and ledger, opened."""
    state = State.open(settings.database_url)
    try:
        yield Post(Lake(settings.lake), Ledger(state), Identities(state, secret_key(settings)))
    finally:
        state.close()


def wish(name: str, destination: Destination, options: Options) -> Wish:
    """What the options make of a destination."""
    recheck = {None: destination.recheck, True: None, False: 0}[options.recheck]
    return Wish(name, destination, options.tenant, options.again, recheck)


def preview(settings: Settings, connector: str | None, options: Options, lines: Path | None) -> dict[str, Planned]:
    """What would be sent, by destination; ``lines`` is a folder for the very statements. Nobody is asked or told."""
    found = {}
    with post(settings) as opened:
        for name, destination in chosen(settings.config, connector):
            planned = opened.plan(wish(name, destination, options), datetime.now(UTC))
            found[name] = planned
            if lines is not None:
                bodies = Bodies(opened.lake, destination, opened.identities).outgoing(planned)
                write_lines(lines / f"{name}.jsonl", (each.payload for each in bodies))
    return found


def send(
    settings: Settings, connector: str | None, options: Options, progress: Callable[[str], Progress]
) -> Iterator[Delivered | tuple[str, Exception]]:
    """Deliver to each destination; one that fails is given with its error and does not hold up the others."""
    with post(settings) as opened:
        for name, destination in chosen(settings.config, connector):
            try:
                yield opened.deliver(wish(name, destination, options), progress=progress(name))
            except SyncError as error:
                yield name, error
