"""Writing to several targets from one asset: a target that fails holds up no other, and is named at the end."""

from collections.abc import Callable, Iterable
from typing import Protocol

import dagster as dg

from integrations.connectors import ConnectorError
from integrations.sources import SourceError
from integrations.sync.base import SyncError
from integrations.sync.planner import Plan
from integrations.sync.sender import Report


class _Planned(Protocol):
    @property
    def plan(self) -> Plan: ...
    @property
    def unaddressed(self) -> int: ...


class Written(Protocol):
    """What one target took; ``report`` is None where nothing was due."""

    @property
    def planned(self) -> _Planned:
        """What was to be written."""
        ...

    @property
    def report(self) -> Report | None:
        """How it went."""
        ...


def write_each(writes: Iterable[tuple[str, Callable[[], Written]]], kind: str) -> dg.MaterializeResult:
    """Write to each named target; the figures of all of them are metadata under ``kind``.

    Raises:
        dagster.Failure: a target failed or stopped early; all others were written.
    """
    figures: dict[str, dict[str, int]] = {}
    failed: list[str] = []
    for name, write in writes:
        try:
            done = write()
        except (SyncError, SourceError, ConnectorError) as error:
            failed.append(f"{name}: {error}")
            continue
        counts = None if done.report is None else done.report.counts
        figures[name] = {
            "acknowledged": 0 if counts is None else counts.acknowledged,
            "refused": 0 if counts is None else counts.refused,
            "unchanged": done.planned.plan.counts["unchanged"],
            "unaddressed": done.planned.unaddressed,
        }
        if done.report is not None and done.report.stopped:
            failed.append(f"{name} stopped early: {done.report.stopped}")
    if failed:
        raise dg.Failure("; ".join(failed), metadata={kind: dg.MetadataValue.json(figures)})
    acknowledged = sum(each["acknowledged"] for each in figures.values())
    return dg.MaterializeResult(metadata={"dagster/row_count": acknowledged, kind: dg.MetadataValue.json(figures)})
