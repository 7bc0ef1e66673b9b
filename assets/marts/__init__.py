"""Mart assets: one table a question."""
