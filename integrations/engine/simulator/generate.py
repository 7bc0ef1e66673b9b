"""Writes a whole simulation into a folder; the same arguments give the same bytes."""

import csv
import gzip
import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any

import orjson

from governance.catalog import Catalog
from integrations.engine.simulator import bundles, callbacks, mishaps, outcomes, video
from integrations.engine.simulator.people import Learner, directory, learners
from integrations.engine.simulator.relay import Relay
from integrations.engine.simulator.schedule import slots
from integrations.engine.simulator.session import Played, Slot, iso, play
from integrations.engine.simulator.settings import Effects, Uglies
from integrations.engine.simulator.truth import Truth
from integrations.engine.simulator.wire import Event, Json, Recording, Wire

TENANT = "acme"
TOOL_SECRET = "simulated-tool-secret"  # noqa: S105 - signs made-up tool calls alone
API_KEY = "simulated-api-key"
CONVERSATIONS = "conversations.jsonl.gz"  # what the engine's API would answer; compressed, so that no ingest takes it


def generate(
    catalog: Catalog,
    sessions: int,
    seed: int,
    start: date,
    end: date,
    out: Path,
    *,
    tenant: str = TENANT,
    learner_count: int | None = None,
    generic: float = 0.15,
    videos: int = 3,
    uglies: Uglies | None = None,
    effects: Effects | None = None,
    tool_secret: str = TOOL_SECRET,
    progress: Callable[[int, int], None] | None = None,
) -> Truth:
    """Play ``sessions`` sessions from ``start`` to ``end`` and write everything below ``out``.

    Writes deliveries.jsonl, relay/*.jsonl, launches.jsonl, learners.jsonl, bundles.jsonl, outcomes.jsonl (deals and
    surveys), outcomes.csv (ramp and retention), recordings/*.mp4, truth.json, and what the API serves.

    Args:
        catalog: judged against; scenarios of kinds that the simulator can play are used, all their versions in turn.
        sessions: sessions to play, at least 1.
        seed: same seed, same files.
        start: first day (UTC).
        end: last day (UTC), not before ``start``.
        out: folder; files of an earlier simulation in it are replaced.
        tenant: written into launches, bundles and outcomes.
        learner_count: learners; by default enough for 6 to 7 sessions each and never under 45.
        generic: share of sessions that come as bundles of a second engine.
        videos: sessions with a real recording.
        uglies: shares of what goes wrong.
        effects: true effects on outcomes.
        tool_secret: signs tool deliveries.
        progress: called with (played, sessions) now and then.

    Raises:
        ValueError: an empty period, no session, or a catalog without a playable scenario.
    """
    if sessions < 1:
        raise ValueError("sessions must be at least 1")
    if end < start:
        raise ValueError(f"the first day, {start}, lies after the last, {end}")
    uglies, effects = uglies or Uglies(), effects or Effects()
    truth = Truth(tenant, seed, start, end, sessions, effects, uglies)
    people = learners(
        Random(f"{seed}/people"), learner_count or _crowd(sessions), sorted(catalog.competencies), start, end
    )
    stage = _Stage(out, truth, tool_secret)
    planned = slots(Random(f"{seed}/plan"), catalog, people, sessions, (start, end), videos, generic, uglies)
    history: dict[str, list[tuple[date, dict[str, float]]]] = {}
    for number, slot in enumerate(planned, 1):
        stage.take(play(Random(f"{seed}/play/{slot.number}"), slot, uglies), Random(f"{seed}/wire/{slot.number}"))
        history.setdefault(slot.learner.learner_id, []).append((slot.at.date(), _after(slot)))
        if progress and (number % 50 == 0 or number == sessions):
            progress(number, sessions)
    rows = _outcomes(Random(f"{seed}/outcomes"), people, history, (start, end), effects, tenant)
    truth.people(people)
    stage.finish(people, rows)
    return truth


def _crowd(sessions: int) -> int:
    """Learners for a number of sessions: 90 for 600, so that weeks × regions stay above the minimum cell."""
    return max(45, round(sessions / 6.7))


def _after(slot: Slot) -> dict[str, float]:
    """Skills that the session leaves behind."""
    practised = {item.competency for item in slot.rubric.criteria}
    gained = slot.ending not in ("no_show", "technical_failure") and not slot.is_test
    person = slot.learner
    if not gained:
        return slot.skills
    return {name: value if name not in practised else _next(person, name, value) for name, value in slot.skills.items()}


def _next(person: Learner, competency: str, value: float) -> float:
    """One more rehearsal along the learner's curve."""
    ceiling = person.ceiling[competency]
    one_step = (person.skill(competency, 1) - ceiling) / (person.start[competency] - ceiling)
    return ceiling - (ceiling - value) * one_step


def _outcomes(
    rng: Random, people: Sequence[Learner], history: outcomes.History, period: tuple[date, date], effects: Effects,
    tenant: str,
) -> dict[str, list[Json]]:  # fmt: skip
    return {
        "deals": outcomes.deals(rng, people, history, period, effects, tenant),
        "csat": outcomes.csat(rng, people, history, period, effects, tenant),
        "ramp": outcomes.ramp(rng, people, history, period[1], effects, tenant),
        "retention": outcomes.retention(rng, people, history, period, effects, tenant),
    }


class _Stage:
    """Collects what sessions leave behind and writes it in the order it would arrive."""

    def __init__(self, out: Path, truth: Truth, tool_secret: str) -> None:
        self.out, self.truth, self.tool_secret = out, truth, tool_secret
        self.deliveries: list[mishaps.Line] = []
        self.launches: list[Json] = []
        self.bundles: list[Json] = []
        self.rows: list[Json] = []
        self.relay = out / "relay"
        for folder in (self.relay, out / "recordings"):
            folder.mkdir(parents=True, exist_ok=True)
            for old in folder.iterdir():
                old.unlink()

    def take(self, played: Played, rng: Random) -> None:
        """One session of either engine."""
        self.truth.add(played)
        if played.slot.is_test:
            self.truth.counts["test_sessions"] += 1
        if played.slot.engine == "generic":
            self.bundles.append(bundles.bundle(rng, played, self.truth.tenant, self.truth.uglies, self.truth.counts))
        else:
            self._engine(played, rng)

    def _engine(self, played: Played, rng: Random) -> None:
        uglies, tally = self.truth.uglies, self.truth.counts
        film = self._film(played) if played.slot.brief and played.spoke else None
        wire = Wire(rng, played, uglies, tally, film)
        if not played.slot.is_test:
            self._launch(played, rng)
        # A test conversation is a row that is already ended: nothing is called back, only the pull finds it.
        webhooks = [] if played.slot.is_test else wire.events()
        row = wire.row(webhooks)
        self.rows.append(row)
        pulled_at = played.ended_at + timedelta(minutes=15, seconds=20)
        pull = Event("pull", pulled_at, pulled_at, row)
        if played.slot.is_test or (film is None and rng.random() < uglies.pull_only):
            tally["pull_only"] += 1
            self.deliveries.append(mishaps.line(pull))
            return
        events = webhooks + callbacks.objectives(rng, played, tally)
        if rng.random() >= uglies.guardrail_relay_only:
            events += callbacks.guardrails(rng, played, tally)
        events += callbacks.tools(rng, played, tally, self.tool_secret)
        self._relay(played, rng, film is not None)
        close = datetime.combine(self.truth.end, time.max, UTC)
        arriving = events if film else mishaps.on_the_way(rng, events, uglies, tally, close)
        if rng.random() < uglies.pull_too:
            tally["pull_too"] += 1
            arriving.append(pull)
        self.deliveries += map(mishaps.line, arriving)
        self.deliveries += mishaps.spoilt(rng, arriving, uglies, tally)

    def _launch(self, played: Played, rng: Random) -> None:
        uglies, slot = self.truth.uglies, played.slot
        if not slot.brief and rng.random() < uglies.no_launch:
            self.truth.counts["sessions_without_launch"] += 1
            return
        record = {"conversation_id": slot.engine_session_id, **bundles.launch(played, self.truth.tenant)}
        if rng.random() < uglies.late_launch:
            self.truth.late_launches.append(slot.engine_session_id)
        self.launches.append(record | {"launched_at": iso(slot.at - timedelta(seconds=rng.randrange(20, 90)))})

    def _relay(self, played: Played, rng: Random, always: bool) -> None:
        if not played.spoke or not (always or rng.random() < self.truth.uglies.relay):
            return
        lines = Relay(rng, played, self.truth.counts).lines()
        self.truth.counts["relay_files"] += 1
        self.truth.counts["relay_lines"] += len(lines)
        _write(self.relay / f"{played.slot.engine_session_id}.jsonl", lines)

    def _film(self, played: Played) -> Recording:
        path = self.out / "recordings" / f"{played.slot.engine_session_id}.mp4"
        seconds = video.render(path, played.turns)
        self.truth.counts["videos"] += 1
        return Recording(played.joined_at, round(seconds, 2), path.resolve().as_uri())

    def finish(self, people: Sequence[Learner], rows: dict[str, list[Json]]) -> None:
        """Write everything that was collected."""
        counts, out = self.truth.counts, self.out
        # Ties are broken by content, so that the file does not depend on the order of generation.
        _write(out / "deliveries.jsonl", [text for _, text in sorted(self.deliveries)])
        _write(out / "launches.jsonl", map(orjson.dumps, self.launches))
        _write(out / "learners.jsonl", map(orjson.dumps, directory(people, self.truth.tenant)))
        _write(out / "bundles.jsonl", map(orjson.dumps, self.bundles))
        _write(out / "outcomes.jsonl", map(orjson.dumps, sorted(rows["deals"] + rows["csat"], key=_when)))
        _write_csv(out / "outcomes.csv", sorted(rows["ramp"] + rows["retention"], key=_when))
        with gzip.GzipFile(out / CONVERSATIONS, "wb", compresslevel=3, mtime=0) as file:
            file.writelines(orjson.dumps(row) + b"\n" for row in self.rows)
        for name, found in rows.items():
            counts[f"outcomes_{name}"] = len(found)
        counts |= {
            "deliveries": len(self.deliveries),
            "launches": len(self.launches),
            "bundles": len(self.bundles),
            "learners": len(people),
            "late_launches": len(self.truth.late_launches),
        }
        self.truth.counts = counts
        self.truth.write(out / "truth.json")


def _when(row: Json) -> tuple[str, str]:
    return str(row["occurred_at"]), str(row["reference"])


def _write(path: Path, lines: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        file.writelines(line + b"\n" for line in lines)


def _write_csv(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    names = ["tenant", "learner_id", "kind", "value", "unit", "occurred_at", "reference", "exposure_from", "attributes"]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(row | {"attributes": orjson.dumps(row["attributes"]).decode()} for row in rows)


def fingerprint(out: Path) -> str:
    """SHA-256 over every file of a simulation, for comparing two of them.

    A recording counts by its streams' lengths: encoders round differently with where their memory lies, so that one
    film in a few hundred differs by a byte.
    """
    digest = hashlib.sha256()
    for path in sorted(item for item in out.rglob("*") if item.is_file()):
        content = video.lengths(path) if path.suffix == ".mp4" else path.read_bytes()
        digest.update(str(path.relative_to(out)).encode() + b"\0" + content)
    return digest.hexdigest()
