"""A cache of recording probes: an object that has not changed is not downloaded again."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from governance.state import State
from governance.state.bulk import among, upsert
from governance.state.models import MediaProbeRow

TABLE = MediaProbeRow.__table__.c


@dataclass(frozen=True, slots=True)
class CachedProbe:
    """What a probe found; ``stamp`` is the object's etag, or its size and time of change."""

    uri: str
    stamp: str
    result: dict[str, Any]
    probed_at: datetime


class MediaProbes:
    """Cached probes by address of the recording."""

    def __init__(self, state: State) -> None:
        self.state = state

    def known(self, uris: Iterable[str]) -> dict[str, CachedProbe]:
        """The cached probe of each address that has one; the caller compares the stamp."""
        found: dict[str, CachedProbe] = {}
        with self.state.reading() as session:
            for row in session.execute(select(*TABLE).where(among(session, TABLE.uri, uris))):
                found[row.uri] = CachedProbe(row.uri, row.stamp, row.result, row.probed_at)
        return found

    def remember(self, probes: Iterable[CachedProbe]) -> None:
        """Keep probes, each in place of an earlier one of the same address."""
        rows = {
            probe.uri: {
                "uri": probe.uri,
                "stamp": probe.stamp,
                "result": probe.result,
                "probed_at": probe.probed_at,
            }
            for probe in probes
        }
        with self.state.session() as session:
            upsert(session, MediaProbeRow, list(rows.values()))
