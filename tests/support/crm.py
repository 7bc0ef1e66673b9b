"""A home that reads CRMs: connectors are files of its own, and every step is the one that the command takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from support.pipeline import Home

from assets.core import outcomes, plan, reported
from assets.raw import records
from assets.raw.records import EntityLanding
from governance.settings import PROJECT
from integrations.crm import config
from integrations.crm.base import Connector
from integrations.crm.systems import open_connector
from integrations.feeds import feeds

PEOPLE = [
    {"tenant": "acme", "learner_id": f"e{number}", "email": f"rep{number}@example.com", "hire_date": "2026-01-05"}
    for number in range(1, 6)
]


class CrmHome(Home):
    """A home with ``config/connectors`` of its own and the catalog of the project."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, folder / "config")
        (self.config / "connectors").mkdir(parents=True, exist_ok=True)
        for path in (PROJECT / "config").iterdir():
            if path.name != "connectors":
                (self.config / path.name).symlink_to(path)

    def write(self, name: str, content: dict[str, Any]) -> config.CrmConnector:
        """Write a connector's file and read it as a user's."""
        path = self.config / "connectors" / f"{name}.yaml"
        path.write_text(yaml.safe_dump({"kind": "crm", "tenant": "acme", **content}), "utf-8")
        return config.load(self.config, name)

    def know(self, people: list[dict[str, Any]]) -> None:
        """Put people into the directory."""
        from governance.identities import DirectoryEntry

        self.identities.record([DirectoryEntry.model_validate(person) for person in people])

    @contextmanager
    def opened(self, name: str) -> Iterator[Connector]:
        """The connector, closed afterwards."""
        connector = open_connector(config.load(self.config, name))
        try:
            yield connector
        finally:
            connector.close()

    def read(self, name: str, **options: Any) -> dict[str, EntityLanding]:
        """Read a connector and bring core/outcomes up to date."""
        with self.opened(name) as source:
            found = records.land(
                source,
                config.load(self.config, name),
                lake=self.lake,
                state=self.state,
                identities=self.identities,
                **options,
            )
        self.derive()
        return {landing.entity: landing for landing in found}

    def derive(self, now: datetime | None = None) -> None:
        """Outcomes of connectors, then core."""
        reported.refresh(self.lake, feeds(self.config), self.identities, now or datetime.now(UTC))
        stale = plan.stale_outcomes(self.lake)
        if stale:
            outcomes.build(self.lake, stale)

    def outcomes(self, columns: str = "kind, value, unit, reference, learner_key, attribution_rule") -> list[tuple]:
        """Rows of core/outcomes."""
        return self.rows("core/outcomes", columns)
