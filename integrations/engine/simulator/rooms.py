"""Conversations held in a browser: a room with a film of the talk, and the deliveries once it is over.

A conversation is played when it is made; its film loops in the room until somebody leaves. What the engine would call
back is then posted to the conversation's ``callback_url``, in the order in which it would come but without the waiting.
"""

import logging
import threading
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from html import escape
from pathlib import Path
from random import Random
from typing import Any

import httpx

from governance.catalog import Catalog
from governance.catalog_models import Scenario
from integrations.engine.simulator import video
from integrations.engine.simulator.people import learners
from integrations.engine.simulator.session import Played, Scorer, Slot, play
from integrations.engine.simulator.settings import Uglies
from integrations.engine.simulator.wire import Wire

Row = dict[str, Any]
LOG = logging.getLogger("rolecall.simulator")
SETTLED = timedelta(minutes=10)  # so that the last delivery, minutes after the end, is not from the future
FILMED_TURNS = 4
TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Held:
    """One conversation: what was said, and where its deliveries go."""

    played: Played
    callback_url: str | None
    context: str | None


class Rooms:
    """The rooms of one simulated engine; films are written below ``folder``."""

    def __init__(self, catalog: Catalog, folder: Path) -> None:
        self.catalog, self.folder = catalog, folder
        self.held: dict[str, Held] = {}
        self._personas = _personas(catalog)
        self._lock = threading.Lock()

    def open(self, row: Row, body: Row, now: datetime) -> None:
        """Play the conversation of a new row; a persona that no scenario has is played as the first scenario's."""
        conversation_id = row["conversation_id"]
        scenario, language = self._personas.get(str(body.get("persona_id") or body.get("pal_id"))) or next(
            iter(self._personas.values())
        )
        played = self._play(conversation_id, scenario, language, now)
        self.held[conversation_id] = Held(played, body.get("callback_url"), body.get("conversational_context"))

    def page(self, conversation_id: str) -> str | None:
        """The room as HTML; None where nobody made the conversation."""
        held = self.held.get(conversation_id)
        if held is None:
            return None
        person = held.played.slot.scenario.counterpart
        return _PAGE.format(name=escape(person.name), role=escape(person.role), id=escape(conversation_id))

    def film(self, conversation_id: str) -> Path | None:
        """The film of the first turns, rendered when it is first asked for."""
        held = self.held.get(conversation_id)
        if held is None:
            return None
        path = self.folder / f"{conversation_id}.mp4"
        with self._lock:
            if not path.exists():
                draft = path.with_name(f"draft-{path.name}")
                video.render(draft, held.played.turns[:FILMED_TURNS])
                draft.replace(path)
        return path

    def close(self, row: Row) -> int:
        """Post the deliveries of an ended conversation and put its events into the row; how many were taken."""
        held = self.held.get(row["conversation_id"])
        if held is None:
            return 0
        wire = Wire(Random(row["conversation_id"]), held.played, Uglies.none(), Counter(), None)
        events = sorted(wire.events(), key=lambda event: event.at)
        row["events"] = wire.row(events)["events"]
        return 0 if held.callback_url is None else _post(held.callback_url, [event.body for event in events])

    def _play(self, conversation_id: str, scenario: Scenario, language: str, now: datetime) -> Played:
        names = sorted(self.catalog.competencies)
        day = now.date()
        (person,) = learners(Random(conversation_id), 1, names, day, day)
        slot = Slot(
            number=0, engine="cvi", engine_session_id=conversation_id, learner=person, scenario=scenario,
            rubric=self.catalog.rubrics[scenario.rubric.id, scenario.rubric.version], language=language, attempt=1,
            assigned=True, at=now, ending="completed", is_test=False, scorer=Scorer("t-live", 0.0), brief=True,
            skills={name: person.skill(name) for name in person.start},
        )  # fmt: skip
        first = play(Random(conversation_id), slot, Uglies.none())
        slot = replace(slot, at=now - SETTLED - (first.ended_at - now))
        return play(Random(conversation_id), slot, Uglies.none())


def _personas(catalog: Catalog) -> dict[str, tuple[Scenario, str]]:
    """Scenario and language of each persona; the newest version of a scenario speaks for its personas."""
    return {
        persona: (scenario, language)
        for _, scenario in sorted(catalog.scenarios.items())
        if scenario.engine is not None
        for language, persona in scenario.engine.personas.items()
    }


def _post(address: str, bodies: list[Row | str]) -> int:
    taken = 0
    with httpx.Client(timeout=TIMEOUT_S) as client:
        for body in bodies:
            try:
                answer = client.post(address, json=body)
            except httpx.TransportError as error:
                LOG.warning("a delivery was lost: %s", type(error).__name__)
                continue
            taken += answer.is_success
    return taken


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Room</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ margin: 0; background: #181d28; color: #f5f5f5; font: 15px/1.4 system-ui, sans-serif; height: 100vh;
       display: grid; grid-template-rows: 1fr auto; }}
video {{ width: 100%; height: 100%; object-fit: contain; min-height: 0; }}
p {{ margin: 0; padding: .6rem 1rem; display: flex; gap: 1rem; align-items: center; justify-content: space-between; }}
button {{ font: inherit; padding: .45rem 1rem; border: 0; border-radius: .4rem; background: #b3261e; color: #fff; }}
</style></head>
<body><video src="/rooms/{id}/film.mp4" autoplay muted loop playsinline></video>
<p><span>{name}, {role}</span><button type="button" id="leave">Leave</button></p>
<script>
document.getElementById("leave").onclick = async () => {{
  await fetch("/rooms/{id}/leave", {{ method: "POST" }});
  document.body.innerHTML = "<p>You have left the room.</p>";
}};
</script></body></html>
"""
