"""Ids that are the same wherever and whenever they are made: statements, registrations, activities, accounts.

The recipe of statement ids is fixed by docs/decisions/0010-statement-identity.md. Changing anything here gives every
statement a second identity in every LRS that has it.
"""

import hashlib
import uuid
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import orjson

from integrations.xapi.vocabulary import IDS, PROFILE, Kind

ROOT = uuid.uuid5(uuid.NAMESPACE_URL, PROFILE)


@lru_cache(maxsize=1024)
def namespace(tenant: str) -> bytes:
    """The 16 bytes of a tenant's namespace: two tenants never share an id, whatever their sessions are called."""
    return uuid.uuid5(ROOT, tenant).bytes


def statement_id(
    tenant: str, session_id: str, kind: Kind, subject: Sequence[str], facts: Sequence[Any], again: int = 0
) -> str:
    """UUIDv5 of a statement: other facts are another statement, in whatever order they arrive.

    ``again`` counts how often the same facts came back after they were voided.
    """
    parts = [session_id, kind, subject, facts]
    return uuid5(namespace(tenant), orjson.dumps(parts if again == 0 else [*parts, again]))


def voiding_id(tenant: str, voided: str) -> str:
    """UUIDv5 of the statement that voids another: there is one at most."""
    return uuid5(namespace(tenant), orjson.dumps([Kind.VOIDING, voided]))


@lru_cache(maxsize=4096)
def registration(tenant: str, session_id: str) -> str:
    """UUIDv5 that ties a session's statements together."""
    return uuid5(namespace(tenant), orjson.dumps(["registration", session_id]))


def uuid5(space: bytes, name: bytes) -> str:
    """``str(uuid.uuid5(…))`` without the object in between, which costs more than the hash."""
    digest = bytearray(hashlib.sha1(space + name, usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def iri(tenant: str, *steps: str) -> str:
    """IRI of something that belongs to a tenant; steps may hold any characters."""
    return "/".join((IDS, quote(tenant, safe=""), *(quote(step, safe=":") for step in steps)))


def home_page(tenant: str) -> str:
    """``account.homePage`` of pseudonymous people."""
    return iri(tenant, "people")


def system_home_page(tenant: str) -> str:
    """``account.homePage`` of the pipeline itself, the actor of voidings."""
    return iri(tenant, "systems")
