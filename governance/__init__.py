"""WHO MAY, AND WHAT IS PROVEN: settings, state, gate, identities, catalog."""
