"""How often somebody may ask: a bucket of tokens per caller, refilled steadily, in the memory of one gateway."""

import threading
from dataclasses import dataclass, field


@dataclass
class Rates:
    """At most ``burst`` requests at once and ``per_minute`` over time for each key; old keys are forgotten."""

    burst: int
    per_minute: float
    most_keys: int = 50_000
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, key: str, now: float) -> float:
        """Seconds to wait before the next request; 0 where this one may go on. ``now`` in seconds of any clock."""
        with self._lock:
            if len(self._buckets) >= self.most_keys:
                self._forget(now)
            level, at = self._buckets.get(key, (float(self.burst), now))
            level = min(float(self.burst), level + (now - at) * self.per_minute / 60)
            if level < 1:
                self._buckets[key] = (level, now)
                return (1 - level) * 60 / self.per_minute
            self._buckets[key] = (level - 1, now)
            return 0.0

    def _forget(self, now: float) -> None:
        """Drop buckets that are full again."""
        full_after = self.burst * 60 / self.per_minute
        self._buckets = {key: value for key, value in self._buckets.items() if now - value[1] < full_after}
