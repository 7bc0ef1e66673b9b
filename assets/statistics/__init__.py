"""Statistics that SQL cannot do: pure functions over Polars frames, whose rows become marts.

Nothing here knows Dagster, files or a database. statsmodels, lifelines and pyfixest are imported where they are used:
each costs a second or two, which a run without outcomes need not pay.
"""
