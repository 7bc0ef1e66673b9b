"""The gateway's Prometheus metrics: how much came, was repeated, refused, withheld, and how long commits take.

Labels are channels, rules and signal classes only: no tenant, session or learner appears in a metric.
"""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

COMMIT_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class Meters:
    """One registry a gateway, so that two apps in one process (tests) do not count into each other."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.accepted = self._counter("accepted", "Deliveries stored for the first time", "channel")
        self.repeated = self._counter("repeated", "Deliveries that were stored before", "channel")
        self.refused = self._counter("refused", "Deliveries not taken, by rule", "channel", "rule")
        self.withheld = self._counter("withheld", "Fields dropped by the signal policy", "signal_class")
        self.unknown = self._counter("unknown_events", "Accepted deliveries of an unknown event type", "channel")
        self.commit = Histogram(
            "rolecall_gateway_commit_seconds",
            "From the prepared delivery to its durable commit",
            buckets=COMMIT_BUCKETS_S,
            registry=self.registry,
        )
        self.batch = Histogram(
            "rolecall_gateway_batch_requests",
            "Requests that shared one transaction",
            buckets=BATCH_BUCKETS,
            registry=self.registry,
        )
        self.depth = Gauge("rolecall_inbox_depth", "Deliveries that wait for the lake", registry=self.registry)
        self.oldest = Gauge("rolecall_inbox_oldest_seconds", "Age of the oldest of them", registry=self.registry)

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"rolecall_gateway_{name}", meaning, labels, registry=self.registry)

    def withhold(self, dropped: Mapping[str, int]) -> None:
        """Count what the gate dropped from one delivery."""
        for signal_class, count in dropped.items():
            self.withheld.labels(signal_class).inc(count)

    def watch(self, depth: float, oldest_s: float) -> None:
        """What the inbox holds at the moment of a scrape."""
        self.depth.set(depth)
        self.oldest.set(oldest_s)

    def text(self) -> bytes:
        """The exposition text of ``/metrics``."""
        return generate_latest(self.registry)
