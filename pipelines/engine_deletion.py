"""Asking the engine to delete the conversations of people who are erased, recordings and all."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from governance.names import engine_of
from governance.settings import Settings
from integrations.engine import vocabulary as v
from integrations.engine.pull import PullClient, PullError

LOG = logging.getLogger("rolecall.privacy")


@dataclass(frozen=True)
class Asked:
    """Conversations that the engine deleted for good (or had not any more), and those that it has to be asked for."""

    deleted: tuple[str, ...] = ()
    open: tuple[str, ...] = ()


def delete_at_engine(
    settings: Settings, sessions: Sequence[str], client: Callable[[Settings], PullClient | None] | None = None
) -> Asked:
    """Delete the engine's own copies of these sessions.

    Without a key, or where the engine does not answer, the rest stays open: an erasure here waits for nobody.
    """
    ids = [own for engine, own in map(engine_of, sessions) if engine == v.ENGINE]
    opened = (client or _client)(settings)
    if opened is None or not ids:
        return Asked(open=tuple(ids))
    with opened:
        for position, conversation in enumerate(ids):
            try:
                opened.delete(conversation)
            except PullError as error:
                LOG.warning("the engine did not delete %s conversations: %s", len(ids) - position, error)
                return Asked(tuple(ids[:position]), tuple(ids[position:]))
    return Asked(deleted=tuple(ids))


def _client(settings: Settings) -> PullClient | None:
    key = settings.engine_key
    return None if key is None else PullClient(settings.engine_url, key.get_secret_value())
