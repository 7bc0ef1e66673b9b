"""Engine deliveries for tests: bodies in, rows of raw/deliveries out, through the real reader and gate."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from governance.gate import SignalPolicy
from integrations.engine.delivery import prepare

ROOT = Path(__file__).resolve().parents[2]
POLICY = SignalPolicy.load(ROOT / "config" / "policy.yaml")
RUBRICS = {"submit_rubric": ("feedback", "3", {"empathy": "empathy", "clarity": "clarity"})}


def rows(
    deliveries: Iterable[Mapping[str, Any]], jurisdiction: str | None = "DE", policy: SignalPolicy = POLICY
) -> list[dict[str, Any]]:
    """Rows of raw/deliveries for ``{"channel", "received_at", "body"}`` items; repeats are not removed."""
    found: list[dict[str, Any]] = []
    for item in deliveries:
        received_at = datetime.fromisoformat(item["received_at"])
        parcels = prepare(
            item["body"], item["channel"], received_at, "acme", jurisdiction, policy, hint=item.get("hint")
        )
        found += [asdict(parcel) for parcel in parcels]
    return found
