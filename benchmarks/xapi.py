"""Rendering statements against tincan's objects and ``to_json``, on one core.

    python -m benchmarks.xapi [--sessions 4000] [--rounds 5]

Both sides start from what they are made of: ours from a session's facts, with ids and frozen bytes as the result;
tincan from a finished dictionary, so that its figure holds neither drafting nor ids. Rounds alternate and the median
ratio counts, so that other work on the machine falls on both.
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import orjson
import tincan

from benchmarks.results import record
from integrations.xapi.facts import Criterion, Evidence, Names, Score, Session, Watched
from integrations.xapi.rendering import render
from integrations.xapi.statements import Cast

START = datetime(2026, 11, 2, 9, tzinfo=UTC)
CRITERIA = ("client_profile", "risk_disclosure", "cost_disclosure", "plain_language", "understanding_check", "record")
NAMES = Names(
    scenarios={("suitability-fund", "1"): "Suitability talk: a fund for the inheritance"},
    rubrics={("suitability-disclosure", "1"): "Suitability and risk disclosure"},
    criteria={("suitability-disclosure", "1", each): each.replace("_", " ").capitalize() for each in CRITERIA},
)


def session(number: int) -> Session:
    """A scored session with six criteria, four objectives and a deviation: fourteen statements."""
    start = START + timedelta(minutes=number)
    criteria = [
        Criterion(each, 1 + (number + n) % 4, 1, 4, ((number + n) % 4) / 3, True, n < 3, "integrity",
                  [Evidence(n + 3, 12.25 + number % 60, 15.5 + number % 60)])
        for n, each in enumerate(CRITERIA)
    ]  # fmt: skip
    score = Score(
        "suitability-disclosure", "1", "engine_llm", "submit_suitability_v1", "2026-10", start + timedelta(minutes=15),
        0.4 + number % 50 / 100, number % 3 > 0, False, (), criteria,
    )  # fmt: skip
    watched = [Watched("objective", f"objective_{n}", 1, 60.0 * n + number % 50, "exact", "info") for n in range(4)]
    watched.append(
        Watched("guardrail", "no_guarantee_of_returns", 1, 301.5, "exact", "critical", "MiFID II Art. 24(3)")
    )
    return Session(
        "acme", f"cvi:c{number:07d}", start.date(), f"l_{number:032x}", start, "2026-11+0a1b2c3d",
        start + timedelta(seconds=746.25), 746.25, "completed", "suitability-fund", "1", 1, True, "en",
        [score], (), watched,
    )  # fmt: skip


def ours(sessions: Sequence[Session]) -> tuple[int, float]:
    """Statements rendered and seconds."""
    cast, count = Cast(NAMES), 0
    begun = time.process_time()
    for each in sessions:
        for _ in render(each, cast):
            count += 1
    return count, time.process_time() - begun


def theirs(statements: Sequence[dict]) -> tuple[int, float]:
    """The same with tincan."""
    begun = time.process_time()
    for each in statements:
        tincan.Statement(each).to_json()
    return len(statements), time.process_time() - begun


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args(argv)
    sessions = [session(number) for number in range(given.sessions)]
    cast = Cast(NAMES)
    sample = [orjson.loads(each.body) for one in sessions[: max(given.sessions // 40, 1)] for each in render(one, cast)]
    rounds = []
    for _ in range(given.rounds):
        count, spent = ours(sessions)
        peers, waited = theirs(sample)
        rounds.append((count / spent, peers / waited))
    ratio = statistics.median(mine / peer for mine, peer in rounds)
    figures: dict[str, object] = {
        "statements_per_s": round(statistics.median(mine for mine, _ in rounds)),
        "tincan_per_s": round(statistics.median(peer for _, peer in rounds)),
        "ratio": round(ratio, 1),
        "budget_ratio": 25,
        "rounds": given.rounds,
        "statements": given.sessions * 14,
    }
    record("xapi", figures)
    print(figures)


if __name__ == "__main__":
    main()
