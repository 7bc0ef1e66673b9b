"""What a registry says after it took records in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recorded:
    """How many records were new, contradicted an earlier one, or said what was known already."""

    new: int = 0
    changed: int = 0
    same: int = 0
