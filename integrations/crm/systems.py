"""Which connector speaks which system; a module is imported when one of its kind is opened."""

from importlib import import_module
from typing import cast

from pydantic import ValidationError

from integrations.crm.base import Connector
from integrations.crm.config import ConnectorError, CrmConnector, System

CLASSES: dict[System, str] = {
    "salesforce": "Salesforce",
    "hubspot": "Hubspot",
    "tryton": "Tryton",
    "sql": "Sql",
    "files": "Files",
}


def open_connector(connector: CrmConnector) -> Connector:
    """The connector of a configuration; nothing is sent yet.

    Raises:
        ConnectorError: its options or secrets are not fit.
        SourceError: its address is not.
    """
    name = CLASSES.get(connector.system)
    if name is None:
        raise ConnectorError(f"connector {connector.name}: {connector.system} is not supported by this version")
    module = import_module(f"integrations.crm.{connector.system}")
    try:
        return cast("Connector", getattr(module, name)(connector))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in ("options", *first["loc"]))
        raise ConnectorError(f"connector {connector.name}: {place}: {first['msg']}") from error


def probe(connector: CrmConnector) -> str:
    """Log in, ask for every object that is read and for the fields that are written; what was found, in a few words.

    Raises:
        ConnectorError: options or secrets are not fit.
        SourceError: the system does not answer, refuses the login or lacks an object.
        SyncError: a field that is written is not there, or not fit.
    """
    source = open_connector(connector)
    try:
        for entity in connector.read.values():
            source.describe(entity.object)
        told = [f"objects to read: {len(connector.read)}"] if connector.read else []
        if connector.write is not None:
            source.sink(connector.write, {}).preflight()
            told.append(f"fields to write: {len(connector.write.fields)}")
        return ", ".join(told) or "neither reads nor writes"
    finally:
        source.close()
