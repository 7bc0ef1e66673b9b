"""WITH WHOM: partner systems in plain Python."""
