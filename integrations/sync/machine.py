"""What an answer means and which call comes next. No I/O, no clock of its own: tests drive it with any answers.

Tasks stand in a queue. The front one is sent or read back; what comes of it settles its records or puts smaller, later
or other tasks in its place. Every record offered is settled, or still in the queue when the machine stops.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from integrations.sync.base import (
    Answer,
    Fate,
    Outgoing,
    Presence,
    Result,
    Sighting,
    Verdict,
    Whole,
)
from integrations.sync.pacing import backoff, next_try

SEND: Literal["send"] = "send"
READ: Literal["read"] = "read"


@dataclass(frozen=True, slots=True)
class Patience:
    """When to split, give up on a record, or stop.

    ``barren`` counts calls in a row that stored nothing and told nothing: more than bisecting one bad record takes.
    """

    tries: int = 4
    split_after: int = 2
    barren: int = 24
    unsent: int = 8
    longest_wait_s: float = 120.0
    failure_share: float = 0.2
    failure_floor: int = 100


@dataclass(frozen=True, slots=True)
class Task:
    """Records that share the next call. ``known`` says that the target claimed to know one of them."""

    records: tuple[Outgoing, ...]
    step: Literal["send", "read"] = SEND
    tries: int = 0
    not_before: float = 0.0
    known: bool = False
    code: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Settled:
    """A record's end in this run. ``next_try_s`` counts from now, for ``RETRY`` and ``UNKNOWN``."""

    record: Outgoing
    fate: Fate
    code: str = ""
    reason: str = ""
    remote_id: str | None = None
    remote_version: str | None = None
    next_try_s: float | None = None


@dataclass
class Machine:
    """One run's decisions. ``jitter`` gives numbers in 0..1."""

    patience: Patience
    jitter: Callable[[], float]
    stopped: str | None = None
    pause_s: float | None = None
    _queue: deque[Task] = field(default_factory=deque)
    _barren: int = 0
    _unsent: int = 0
    _settled: int = 0
    _refused: int = 0

    def offer(self, records: Sequence[Outgoing]) -> None:
        """Put a batch at the end; what an earlier run may have sent is read back first."""
        doubtful = tuple(each for each in records if each.doubtful)
        others = tuple(each for each in records if not each.doubtful)
        if doubtful:
            self._queue.append(Task(doubtful, READ))
        if others:
            self._queue.append(Task(others))

    @property
    def next(self) -> Task | None:
        """The task whose call comes next; None where nothing waits."""
        return self._queue[0] if self._queue else None

    @property
    def pending(self) -> list[Outgoing]:
        """Records that are not settled."""
        return [record for task in self._queue for record in task.records]

    def answered(self, answer: Answer, now: float) -> list[Settled]:
        """Take the answer to the front task's sending."""
        task = self._queue.popleft()
        settled = self._whole(task, answer, now) if isinstance(answer, Whole) else self._results(task, answer, now)
        return self._counted(settled)

    def sighted(self, sightings: Sequence[Sighting], now: float) -> list[Settled]:
        """Take what was read back for the front task."""
        task = self._queue.popleft()
        settled: list[Settled] = []
        absent: list[Outgoing] = []
        unread: list[Outgoing] = []
        for record, seen in zip(task.records, sightings, strict=True):
            if seen.presence is Presence.SAME:
                settled.append(
                    Settled(record, Fate.STORED, remote_id=seen.remote_id, remote_version=seen.remote_version)
                )
            elif seen.presence is Presence.OTHER:
                settled.append(Settled(record, Fate.REFUSED, seen.code or "conflict", seen.reason))
            else:
                (absent if seen.presence is Presence.ABSENT else unread).append(record)
        if unread:
            why = next(each for each in sightings if each.presence is Presence.UNKNOWN)
            self._unread(replace(task, records=tuple(unread), code=why.code, reason=why.reason), now, settled)
        if absent:
            self._absent(task, tuple(absent), settled)
        return self._counted(settled)

    def _results(self, task: Task, results: Sequence[Result], now: float) -> list[Settled]:
        settled: list[Settled] = []
        unknown: list[Outgoing] = []
        for record, result in zip(task.records, results, strict=True):
            if result.fate is Fate.UNKNOWN:
                unknown.append(record)
            else:
                settled.append(self._of(record, result))
        if unknown:
            self._doubt(replace(task, records=tuple(unknown)), "unknown", "no answer for this record", now)
        return settled

    def _of(self, record: Outgoing, result: Result) -> Settled:
        later = result.fate is Fate.RETRY
        return Settled(
            record,
            result.fate,
            result.code,
            result.reason,
            result.remote_id,
            result.remote_version,
            next_try(record.attempt, self.jitter(), result.retry_after_s) if later else None,
        )

    def _whole(self, task: Task, answer: Whole, now: float) -> list[Settled]:
        settled: list[Settled] = []
        task = replace(task, code=answer.code, reason=answer.reason)
        match answer.verdict:
            case Verdict.REFUSED | Verdict.TOO_LARGE:
                self._split(task) if len(task.records) > 1 else settled.append(self._refuse(task))
            case Verdict.CONFLICT:
                self._conflict(task, settled)
            case Verdict.DENIED:
                self._stop(task, f"it refused the credentials or the right to write ({_said(task)})")
            case Verdict.THROTTLED | Verdict.UNSENT:
                self._again(task, answer, now)
            case Verdict.UNKNOWN:
                self._doubt(task, answer.code, answer.reason, now, answer.retry_after_s)
        return settled

    def _refuse(self, task: Task) -> Settled:
        (record,) = task.records
        return Settled(record, Fate.REFUSED, task.code, task.reason)

    def _conflict(self, task: Task, settled: list[Settled]) -> None:
        record, *others = task.records
        if others:
            self._split(task)
        elif task.known:  # it was looked for already and is not there: ask again another day
            settled.append(self._later(task, record, "the target says that it has it, yet does not show it"))
        else:
            self._queue.appendleft(replace(task, step=READ, known=True))

    def _absent(self, task: Task, absent: tuple[Outgoing, ...], settled: list[Settled]) -> None:
        if task.tries >= self.patience.tries and len(absent) == 1:
            settled.append(self._later(task, absent[0]))
        else:
            self._queue.appendleft(replace(task, records=absent, step=SEND, not_before=0.0))

    def _unread(self, task: Task, now: float, settled: list[Settled]) -> None:
        """The target could be asked neither: it counts as a failed call."""
        if self._spent(task):
            return
        tries = task.tries + 1
        if tries > self.patience.tries:  # whether they are there is left to the next run
            settled.extend(self._later(task, record, fate=Fate.UNKNOWN) for record in task.records)
            return
        self._queue.appendleft(replace(task, tries=tries, step=READ, not_before=now + backoff(tries, self.jitter())))

    def _doubt(self, task: Task, code: str, reason: str, now: float, asked_s: float | None = None) -> None:
        """Nobody knows what was stored: read back; from the second time on in halves, since one record may be it."""
        task = replace(task, tries=task.tries + 1, code=code, reason=reason)
        if self._spent(task):
            return
        if asked_s is not None and asked_s > self.patience.longest_wait_s:
            self._pause(task, asked_s)
            return
        task = replace(task, step=READ, not_before=now + backoff(task.tries, self.jitter(), asked_s))
        if len(task.records) > 1 and task.tries >= self.patience.split_after:
            self._split(task, tries=1)
        else:
            self._queue.appendleft(task)

    def _again(self, task: Task, answer: Whole, now: float) -> None:
        """Nothing was stored for sure: the same again, later."""
        self._unsent += 1
        asked_s = answer.retry_after_s
        if asked_s is not None and asked_s > self.patience.longest_wait_s:
            self._pause(task, asked_s)
        elif self._unsent >= self.patience.unsent:
            self._stop(task, f"it took nothing in {self._unsent} tries ({_said(task)})")
        else:
            wait = backoff(self._unsent, self.jitter(), asked_s)
            self._queue.appendleft(replace(task, not_before=now + wait))

    def _split(self, task: Task, tries: int | None = None) -> None:
        middle = len(task.records) // 2
        for part in (task.records[middle:], task.records[:middle]):
            self._queue.appendleft(replace(task, records=part, tries=task.tries if tries is None else tries))

    def _spent(self, task: Task) -> bool:
        self._barren += 1
        if self._barren >= self.patience.barren:
            self._stop(task, f"it gave no clear answer in {self._barren} calls ({_said(task)})")
        return self.stopped is not None

    def _later(self, task: Task, record: Outgoing, reason: str | None = None, fate: Fate = Fate.RETRY) -> Settled:
        wait = next_try(record.attempt, self.jitter())
        return Settled(record, fate, task.code, reason or task.reason, next_try_s=wait)

    def _pause(self, task: Task, seconds: float) -> None:
        self.pause_s = seconds
        self._stop(task, f"it asks to be left alone for {seconds:,.0f} s ({_said(task)})")

    def _stop(self, task: Task, why: str) -> None:
        self._queue.appendleft(task)
        self.stopped = why

    def _counted(self, settled: list[Settled]) -> list[Settled]:
        """Anything clear shows that the target lives; too many refusals show that the source is wrong, not a row."""
        if any(each.fate in (Fate.STORED, Fate.REFUSED) for each in settled):
            self._barren = self._unsent = 0
        self._settled += len(settled)
        self._refused += sum(each.fate is Fate.REFUSED for each in settled)
        share = self.patience.failure_share
        if (
            self.stopped is None
            and self._refused >= self.patience.failure_floor
            and self._refused > share * self._settled
        ):
            self.stopped = f"it refused {self._refused:,} of {self._settled:,} records, more than {share:.0%}"
        return settled


def _said(task: Task) -> str:
    return ": ".join(part for part in (task.code, task.reason) if part) or "no reason given"
