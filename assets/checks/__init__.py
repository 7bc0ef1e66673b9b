"""Asset checks: contracts, expectations and reconciliation."""
