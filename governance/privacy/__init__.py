"""Privacy of the people who practise: how long their data stays, what stops its erasure, what is owed on request."""
