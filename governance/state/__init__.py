"""The state database: everything that must be known exactly and at once, on SQLite or PostgreSQL."""

from governance.state.database import State
from governance.state.errors import StateError

__all__ = ["State", "StateError"]
