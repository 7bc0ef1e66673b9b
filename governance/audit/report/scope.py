"""Which sessions a report is about."""

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from governance.audit.links import canonical, sha256


@dataclass(frozen=True)
class ReportScope:
    """Tenant, scenario, period and region; ``None`` does not narrow. Days are UTC, both included."""

    tenant: str
    scenario: str | None
    first: date
    last: date
    region: str | None = None

    @property
    def days(self) -> list[date]:
        """Every day of the period, in order."""
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    @property
    def mark(self) -> str:
        """The object under which a report of this scope stands in the audit chain."""
        return f"report:{sha256(canonical(self.plain()))[:16]}"

    def plain(self) -> dict[str, Any]:
        """JSON-ready, days as ``YYYY-MM-DD``."""
        return {name: str(value) if isinstance(value, date) else value for name, value in asdict(self).items()}
