"""Learning management systems: results read back, grades written server to server, both held against our own."""
