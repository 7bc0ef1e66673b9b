"""What a recording really is: probed where it lies, never copied."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Probe:
    """Findings about one recording; ``status`` is one of core/media's, ``reason`` says why it is not available."""

    status: str
    reason: str | None = None
    duration_s: float | None = None
    size_bytes: int | None = None
    sha256: str | None = None
    kind: str | None = None


def probe(uri: str, declared_duration_s: float | None = None) -> Probe:
    """Existence, size, SHA-256, duration and kind of the object at ``uri``; never raises for a bad recording."""
    raise NotImplementedError
