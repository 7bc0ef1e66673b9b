"""From a session to its statements in bytes, and their 2.0 form."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from integrations.xapi.encoder import Draft, encode
from integrations.xapi.facts import Session
from integrations.xapi.identifiers import home_page, statement_id
from integrations.xapi.statements import Cast, drafts
from integrations.xapi.statements.scene import account
from integrations.xapi.vocabulary import Relevant

VERSIONS = ("1.0.3", "2.0")


class Rendered(NamedTuple):
    """One statement with its id and its frozen bytes."""

    id: str
    draft: Draft
    body: bytes


def render(session: Session, cast: Cast) -> Iterator[Rendered]:
    """Every statement that the session implies, as if none had been issued before."""
    for draft in drafts(session, cast):
        found = statement_id(session.tenant, session.session_id, draft.kind, draft.subject, draft.facts)
        yield Rendered(found, draft, encode(found, draft))


def identify(session: Session, draft: Draft, again: int = 0) -> str:
    """The id of a draft."""
    return statement_id(session.tenant, session.session_id, draft.kind, draft.subject, draft.facts, again)


def additions(session: Session) -> bytes | None:
    """The members that version 2.0 adds to a context: the manager and the cohort; None where neither is known.

    They are frozen beside the statement: a manager who changes later does not change what was stated.
    """
    found: dict[str, Any] = {}
    if session.manager_key is not None:
        agent = account(session.tenant, session.manager_key)
        found["contextAgents"] = [
            {"objectType": "contextAgent", "agent": agent, "relevantTypes": [Relevant.MANAGER.value]}
        ]
    cohort = "/".join(part for part in (session.role, session.region) if part)
    if cohort:
        group = {"objectType": "Group", "account": {"homePage": home_page(session.tenant), "name": f"cohort/{cohort}"}}
        found["contextGroups"] = [
            {"objectType": "contextGroup", "group": group, "relevantTypes": [Relevant.COHORT.value]}
        ]
    return orjson.dumps(found) if found else None


def in_version(body: bytes, added: bytes | None, version: str) -> bytes:
    """The frozen statement as a target of that version takes it. Every 1.0.3 statement of ours is a valid 2.0 one.

    The additions go to the end of the context by splicing: the rest keeps its bytes. A voiding has no context and
    stays as it is.
    """
    if version not in VERSIONS:
        raise ValueError(f"xAPI version {version!r} is not one of {', '.join(VERSIONS)}")
    if version == "1.0.3" or added is None:
        return body
    statement = orjson.loads(body)
    if "context" not in statement:
        return body
    old = orjson.dumps(statement["context"])
    return body.replace(b'"context":' + old, b'"context":' + old[:-1] + b"," + added[1:], 1)
