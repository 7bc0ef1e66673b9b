"""HubSpot under its dated API versions: searched by what changed, written in batches to people who exist.

``portal`` calls and explains errors, ``properties`` knows the catalogue and types, ``reader`` and ``writer`` are the
two directions.
"""

from integrations.crm.hubspot.reader import Hubspot

__all__ = ["Hubspot"]
