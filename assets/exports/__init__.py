"""Export assets: what leaves for other systems."""
