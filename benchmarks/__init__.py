"""Reproducible measurements: each states a ratio against a peer or a limit taken in the same run."""
