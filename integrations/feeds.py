"""Every feed of an installation: the part of a connector's file that says what its rows are, whoever the partner."""

from collections.abc import Sequence
from pathlib import Path

from integrations.crm import config as crm
from integrations.lms import config as lms
from integrations.mapping import Feed


def feeds(config: Path) -> Sequence[Feed]:
    """The feeds of all connectors, switched on or not: rows that have landed keep their meaning.

    Raises:
        ConnectorError: a connector's file is wrong; then nothing is derived rather than half of it.
    """
    return [connector for kind in (crm, lms) for connector in kind.connectors(config) if connector.read]
