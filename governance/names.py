"""Names that travel through the whole product: what a tenant may be called and how a session is named."""

from typing import Annotated

from pydantic import StringConstraints

# A tenant's name becomes a folder below marts/ and exports/, hence no dots, slashes or capitals.
TENANT_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,62}$"

Tenant = Annotated[str, StringConstraints(pattern=TENANT_PATTERN)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


def session_id(engine: str, engine_session_id: str) -> str:
    """``engine:engine_session_id``, unique within a tenant."""
    return f"{engine}:{engine_session_id}"


def engine_of(session: str) -> tuple[str, str]:
    """The engine and its own id; the id may itself hold colons."""
    engine, _, engine_session_id = session.partition(":")
    return engine, engine_session_id
