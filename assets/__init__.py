"""WHAT is built: partitions, storage, contracts and the assets of each layer."""
