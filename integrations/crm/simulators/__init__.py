"""Simulators of Salesforce and HubSpot: their wire formats over rows in memory, for tests and dry runs.

``salesforce.Org`` and ``hubspot.Portal`` hold the state, ``app()`` of each serves it. What they answer is judged by
the vendors' and others' public clients, not by our own connectors alone.
"""
