"""The loop of a delivery: intents, call, answer, acknowledgements. The machine decides, the ledger remembers."""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from integrations.sync.base import Answer, Limits, Outgoing, Presence, Sighting, Sink, Whole
from integrations.sync.batching import batches
from integrations.sync.claim import Call, Claim, Counts
from integrations.sync.machine import SEND, Machine, Patience, Settled, Task

Progress = Callable[[int, int, str], None]
SLICE_S = 20.0  # longest sleep between two renewals of the lease


@dataclass(frozen=True, slots=True)
class Clock:
    """Time as the sender sees it; tests give their own."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True)
class Report:
    """What a delivery did; ``stopped`` says why it ended before its plan."""

    run_id: str
    counts: Counts
    stopped: str | None = None
    seconds: float = 0.0


@dataclass
class _Source:
    """Batches of the plan, within what is left of the daily budget."""

    batches: Iterator[list[Outgoing]]
    limits: Limits
    calls: int
    records: int
    held: list[Outgoing] = field(default_factory=list)

    def next(self) -> tuple[list[Outgoing], str | None]:
        """The next batch, or why there is none although the plan goes on."""
        self.held = self.held or next(self.batches, [])
        if not self.held:
            return [], None
        room = len(self.held)
        if self.limits.records_a_day is not None:
            room = min(room, self.limits.records_a_day - self.records)
        if room <= 0 or not self.callable():
            return [], "the daily budget is used up; the rest follows tomorrow"
        batch, self.held = self.held[:room], self.held[room:]
        self.records += len(batch)
        return batch, None

    def callable(self) -> bool:
        """Whether the budget allows another call."""
        return self.limits.calls_a_day is None or self.calls < self.limits.calls_a_day


def deliver(
    claim: Claim,
    sink: Sink,
    outgoing: Iterable[Outgoing],
    *,
    planned: int,
    unchanged: int = 0,
    limits: Limits | None = None,
    patience: Patience | None = None,
    progress: Progress | None = None,
    clock: Clock | None = None,
) -> Report:
    """Send what is due. Safe to kill at any moment: the next run reads back what this one left open.

    Raises whatever ends the process (a full disk, a lost lease); the run is then noted as failed.
    """
    return _Delivery(claim, sink, limits or Limits(), patience or Patience(), progress, clock or Clock()).run(
        outgoing, planned, unchanged
    )


class _Delivery:
    def __init__(
        self, claim: Claim, sink: Sink, limits: Limits, patience: Patience, progress: Progress | None, clock: Clock
    ) -> None:
        self.claim, self.sink, self.limits, self.clock = claim, sink, limits, clock
        self.machine = Machine(patience, clock.jitter)
        self.say = progress or (lambda _done, _total, _note: None)
        self.settled: list[Settled] = []
        self.calls: list[Call] = []

    def run(self, outgoing: Iterable[Outgoing], planned: int, unchanged: int) -> Report:
        started = self.clock.monotonic()
        self.claim.begin(planned, unchanged, self.clock.now())
        try:
            stopped = self._loop(outgoing)
        except BaseException as error:
            self.claim.end("failed", f"{type(error).__name__}: {error}", self.clock.now())
            raise
        if self.machine.pause_s is not None:
            until = self.clock.now() + timedelta(seconds=self.machine.pause_s)
            self.claim.pause(until, stopped or "", self.clock.now())
        self.claim.end("stopped" if stopped else "done", stopped, self.clock.now())
        return Report(self.claim.run_id, self.claim.counts, stopped, self.clock.monotonic() - started)

    def _loop(self, outgoing: Iterable[Outgoing]) -> str | None:
        spent = self.claim.spent(self.clock.now())
        cut = batches(outgoing, lambda each: len(each.payload), self.limits.batch_count, self.limits.batch_bytes)
        source = _Source(cut, self.limits, *spent)
        stopped = None
        while stopped is None:
            fresh: Sequence[Outgoing] = ()
            if self.machine.next is None:
                fresh, stopped = source.next()
                self.machine.offer(fresh)
            elif not source.callable():
                stopped = "the daily budget is used up; the rest follows tomorrow"
            self._write(fresh)
            task = self.machine.next
            if task is None or stopped is not None:
                break
            self._wait(task)
            self._call(task)
            source.calls += 1
            stopped = self.machine.stopped
        self._write(())
        return stopped

    def _write(self, fresh: Sequence[Outgoing]) -> None:
        """Acknowledgements of the last call and intents of the next in one transaction: one sync to disk a batch."""
        if fresh or self.settled or self.calls:
            self.claim.write(self.clock.now(), intents=fresh, settled=self.settled, calls=self.calls)
            self.settled, self.calls = [], []
        counts = self.claim.counts
        self.say(counts.planned - counts.left, counts.planned, "")

    def _wait(self, task: Task) -> None:
        while (rest := task.not_before - self.clock.monotonic()) > 0:
            counts = self.claim.counts
            self.say(counts.planned - counts.left, counts.planned, f"waiting {rest:.0f} s: {task.code} {task.reason}")
            self.clock.sleep(min(rest, SLICE_S))
            if rest > SLICE_S:
                self.claim.renew(self.clock.now())

    def _call(self, task: Task) -> None:
        at, started = self.clock.now(), self.clock.monotonic()
        if task.step == SEND:
            answer = self.sink.apply(task.records)
            settled = self.machine.answered(answer, self.clock.monotonic())
            verdict, code, reason = _of_answer(answer)
        else:
            seen = self.sink.read_back(task.records)
            settled = self.machine.sighted(seen, self.clock.monotonic())
            verdict, code, reason = _of_sightings(seen)
        self.settled.extend(settled)
        seconds = self.clock.monotonic() - started
        self.calls.append(Call(task.step, len(task.records), verdict, code, reason, at, seconds))


def _of_answer(answer: Answer) -> tuple[str, str, str]:
    if isinstance(answer, Whole):
        return answer.verdict.value, answer.code, answer.reason
    fates = sorted({each.fate.value for each in answer})
    code = next((each.code for each in answer if each.code), "")
    return "+".join(fates) or "nothing", code, ""


def _of_sightings(seen: Sequence[Sighting]) -> tuple[str, str, str]:
    found = sorted({each.presence.value for each in seen})
    reason = next((each.reason for each in seen if each.presence is Presence.UNKNOWN), "")
    return "+".join(found) or "nothing", "", reason
