"""Content digests of tables: equal rows give an equal digest, in whatever order they lie."""

import duckdb

# Two independent sums over row hashes: xor alone would not see a row that stands twice.
ROW_DIGEST = "count(*) || ':' || coalesce(bit_xor(hash(row_)), 0) || ':' || coalesce(sum(hash(row_) % 1000000007), 0)"


def table_digest(con: duckdb.DuckDBPyConnection, name: str) -> str:
    """Digest of a whole table."""
    ((digest,),) = con.sql(f"select {ROW_DIGEST} from {name} as row_").fetchall()
    return digest
