"""The scan of texts for personal data: people whom the customer's directory knows first, then forms of numbers.

Nothing of it is kept. A text is masked when it is read, so that the mask holds for people who became known later and
goes away for nobody.
"""

from collections.abc import Iterable

from governance.identities import Identities, Person
from governance.privacy import patterns
from governance.privacy.findings import Finding, mask, resolved
from governance.privacy.known_people import KnownPeople

RULE = "rolecall.mask/1"  # what stands on files whose texts are masked; change it with the rule


class Scanner:
    """Finds and masks personal data for one customer."""

    def __init__(self, people: Iterable[Person]) -> None:
        self._people = KnownPeople(people)

    @classmethod
    def of(cls, identities: Identities, tenant: str) -> "Scanner":
        """A scanner that knows everybody in a tenant's directory."""
        return cls(identities.people(tenant))

    def find(self, text: str) -> list[Finding]:
        """Personal data in order of place, none overlapping; what is masked already is not found again."""
        return resolved(text, [*self._people.find(text), *patterns.find(text)])

    def masked(self, text: str) -> str:
        """The text with a visible word in the place of each finding, until nothing is found any more."""
        while found := self.find(text):
            text = mask(text, found)
        return text
