"""Delivery through the sync engine against a bare HTTP sender: same statements, same batch size, same LRS.

    python -m benchmarks.delivery [--statements 4000] [--batch 200] [--rounds 3]

The LRS is npm's xapi-statements, in a process of its own. Ours writes an intent before each call and an acknowledgement
after it, durably; the bare sender keeps its connection and remembers nothing. Rounds alternate and the median of their
ratios counts, so that other work on the machine and the growing LRS fall on both.
"""

import argparse
import statistics
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import httpx
from support.lrs import HEADERS, Peer, xapi_statements

from benchmarks.results import record
from benchmarks.xapi import NAMES, session
from governance.state import State
from integrations.sync.base import Limits, Outgoing
from integrations.sync.batching import batches
from integrations.sync.ledger import Ledger
from integrations.sync.sender import deliver
from integrations.sync.transport import Transport
from integrations.xapi.destinations import Destination
from integrations.xapi.lrs import Lrs
from integrations.xapi.rendering import render
from integrations.xapi.statements import Cast


def fresh(count: int) -> list[Outgoing]:
    """So many statements of role-play sessions, under ids that no LRS has."""
    cast, found = Cast(NAMES), []
    for each in (one for number in range(count // 14 + 1) for one in render(session(number), cast)):
        key = str(uuid.uuid4())
        found.append(Outgoing(key, each.body.replace(each.id.encode(), key.encode()), key, tenant="acme"))
    return found[:count]


def bare(peer: Peer, records: Sequence[Outgoing], size: int) -> float:
    """Statements a second, POST after POST on one connection."""
    begun = time.perf_counter()
    with httpx.Client(headers=HEADERS | {"content-type": "application/json"}, timeout=60) as http:
        for batch in batches(records, lambda each: len(each.payload), size, None):
            body = b"[" + b",".join(each.payload for each in batch) + b"]"
            http.post(f"{peer.url}/statements", content=body).raise_for_status()
    return len(records) / (time.perf_counter() - begun)


def ours(peer: Peer, ledger: Ledger, records: Sequence[Outgoing], size: int) -> float:
    """The same through intents, calls and acknowledgements."""
    destination = Destination(url=peer.url, auth="none", batch_count=size)
    sink = Lrs(destination, Transport(peer.url, headers=HEADERS))
    begun = time.perf_counter()
    with ledger.claim("benchmark", "lrs") as claim:
        report = deliver(claim, sink, records, planned=len(records), limits=Limits(size, None))
    spent = time.perf_counter() - begun
    sink.close()
    if report.counts.acknowledged != len(records):
        raise SystemExit(f"only {report.counts.acknowledged} of {len(records)} arrived: {report.stopped}")
    return len(records) / spent


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--statements", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args(argv)
    rounds = []
    with tempfile.TemporaryDirectory() as folder, xapi_statements(Path(folder) / "lrs") as peer:
        state = State.open(f"sqlite:///{folder}/state.db")
        bare(peer, fresh(given.batch * 2), given.batch)  # the LRS compiles its code on the first calls
        for _ in range(given.rounds):
            plain = bare(peer, fresh(given.statements), given.batch)
            rounds.append((ours(peer, Ledger(state), fresh(given.statements), given.batch), plain))
        state.close()
    figures: dict[str, object] = {
        "statements_per_s": round(statistics.median(mine for mine, _ in rounds)),
        "bare_sender_per_s": round(statistics.median(plain for _, plain in rounds)),
        "ratio": round(statistics.median(mine / plain for mine, plain in rounds), 2),
        "budget_ratio": 0.9,
        "batch": given.batch,
        "rounds": given.rounds,
    }
    record("delivery", figures)
    print(figures)


if __name__ == "__main__":
    main()
