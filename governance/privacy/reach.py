"""Where the state database holds something about a person, and under which of the person's names.

Subject access and erasure both follow this register, and a test asks that every table is either in it or declared to
be about nobody: whoever adds a table has to decide.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, Table, or_
from sqlalchemy.orm import Session

from governance.state.bulk import among
from governance.state.models import IdentityRow

By = Literal["learners", "sessions", "tokens", "recordings", "statements"]
TABLES: Mapping[str, Table] = IdentityRow.metadata.tables
LEARNER: Mapping[By, str] = {"learners": "learner_key"}
SESSION: Mapping[By, str] = {"sessions": "session_id"}
STARTED: Mapping[By, str] = {"learners": "learner_key", "sessions": "session_id"}
EVENT: Mapping[By, str] = {"learners": "learner_key", "sessions": "object"}
RECORD: Mapping[By, str] = {"learners": "key", "statements": "key"}
_INBOX = "the words for a week after they reached the lake, the envelope for 400 days"
_LEDGER = "as long as the other system is delivered to, or until erasure"
_PERSON = "until erasure"


@dataclass(frozen=True)
class Subject:
    """One or more people of a tenant, under every name that rows about them carry.

    ``learners`` are learner keys; ``sessions`` theirs, or single sessions of learners who stay; ``tokens`` the digests
    by which records of CRMs name them; ``recordings`` addresses of media; ``statements`` ids of xAPI statements.
    """

    tenant: str
    learners: tuple[str, ...]
    sessions: tuple[str, ...]
    tokens: tuple[str, ...] = ()
    recordings: tuple[str, ...] = ()
    statements: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """One table: in which column which names stand, what it says of a person, where that is from, how long it stays."""

    by: Mapping[By, str]
    what: str
    source: str
    kept: str


PLACES: Mapping[str, Place] = {
    "identities": Place(LEARNER, "who the person is", "learner directories, launches", _PERSON),
    "lms_identities": Place(LEARNER, "the person's ids in LMSs", "identity maps, personal codes", _PERSON),
    "claim_codes": Place(LEARNER, "personal codes, as digests", "this installation", _PERSON),
    "source_people": Place({"tokens": "token"}, "values that name the person in records", "CRMs and LMSs", _PERSON),
    "launches": Place(STARTED, "which sessions the person started", "launch registry", "as the session"),
    "inbox": Place(SESSION, "deliveries as they came in, after the signal gate", "role-play engine", _INBOX),
    "pulls": Place(SESSION, "when the engine was asked for missing parts", "this installation", "as the session"),
    "session_days": Place(SESSION, "the day that a session belongs to", "this installation", "as the session"),
    "media_probes": Place({"recordings": "uri"}, "what a look at a recording found", "the recording", "as the session"),
    "lms_results": Place(STARTED, "results released to LMSs", "this installation", _LEDGER),
    "sync_records": Place(RECORD, "what other systems confirmed to hold", "this installation", _LEDGER),
    "sync_intents": Place(RECORD, "what was sent and is not confirmed", "this installation", _LEDGER),
    "sync_rejects": Place(RECORD, "what other systems refused", "the other system", _LEDGER),
    "sync_erasures": Place(LEARNER, "deletions asked of other systems", "this installation", "as proof of the request"),
    "legal_holds": Place(LEARNER, "legal holds", "whoever placed them", "as proof of the hold"),
    "restrictions": Place(LEARNER, "restrictions of processing", "whoever placed them", _PERSON),
    "audit_events": Place(
        EVENT,
        "events of the audit chain: looks, reviews, contests, cases, holds",
        "this installation",
        "for good; an erasure empties the personal part",
    ),
}

# Tables that say nothing about a person, and why.
NOBODY: Mapping[str, str] = {
    "erased": "digests that keep erased data from coming back",
    "erasures": "counts of sessions",
    "ingest_batches": "names of files, and counts; an erasure renames a file that is named after a person or session",
    "ingest_rejects": "which rule a line broke, never its body",
    "package_exports": "packages",
    "package_tokens": "packages",
    "rubrics_used": "rubrics",
    "sync_budget": "counts of calls",
    "sync_calls": "counts of records",
    "sync_runs": "counts of records",
    "sync_targets": "other systems",
    "withheld": "counts of fields",
}


def about(session: Session, name: str, subject: Subject) -> ColumnElement[bool]:
    """The condition that a row of the table ``name`` is about the subject."""
    table = TABLES[name]
    named = [among(session, table.c[column], getattr(subject, by)) for by, column in PLACES[name].by.items()]
    condition = or_(*named)
    return condition & (table.c.tenant == subject.tenant) if "tenant" in table.c else condition
