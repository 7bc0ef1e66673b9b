"""Core assets: typed, deduplicated, pseudonymous."""
