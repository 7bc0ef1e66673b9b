"""Raw assets: what arrived, after the gate."""
