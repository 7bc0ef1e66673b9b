"""The language of each turn of a multilingual session: the engine does not say, and one session may mix several."""

import duckdb
import polars as pl

MULTILINGUAL = ("multilingual", "mul")
SHORTEST = 12  # characters; a shorter turn ("yes", "mm-hm") does not tell its language
SCHEMA = {
    "tenant": pl.String,
    "session_id": pl.String,
    "ordinal": pl.Int32,
    "language": pl.String,
}


def hear(con: duckdb.DuckDBPyConnection) -> bool:
    """Make the table ``heard``: the language of turns of multilingual sessions, from their words; whether it has any.

    Turns of other sessions are in their session's language, which sessions already holds.
    """
    listed = ", ".join(f"'{name}'" for name in MULTILINGUAL)
    some = con.sql(f"select 1 from facts where language in ({listed}) limit 1").fetchall()
    rows = (
        con.sql(f"""
        select tenant, session_id, unnest(range(len(turns)))::integer as ordinal, unnest(turns).text as text
        from parts
        where (tenant, session_id) in (select (tenant, session_id) from facts where language in ({listed}))
    """).fetchall()
        if some
        else []
    )
    found = []
    if rows:
        import py3langid  # its model takes a second to load, and most runs have no multilingual session

        for tenant, session_id, ordinal, text in rows:
            if text is not None and len(text) >= SHORTEST:
                found.append((tenant, session_id, ordinal, py3langid.classify(text)[0]))
    con.register("heard", pl.DataFrame(found, schema=SCHEMA, orient="row"))
    return bool(found)
