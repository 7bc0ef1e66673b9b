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
