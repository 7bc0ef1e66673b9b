"""What every landing has in common: its report, and what a refused line is told."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from governance.batches import Reject

Refusal = Reject  # the ledger's own record of a refused line


class LandingError(Exception):
    """A file that cannot be taken at all: which, why, and what to do."""


@dataclass(frozen=True)
class Landing:
    """What one landing did. ``read == accepted + repeated + refused``, checked where it is made.

    ``days`` are the days whose raw file changed. ``withheld`` counts dropped signals by (jurisdiction, class) and
    ``unknown_fields`` fields outside the allow-list by name; neither keeps a value.
    """

    batch_id: str
    read: int
    accepted: int
    repeated: int
    refused: int
    withheld: int = 0
    unknown_fields: dict[str, int] = field(default_factory=dict)
    days: tuple[date, ...] = ()
    refusals: tuple[Reject, ...] = ()

    def __post_init__(self) -> None:
        if self.read != self.accepted + self.repeated + self.refused:
            raise ValueError(
                f"{self.read} rows read, {self.accepted} accepted, {self.repeated} repeated, {self.refused} refused:"
                " the counts do not add up"
            )


def total(landings: Sequence[Landing]) -> Landing:
    """Several landings as one, for a summary; the batch id is that of the last."""
    unknown: dict[str, int] = {}
    for landing in landings:
        for name, count in landing.unknown_fields.items():
            unknown[name] = unknown.get(name, 0) + count
    return Landing(
        batch_id=landings[-1].batch_id if landings else "",
        read=sum(landing.read for landing in landings),
        accepted=sum(landing.accepted for landing in landings),
        repeated=sum(landing.repeated for landing in landings),
        refused=sum(landing.refused for landing in landings),
        withheld=sum(landing.withheld for landing in landings),
        unknown_fields=unknown,
        days=tuple(sorted({day for landing in landings for day in landing.days})),
        refusals=tuple(refusal for landing in landings for refusal in landing.refusals),
    )
