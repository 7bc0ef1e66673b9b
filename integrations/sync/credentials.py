"""Secrets of connectors: from the environment or ``.env``, never from a file of the configuration."""

import os
import re
from collections.abc import Mapping

from dotenv import dotenv_values

from integrations.sync.base import SyncError

DOTENV = ".env"


def variable(connector: str, field: str) -> str:
    """``ROLECALL_<CONNECTOR>_<FIELD>`` in capitals: ``acme-lrs`` and ``secret`` give ``ROLECALL_ACME_LRS_SECRET``."""
    return "_".join(("ROLECALL", *(re.sub(r"[^A-Za-z0-9]+", "_", part).upper() for part in (connector, field))))


def secret(connector: str, field: str, environ: Mapping[str, str] | None = None) -> str:
    """A secret that the connector cannot do without.

    Raises:
        SyncError: the variable is not set; the text names it.
    """
    found = optional_secret(connector, field, environ)
    if found is None:
        name = variable(connector, field)
        raise SyncError(f"connector {connector}: {name} is not set", f"Put {name} into the environment or into .env")
    return found


def optional_secret(connector: str, field: str, environ: Mapping[str, str] | None = None) -> str | None:
    """A secret that may be absent; an empty variable is one that is not set."""
    name = variable(connector, field)
    given = os.environ if environ is None else environ
    return given.get(name) or (dotenv_values(DOTENV).get(name) if environ is None else None) or None
