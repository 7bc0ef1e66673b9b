"""The role-play engine: wire formats, normaliser, receiver, pull client."""
