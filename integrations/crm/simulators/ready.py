"""Simulators filled and ready to be connected to, with the connector's file that does it."""

from dataclasses import dataclass

from starlette.types import ASGIApp

from integrations.crm.simulators import hubspot, salesforce
from integrations.crm.simulators.people import fill_org, fill_portal

SALESFORCE = """\
kind: crm
system: salesforce
tenant: acme
url: {address}
secrets: {{client_secret: ROLECALL_SALESFORCE_CLIENT_SECRET}}   # export ROLECALL_SALESFORCE_CLIENT_SECRET={secret}
options: {{login: client_credentials, client_id: simulated}}
read:
  deals:
    object: Opportunity
    as: deal
    fields:
      {{stage: StageName, amount: Amount, currency: CurrencyIsoCode, opened_at: CreatedDate, closed_at: CloseDate}}
    people: [{{field: Owner.Email, match: email}}]
    stages: {{Closed Won: won, Closed Lost: lost}}
write:
  object: Contact
  key: Roleplay_Key__c
  match: learner_id
  fields: {{readiness.discovery: Roleplay_Readiness__c, last_certified_on: Roleplay_Certified_On__c}}
"""
HUBSPOT = """\
kind: crm
system: hubspot
tenant: acme
url: {address}
secrets: {{token: ROLECALL_HUBSPOT_TOKEN}}   # export ROLECALL_HUBSPOT_TOKEN={secret}
options: {{owners_email: true}}
read:
  deals:
    object: deals
    as: deal
    fields:
      {{stage: dealstage, amount: amount, currency: deal_currency_code, opened_at: createdate, closed_at: closedate}}
    people: [{{field: owner.email, match: email}}]
    stages: {{closedwon: won, closedlost: lost}}
write:
  object: contacts
  key: roleplay_key
  match: learner_id
  fields: {{readiness.discovery: roleplay_readiness, last_certified_on: roleplay_certified_on}}
"""


@dataclass(frozen=True)
class Simulated:
    """``app`` to serve; ``template`` and ``secret`` of the file that connects to it."""

    app: ASGIApp
    template: str
    secret: str

    def connector(self, address: str) -> str:
        """The text of ``config/connectors/<name>.yaml``."""
        return self.template.format(address=address, secret=self.secret)


def simulated(system: str, people: int, deals: int) -> Simulated:
    """A simulator of that system with people and deals; the same ones each time."""
    if system == "salesforce":
        org = salesforce.Org()
        org.clients["simulated"] = salesforce.Client("simulated", secret="simulated", run_as="sync@acme.example")  # noqa: S106
        fill_org(org, people, deals)
        return Simulated(salesforce.app(org), SALESFORCE, "simulated")
    portal = hubspot.Portal()
    fill_portal(portal, people, deals)
    return Simulated(hubspot.app(portal), HUBSPOT, portal.service_key())
