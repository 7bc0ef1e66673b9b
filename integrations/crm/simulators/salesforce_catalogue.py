"""Objects and fields of the simulated Salesforce organisation, the role-play fields of docs/crm.md included."""

from integrations.crm.simulators.store import Field

PREFIXES = {"User": "005", "Contact": "003", "Opportunity": "006", "Case": "500"}
LEVELS = ("novice", "developing", "proficient", "expert")
STAGES = ("Prospecting", "Qualification", "Proposal", "Negotiation", "Closed Won", "Closed Lost")
_SYSTEM = (
    Field("Id", "id", "Record ID", 18, writable=False),
    Field("CreatedDate", "datetime", "Created Date", writable=False),
    Field("LastModifiedDate", "datetime", "Last Modified Date", writable=False),
    Field("SystemModstamp", "datetime", "System Modstamp", writable=False),
)
_BIN = (Field("IsDeleted", "boolean", "Deleted", writable=False),)
_MERGED = (Field("MasterRecordId", "reference", "Master Record ID", 18, writable=False),)
_OWNED = (Field("OwnerId", "reference", "Owner ID", 18),)
ROLEPLAY = (
    Field("Roleplay_Key__c", "text", "Role-play key", 80, unique=True),
    Field("Roleplay_Readiness__c", "number", "Role-play readiness", 3, 2),
    Field("Roleplay_Level__c", "picklist", "Role-play level", options=LEVELS),
    Field("Roleplay_Certified_On__c", "date", "Role-play certified on"),
    Field("Roleplay_Next_Due__c", "date", "Role-play next due"),
    Field("Roleplay_Source__c", "text", "Role-play source", 255),
)
_OBJECTS: dict[str, tuple[Field, ...]] = {
    "User": (
        Field("Username", "text", "Username", 80, unique=True, required=True),
        Field("FirstName", "text", "First Name", 40),
        Field("LastName", "text", "Last Name", 80, required=True),
        Field("Email", "email", "Email", 128, required=True),
        Field("EmployeeNumber", "text", "Employee Number", 20),
        Field("FederationIdentifier", "text", "SAML Federation ID", 512, unique=True),
        Field("IsActive", "boolean", "Active"),
        Field("Hire_Date__c", "date", "Hire date"),
        *ROLEPLAY,
    ),
    "Contact": (
        Field("FirstName", "text", "First Name", 40),
        Field("LastName", "text", "Last Name", 80, required=True),
        Field("Email", "email", "Email", 80),
        *_OWNED, *ROLEPLAY, *_BIN, *_MERGED,
    ),
    "Opportunity": (
        Field("Name", "text", "Name", 120, required=True),
        Field("StageName", "picklist", "Stage", options=STAGES, required=True),
        Field("Amount", "number", "Amount", 16, 2),
        Field("CurrencyIsoCode", "picklist", "Currency ISO Code", options=("EUR", "GBP", "JPY", "USD")),
        Field("CloseDate", "date", "Close Date", required=True),
        Field("IsClosed", "boolean", "Closed", writable=False),
        Field("IsWon", "boolean", "Won", writable=False),
        Field("External_Key__c", "text", "External key", 80, unique=True),
        *_OWNED, *_BIN,
    ),
    "Case": (
        Field("CaseNumber", "text", "Case Number", 30, writable=False),
        Field("Status", "picklist", "Status", options=("New", "Working", "Closed")),
        Field("ClosedDate", "datetime", "Closed Date"),
        Field("CSAT__c", "number", "CSAT", 2, 0),
        *_OWNED, *_BIN, *_MERGED,
    ),
}  # fmt: skip


def catalogue() -> dict[str, dict[str, Field]]:
    """Fields by name of every object; each call gives new dictionaries, which a test may change."""
    return {name: {column.name: column for column in (*_SYSTEM, *own)} for name, own in _OBJECTS.items()}
