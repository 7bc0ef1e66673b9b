"""What happens to deliveries on their way: lost, late, doubled, overtaken, cut short, without a time zone."""

from collections import Counter
from collections.abc import Sequence
from copy import deepcopy
from datetime import datetime, timedelta
from random import Random

import orjson

from integrations.engine.simulator.session import iso
from integrations.engine.simulator.settings import Uglies
from integrations.engine.simulator.wire import Event

Line = tuple[str, bytes]  # received_at as sortable text, the line of deliveries.jsonl


def on_the_way(
    rng: Random, events: Sequence[Event], uglies: Uglies, tally: Counter[str], close: datetime
) -> list[Event]:
    """The deliveries that arrive, with the times they arrive at; a late one still arrives before the period's close."""
    arriving: list[Event] = []
    times: list[datetime] = []
    if rng.random() < uglies.shuffled:
        tally["shuffled_sessions"] += 1
        times = [event.received_at for event in events]
        rng.shuffle(times)
    for index, event in enumerate(events):
        if not event.essential and rng.random() < uglies.lost:
            tally["lost"] += 1
            continue
        if times:
            event.received_at = max(times[index], event.at)
        if rng.random() < uglies.late:
            tally["late"] += 1
            due = event.received_at + timedelta(hours=rng.uniform(2, 24 * 20))
            event.received_at = max(event.received_at, min(due, close))
        arriving.append(event)
        if rng.random() < uglies.duplicate and event.channel in ("webhook", "tool"):
            tally["duplicates"] += 1
            again = event.received_at + timedelta(seconds=rng.uniform(1, 400))
            arriving.append(Event(event.channel, event.at, again, event.body, event.headers))
    return arriving


def line(event: Event) -> Line:
    """One line of deliveries.jsonl."""
    received = iso(event.received_at, millis=True)
    content = {"channel": event.channel, "received_at": received, "body": event.body}
    if event.headers:
        content["headers"] = event.headers
    return received, orjson.dumps(content)


def spoilt(rng: Random, events: Sequence[Event], uglies: Uglies, tally: Counter[str]) -> list[Line]:
    """Extra lines that have to be refused: cut short, or with a time that has no offset."""
    found: list[Line] = []
    for event in events:
        if rng.random() < uglies.malformed:
            tally["malformed"] += 1
            received, text = line(event)
            found.append((received, text[: len(text) // 2]))
        if event.channel == "webhook" and isinstance(event.body, dict) and rng.random() < uglies.naive_time:
            tally["naive_time"] += 1
            body = deepcopy(event.body)
            body["timestamp"] = body["timestamp"].removesuffix("Z")
            found.append(line(Event("webhook", event.at, event.received_at, body)))
    return found
