"""Escalations at the gateway: what was just heard opens cases and tells people, beside the path of deliveries."""

import json
import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor

from governance.escalations import Case, Escalations, Signal
from governance.inbox import InboxRow, Parcel
from governance.settings import Settings
from integrations.engine import vocabulary
from integrations.engine.canonical import content
from integrations.notices import notify

LOG = logging.getLogger("rolecall.escalations")
KINDS = {vocabulary.GUARDRAIL: ("guardrail", "triggered"), vocabulary.OBJECTIVE_COMPLETED: ("objective", "completed")}


Heard = Parcel | InboxRow


class Watch:
    """Opens cases on a thread of its own: a case never delays the answer to a delivery."""

    def __init__(self, settings: Settings, escalations: Escalations, thread: Executor) -> None:
        self.settings = settings
        self.escalations = escalations
        self.thread = thread

    def heard(self, parcels: Sequence[Heard]) -> None:
        """Take note of parcels that are durable; returns at once."""
        wanted = [parcel for parcel in parcels if parcel.event_type in KINDS]
        if wanted:
            self.thread.submit(self._open, wanted)

    def _open(self, parcels: Sequence[Heard]) -> None:
        try:
            for case in self.open(parcels):
                notify(self.settings, case)
        except Exception:
            LOG.exception("cases of %d signals were not opened; they are once the gateway starts again", len(parcels))

    def open(self, parcels: Iterable[Heard]) -> list[Case]:
        """Open the cases that the rules ask for; those that are new."""
        return self.escalations.open(signal for parcel in parcels if (signal := signal_of(parcel)) is not None)


def signal_of(parcel: Heard) -> Signal | None:
    """The guardrail or objective that a parcel tells of; ``None`` where it names none."""
    kind = KINDS.get(parcel.event_type)
    if kind is None:
        return None
    fields = content(parcel.event_type, json.loads(parcel.body))
    name = fields.get("name") or fields.get("guardrail_uuid")
    if not isinstance(name, str):
        return None
    return Signal(parcel.tenant, parcel.session_id, kind[0], name, kind[1], parcel.received_at)
