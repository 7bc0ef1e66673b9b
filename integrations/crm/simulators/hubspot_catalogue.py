"""Object types and properties of the simulated HubSpot portal, the role-play properties of docs/crm.md included."""

from integrations.crm.simulators.store import Field

LEVELS = ("novice", "developing", "proficient", "expert")
STAGES = ("appointmentscheduled", "qualifiedtobuy", "contractsent", "closedwon", "closedlost")
TYPE_IDS = {"0-1": "contacts", "0-3": "deals", "0-5": "tickets", "0-19": "feedback_submissions"}
MODIFIED = {"contacts": "lastmodifieddate"}  # every other type: hs_lastmodifieddate
SHOWN = {
    "contacts": ("firstname", "lastname", "email"),
    "deals": ("dealname", "amount", "closedate", "pipeline", "dealstage"),
    "tickets": ("subject", "hs_pipeline_stage"),
    "feedback_submissions": ("hs_value",),
}
READ_ONLY = frozenset({"feedback_submissions"})
ROLEPLAY = (
    Field("roleplay_key", "text", "Role-play key", unique=True),
    Field("roleplay_readiness", "number", "Role-play readiness", 3, 2),
    Field("roleplay_level", "picklist", "Role-play level", options=LEVELS),
    Field("roleplay_certified_on", "date", "Role-play certified on"),
    Field("roleplay_next_due", "date", "Role-play next due"),
    Field("roleplay_source", "text", "Role-play source", 65_536),
)
_OWNER = (Field("hubspot_owner_id", "reference", "Owner"),)
_OBJECTS: dict[str, tuple[Field, ...]] = {
    "contacts": (
        Field("email", "email", "Email", unique=True),
        Field("firstname", "text", "First name"),
        Field("lastname", "text", "Last name"),
        Field("hire_date", "date", "Hire date"),
        *_OWNER, *ROLEPLAY,
    ),
    "deals": (
        Field("dealname", "text", "Deal name", 65_536),
        Field("amount", "number", "Amount", 16, 2),
        Field("deal_currency_code", "picklist", "Currency", options=("EUR", "GBP", "JPY", "USD")),
        Field("dealstage", "picklist", "Deal stage", options=STAGES),
        Field("pipeline", "text", "Pipeline"),
        Field("closedate", "datetime", "Close date"),
        Field("hs_is_closed", "boolean", "Closed", writable=False),
        Field("hs_is_closed_won", "boolean", "Closed won", writable=False),
        *_OWNER,
    ),
    "tickets": (
        Field("subject", "text", "Subject", 65_536),
        Field("hs_pipeline_stage", "text", "Stage"),
        Field("closed_date", "datetime", "Closed"),
        *_OWNER,
    ),
    "feedback_submissions": (
        Field("hs_value", "number", "Rating", 3, 0),
        Field("hs_submission_timestamp", "datetime", "Submitted"),
        Field("hs_ticket_id", "text", "Ticket"),
        *_OWNER,
    ),
}  # fmt: skip


def catalogue() -> dict[str, dict[str, Field]]:
    """Properties by name of every object type; each call gives new dictionaries, which a test may change."""
    return {name: {column.name: column for column in (*_system(name), *own)} for name, own in _OBJECTS.items()}


def modified_property(kind: str) -> str:
    """The property that says when a record of this type was last changed."""
    return MODIFIED.get(kind, "hs_lastmodifieddate")


def _system(kind: str) -> tuple[Field, ...]:
    created = "createdate" if kind in ("contacts", "deals", "tickets") else "hs_createdate"
    return (
        Field("hs_object_id", "number", "Record ID", 18, writable=False),
        Field(created, "datetime", "Create date", writable=False),
        Field(modified_property(kind), "datetime", "Last modified", writable=False),
        Field("hs_merged_object_ids", "text", "Merged record IDs", 65_536, writable=False),
    )
