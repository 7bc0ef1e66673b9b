"""The audit chain: what was done, by whom and when, so that nothing in it can be altered unseen."""

from governance.audit.chain import Event, append

__all__ = ["Event", "append"]
