"""One writer at a time for a subject whose new value depends on what is stored."""

from sqlalchemy import Connection, text


def lock(connection: Connection, subject: str) -> None:
    """Let one writer at a time handle ``subject`` until its transaction ends.

    SQLite's write transactions exclude each other anyway; PostgreSQL takes an advisory lock.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("select pg_advisory_xact_lock(hashtext(:subject))"), {"subject": f"rolecall/{subject}"})
