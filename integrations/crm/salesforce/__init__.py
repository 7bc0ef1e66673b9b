"""Salesforce: REST and Bulk 2.0, read by (SystemModstamp, Id), written by Id.

``session`` signs in and calls, ``fields`` knows the catalogue and types, ``bulk`` runs jobs, ``reader`` and ``writer``
are the two directions.
"""

from integrations.crm.salesforce.reader import Salesforce

__all__ = ["Salesforce"]
