"""What a registry says after it took records in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recorded:
    """How many records were new, contradicted an earlier one, said what was known, or were of erased sessions."""

    new: int = 0
    changed: int = 0
    same: int = 0
    erased: int = 0
