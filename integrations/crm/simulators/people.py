"""Fills a simulated organisation or portal: people with role-play keys, deals of theirs, rated cases."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

from integrations.crm.simulators.hubspot_portal import Owner, Portal
from integrations.crm.simulators.salesforce_catalogue import STAGES
from integrations.crm.simulators.salesforce_org import Org

CURRENCIES = ("EUR", "GBP", "JPY", "USD")
FIRST = ("Ada", "Björn", "Chloé", "Dmitri", "Eszter", "Fatima", "Goran", "Hana", "Ifeoma", "José")
LAST = ("Ahlström", "Brown", "Castaño", "Dubois", "Eze", "Fischer", "García", "Horváth", "Ito", "Jovanović")
HIRED_FROM = date(2024, 1, 8)


def key(number: int) -> str:
    """The learner id of the n-th person: ``e1001`` is the first."""
    return f"e{1000 + number}"


def fill_org(org: Org, people: int, deals: int = 0, seed: int = 7) -> None:
    """People as users and contacts, then deals and closed cases that they own."""
    rng = Random(seed)
    users = []
    for number in range(1, people + 1):
        first, last = _name(rng)
        email = f"{key(number)}@acme.example"
        values = {"FirstName": first, "LastName": last, "Email": email, "Roleplay_Key__c": key(number)}
        hired = HIRED_FROM + timedelta(days=rng.randrange(600))
        user = {"Username": email, "EmployeeNumber": key(number), "IsActive": True, "Hire_Date__c": hired}
        users.append(org.tables["User"].insert(values | user).id)
        org.tables["Contact"].insert(values | {"OwnerId": users[-1]})
    for number in range(1, deals + 1):
        stage = rng.choice(STAGES)
        org.tables["Opportunity"].insert(
            {
                "Name": f'Deal {number}, "{rng.choice(LAST)}"\nsecond line',
                "StageName": stage,
                "Amount": _amount(rng),
                "CurrencyIsoCode": rng.choice(CURRENCIES),
                "CloseDate": date(2026, 1, 5) + timedelta(days=rng.randrange(300)),
                "IsClosed": stage.startswith("Closed"),
                "IsWon": stage == "Closed Won",
                "External_Key__c": f"d{number}",
                "OwnerId": rng.choice(users),
            },
            trusted=True,
        )


def fill_portal(portal: Portal, people: int, deals: int = 0, seed: int = 7) -> None:
    """People as owners and contacts, then deals that they own."""
    rng = Random(seed)
    for number in range(1, people + 1):
        first, last = _name(rng)
        email = f"{key(number)}@acme.example"
        portal.owners.append(Owner(str(70_000 + number), email, first, last))
        values = {"email": email, "firstname": first, "lastname": last, "roleplay_key": key(number)}
        hired = HIRED_FROM + timedelta(days=rng.randrange(600))
        portal.tables["contacts"].insert(values | {"hire_date": hired})
    for number in range(1, deals + 1):
        stage = rng.choice(("contractsent", "closedwon", "closedlost"))
        closed = datetime.fromisoformat("2026-01-05T12:00:00+00:00") + timedelta(days=rng.randrange(300))
        portal.tables["deals"].insert(
            {
                "dealname": f"Deal {number}",
                "amount": _amount(rng),
                "deal_currency_code": rng.choice(CURRENCIES),
                "dealstage": stage,
                "pipeline": "default",
                "closedate": closed,
                "hs_is_closed": stage.startswith("closed"),
                "hs_is_closed_won": stage == "closedwon",
                "hubspot_owner_id": rng.choice(portal.owners).id if portal.owners else None,
            },
            trusted=True,
        )


def _name(rng: Random) -> tuple[str, str]:
    return rng.choice(FIRST), rng.choice(LAST)


def _amount(rng: Random) -> Decimal | None:
    """Cents, now and then nothing: a deal without an amount is not a deal of 0."""
    return None if rng.random() < 0.05 else Decimal(rng.randrange(100_000, 40_000_000)) / 100
