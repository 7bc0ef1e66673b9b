"""CRM systems: outcomes in, readiness out. One file a system; ``base`` is what they have in common."""
