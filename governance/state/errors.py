"""What can go wrong with the state database, said for whoever has to mend it."""


class StateError(Exception):
    """The state database cannot be used; the message says what to do."""
