"""Whom a connector's records name: digests for the lake, values beside the identity store, the erased nowhere."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from governance.batches import Reject
from governance.identities import DirectoryEntry, Identities
from governance.privacy.erasure import RULE, Erasures
from governance.source_people import SourcePeople
from integrations.mapping import Fact, Feed

REASON = "the person was erased; take the record out at the source, or it is refused each time it is read"


@dataclass(frozen=True, slots=True)
class Person:
    """One naming of a record: the rule that found it, and the keyed digest that lands instead of the value."""

    rule: str
    match: str
    token: str
    value: str


class Persons:
    """The people of one connector."""

    def __init__(self, feed: Feed, identities: Identities) -> None:
        self.feed, self.identities = feed, identities
        self._erasures = Erasures(identities.state)

    def named(self, facts: Iterable[Fact]) -> list[list[Person] | None]:
        """The people of each record, in order of preference; None where it may not land, since it was an erased one's.

        Whoever was erased is left out and all who come after: their record must not become somebody else's.
        """
        found = [[self._person(each.rule, each.match, each.value) for each in fact.people] for fact in facts]
        erased = self._erased(person.token for people in found for person in people)
        return [_before(people, erased) for people in found] if erased else list(found)

    def note(self, people: Iterable[Person], at: datetime) -> None:
        """Keep the values behind the digests, so that people whom no learner matches can be shown."""
        values = {each.token: (each.match, each.value) for each in people}
        SourcePeople(self.identities.state).note(self.feed.tenant, self.feed.name, values, at)

    def admitted(self, entries: Sequence[DirectoryEntry], place: str) -> tuple[list[DirectoryEntry], list[Reject]]:
        """Directory entries without those of people who were erased, and a rejection for each of these."""
        keys = [self.identities.key(each.tenant, each.learner_id) for each in entries]
        erased = self._erased(keys)
        if not erased:
            return list(entries), []
        kept = [entry for entry, key in zip(entries, keys, strict=True) if key not in erased]
        return kept, [refusal(place)] * (len(entries) - len(kept))

    def _person(self, rule: str, match: str, value: str) -> Person:
        kind = f"account:{self.feed.name}" if match == "account" else match
        return Person(rule, kind, self.identities.token(self.feed.tenant, kind, value), value)

    def _erased(self, names: Iterable[str]) -> set[str]:
        return {name for _, name in self._erasures.blocked({(self.feed.tenant, name) for name in names})}


def refusal(place: str) -> Reject:
    """Why a record of an erased person does not land; ``place`` names the record, never the person."""
    return Reject(None, RULE, f"{place}: {REASON}")


def _before(people: list[Person], erased: set[str]) -> list[Person] | None:
    cut = next((at for at, person in enumerate(people) if person.token in erased), None)
    if cut is None:
        return people
    return people[:cut] or None
