"""Names that travel through the whole product: what a tenant may be called and how a session is named."""

from typing import Annotated

from pydantic import StringConstraints

# A tenant's name becomes a folder below marts/ and exports/, hence no dots, slashes or capitals.
TENANT_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,62}$"

# Neither PostgreSQL nor a terminal takes control characters, and no name needs them.
PRINTABLE = r"^[^\x00-\x1f\x7f]*$"

Tenant = Annotated[str, StringConstraints(pattern=TENANT_PATTERN)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=PRINTABLE)]


def storable(text: str) -> str:
    """The text as both databases can store it: without NUL, and with broken surrogates written out."""
    return text.replace("\x00", "").encode("utf-8", "backslashreplace").decode()


def session_id(engine: str, engine_session_id: str) -> str:
    """``engine:engine_session_id``, unique within a tenant."""
    return f"{engine}:{engine_session_id}"


def engine_of(session: str) -> tuple[str, str]:
    """The engine and its own id; the id may itself hold colons."""
    engine, _, engine_session_id = session.partition(":")
    return engine, engine_session_id
