"""Reading connectors into raw: which are switched on, one after the other, each with its own outcome."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from assets.lake import Lake
from assets.raw import records
from assets.raw.landing import LandingError
from assets.raw.records import EntityLanding
from governance.identities import Identities
from governance.state import State
from integrations.connectors import ConnectorError
from integrations.crm import config as crm
from integrations.crm.config import CrmConnector
from integrations.crm.systems import open_connector
from integrations.feeds import feeds
from integrations.lms import config as lms
from integrations.lms.config import LmsConnector
from integrations.lms.systems import open_source
from integrations.sources import Source, SourceError

Outcome = list[EntityLanding] | Exception


def read_all(config: Path, *, lake: Lake, state: State, identities: Identities) -> Mapping[str, Outcome]:
    """Read every connector that is switched on; one that fails leaves its reason instead of its counts."""
    done: dict[str, Outcome] = {}
    for connector in (*crm.connectors(config), *lms.connectors(config)):
        if not connector.enabled or not connector.read:
            continue
        try:
            done[connector.name] = read(connector, lake=lake, state=state, identities=identities)
        except (SourceError, ConnectorError, LandingError) as error:
            done[connector.name] = error
    return done


def read(connector: CrmConnector | LmsConnector, **given: Any) -> list[EntityLanding]:
    """Read one connector; ``given`` as for ``records.land``.

    Raises:
        SourceError, ConnectorError, LandingError, LakeBusyError
    """
    source: Source = open_source(connector) if isinstance(connector, LmsConnector) else open_connector(connector)
    try:
        return records.land(source, connector, **given)
    finally:
        source.close()


def figures(outcome: Outcome) -> Any:
    """Counts for a run's record; nothing of a row."""
    if isinstance(outcome, Exception):
        return str(outcome)
    return [{name: value for name, value in asdict(each).items() if name != "reasons"} for each in outcome]


__all__ = ["feeds", "figures", "read", "read_all"]
