"""A home that the command delivers to several LRSs, and what each then holds beside what the ledger says."""

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import sqlalchemy as sa
from support.command import Command
from support.deliver import connect, secrets
from support.lrs import Peer
from support.pipeline import Home

from assets.exports.statements import PATH
from governance.settings import PROJECT
from governance.state.models import SyncCallRow
from integrations.sync.health import rejects
from integrations.sync.ledger import Ledger


@dataclass(frozen=True)
class Held:
    """Statements in force of the home that one LRS is to have.

    ``again`` counts the calls of a second sync that sent any.
    ``refused`` are those that the LRS did not take, by kind.
    """

    issued: int
    acknowledged: int
    held: int
    again: int
    refused: dict[str, int]

    @property
    def adds_up(self) -> bool:
        """Whether what is acknowledged is there once, the rest has its reason, and nothing went out a second time."""
        settled = self.acknowledged + sum(self.refused.values())
        return self.issued == settled and self.acknowledged == self.held > 0 and self.again == 0

    def figures(self) -> dict[str, object]:
        """As they are recorded."""
        return asdict(self)


def home_of_commands(folder: Path) -> tuple[Home, Command]:
    """The home in ``folder / "home"``, whose configuration is its own, as code and as commands."""
    shutil.copytree(PROJECT / "config", folder / "config")
    home = Home(folder / "home", folder / "config")
    return home, Command(home.folder, ROLECALL_CONFIG=str(home.config))


def deliver_twice(home: Home, rolecall: Command, peers: Sequence[Peer]) -> dict[str, Held]:
    """``rolecall sync lrs`` to all of them, twice, however long it takes."""
    rolecall.patience_s = 3_600
    for peer in peers:
        connect(home, peer.name, peer.url)
        rolecall.env |= secrets(peer.name)
    rolecall("sync", "lrs")
    sent = {peer.name: _calls(home, peer.name) for peer in peers}
    rolecall("sync", "lrs")
    again = {name: _calls(home, name) - before for name, before in sent.items()}
    return {peer.name: held(home, peer.name, peer, again[peer.name]) for peer in peers}


def held(home: Home, target: str, peer: Peer, again: int) -> Held:
    """What the LRS and the ledger hold."""
    kinds = dict(home.rows(PATH, "statement_id, kind"))
    in_force = _in_force(home)
    there = [each["id"] for each in peer.statements()]
    return Held(
        issued=len(in_force),
        acknowledged=Ledger(home.state).records(target).height,
        held=sum(each in in_force for each in there),
        again=again,
        refused=dict(Counter(kinds[key] for key in rejects(home.state).filter(target=target)["record_key"])),
    )


def _in_force(home: Home) -> set[str]:
    """Issued statements, without those that were voided before anybody had them and without their voidings."""
    rows = home.rows(PATH, "statement_id, voids")
    return {key for key, voids in rows if voids is None} - {voids for _, voids in rows}


def _calls(home: Home, target: str) -> int:
    """Calls so far that sent statements."""
    calls = SyncCallRow.__table__.c
    with home.state.reading() as session:
        return session.scalar(sa.select(sa.func.count()).where(calls.target == target, calls.step == "send")) or 0
