"""Voiding: what was said no longer holds. The pipeline says so itself, in nobody's name."""

from datetime import datetime

import orjson

from integrations.xapi.encoder import Draft, instant
from integrations.xapi.identifiers import system_home_page
from integrations.xapi.statements.scene import VERBS
from integrations.xapi.vocabulary import Kind, Template, Verb

SYSTEM = "rolecall"


def voided(tenant: str, statement_id: str, now: datetime) -> Draft:
    """The statement that voids another. It has no context: an LRS reads nothing of it but the reference."""
    account = {"homePage": system_home_page(tenant), "name": SYSTEM}
    return Draft(
        Kind.VOIDING,
        Template.VOIDING,
        (statement_id,),
        (),
        instant(now),
        orjson.dumps({"objectType": "Agent", "account": account}),
        VERBS[Verb.VOIDED],
        orjson.dumps({"objectType": "StatementRef", "id": statement_id}),
        b"",
    )
