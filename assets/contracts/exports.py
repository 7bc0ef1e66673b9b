"""Exports: what leaves, frozen as it was first written."""

from assets.contracts.core import DAY, SESSION, TENANT, one_of
from assets.contracts.table import Table, column, must

STATEMENT_KINDS = (
    "attempt", "end", "verdict", "criterion", "objective", "guardrail", "review", "mastery", "voiding",
)  # fmt: skip

XAPI_STATEMENTS = Table(
    layer="exports",
    name="xapi_statements",
    grain="one row per issued xAPI statement; a row is never changed and never removed",
    key=("tenant", "statement_id"),
    columns=(
        TENANT,
        must("statement_id", "varchar", "UUIDv5, see docs/decisions/0010-statement-identity.md"),
        SESSION,
        DAY,
        must("kind", "varchar", ", ".join(STATEMENT_KINDS)),
        must("template", "varchar", "Statement template of the profile that it satisfies"),
        must("subject", "varchar", "What of the session it is about, as JSON: rubric and criterion, objective, …"),
        must("revision", "integer", "1 for the first statement of kind and subject in the session, then upwards"),
        column("voids", "varchar", "Statement that this one voids; null unless it is a voiding"),
        must("stated_at", "timestamptz", "The statement's own timestamp"),
        must("issued_at", "timestamptz", "When it was rendered and frozen"),
        must("statement", "varchar", "The statement's bytes in version 1.0.3", personal="pseudonym"),
        column("context_2_0", "varchar", "Members that version 2.0 adds to the context, as JSON", personal="pseudonym"),
    ),
    rules={
        "kind_known": one_of("kind", STATEMENT_KINDS),
        "voids_where_voiding": "(kind = 'voiding') = (voids is not null)",
        "revision_counts_from_1": "revision >= 1",
    },
    reasons={
        "kind_known": "the kind is not one of " + ", ".join(STATEMENT_KINDS),
        "voids_where_voiding": "a voiding names what it voids, nothing else does",
        "revision_counts_from_1": "revisions count from 1",
    },
)

EXPORTS = (XAPI_STATEMENTS,)
