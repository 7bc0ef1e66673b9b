"""Content digests of tables: equal rows give an equal digest, in whatever order they lie."""

import duckdb

# Two independent sums over row hashes: xor alone would not see a row that stands twice.
ROW_DIGEST = "count(*) || ':' || coalesce(bit_xor(hash(row_)), 0) || ':' || coalesce(sum(hash(row_) % 1000000007), 0)"


def table_digest(con: duckdb.DuckDBPyConnection, name: str) -> str:
    """Digest of a whole table."""
    ((digest,),) = con.sql(f'select {ROW_DIGEST} from "{name}" as row_').fetchall()
    return digest


def day_digests(con: duckdb.DuckDBPyConnection, name: str, days: list) -> dict:
    """Digest and rows of the given days of a table, by day; a day without rows is absent."""
    found = con.sql(
        f'select day, {ROW_DIGEST}, count(*) from "{name}" as row_ where day in (select unnest(?)) group by day',
        params=[days],
    ).fetchall()
    return {day: (digest, rows) for day, digest, rows in found}
