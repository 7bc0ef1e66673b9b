"""Privacy of the people who practise: how long their data stays, what stops its erasure, and what is owed on request."""
