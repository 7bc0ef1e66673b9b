"""Session bundles: the neutral format for any other engine and for history."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel


class SessionBundle(BaseModel):
    """One session, format ``rolecall.session/1``."""


def merge(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Several bundles of ONE session (rows with BUNDLE_PARTS) → one such row, whatever their order."""
    raise NotImplementedError
