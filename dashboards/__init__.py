"""WHO READS: pages over the published marts."""
