"""Resource classes that assets take as parameters. Thin: they open things; ``pipelines.environment`` binds them."""

from pathlib import Path

import dagster as dg

from assets.lake import Lake
from governance.catalog import Catalog
from governance.gate import SignalPolicy
from governance.identities import Identities
from governance.launches import Launches
from governance.secrets import secret_key
from governance.settings import Settings
from governance.state import State


class Workspace(dg.ConfigurableResource):
    """One Rolecall home with its configuration and state; everything unset comes from the settings."""

    home: str | None = None
    config: str | None = None
    state_url: str | None = None

    def settings(self) -> Settings:
        """The settings, with this resource's own values in front."""
        given = {
            name: value
            for name, value in (("home", self.home), ("config", self.config), ("state_url", self.state_url))
            if value is not None
        }
        return Settings().model_copy(update={k: Path(v).resolve() if k != "state_url" else v for k, v in given.items()})

    def lake(self) -> Lake:
        """The Parquet lake of the home."""
        return Lake(self.settings().lake)

    def state(self) -> State:
        """The state database, migrated to its newest schema."""
        return State.open(self.settings().database_url)

    def catalog(self) -> Catalog:
        """Rubrics, scenarios and competencies in force."""
        return Catalog.load(self.settings().config)

    def policy(self) -> SignalPolicy:
        """The signal policy in force."""
        return SignalPolicy.load(self.settings().config / "policy.yaml")

    def identities(self, state: State) -> Identities:
        """The identity store, with the home's secret."""
        return Identities(state, secret_key(self.settings()))

    def launches(self, state: State) -> Launches:
        """The launch registry."""
        return Launches(state, self.identities(state))
