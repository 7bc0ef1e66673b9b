"""Words of people and models as the reader may see them: without personal data, unless they may know who is meant.

Whether they may is ``see_names`` of the session, decided in ``governance.access`` like everything else.
"""

import time
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import polars as pl

from dashboards.access import state_of
from dashboards.wording import count, listing
from governance.identities import Identities, Person
from governance.privacy.findings import Kind
from governance.privacy.scan import Scanner
from governance.secrets import secret_key
from governance.settings import Settings

FRESH_S = 300  # for so long the directory behind a scanner is not read again
WORDS: dict[Kind, str] = {
    "name": "name",
    "email": "e-mail address",
    "learner_id": "learner id",
    "card": "card number",
    "bank_account": "bank account",
    "phone": "phone number",
    "national_id": "id number",
    "health_id": "health id",
    "network_address": "network address",
}
PLURAL = {"e-mail address": "e-mail addresses", "network address": "network addresses"}
# The last directory of each tenant and its scanner: of a hundred thousand people it takes seconds to build.
_BUILT: dict[tuple[str, str], tuple[list[Person], Scanner]] = {}
Masked = tuple[pl.DataFrame, Counter[Kind]]


def scanner(settings: Settings, tenant: str) -> Scanner:
    """The scanner that knows a tenant's people as of a few minutes ago."""
    return _scanner(settings.database_url, tenant, int(time.time() // FRESH_S))


def masked(reading: Scanner, frame: pl.DataFrame, columns: Sequence[str]) -> Masked:
    """A frame whose texts in ``columns`` are masked, and how much of what kind was found there."""
    found: Counter[Kind] = Counter()
    for text in frame.select(columns).unpivot()["value"].drop_nulls():
        found.update(each.kind for each in reading.find(text))
    if not found:
        return frame, found
    return frame.with_columns(pl.col(*columns).map_elements(reading.masked, return_dtype=pl.String)), found


def told(found: Counter[Kind], *, asked: bool) -> str:
    """What was masked, in a sentence; ``asked`` says that a reason would show it."""
    if not found:
        return ""
    parts = [count(found[kind], word, PLURAL.get(word)) for kind, word in WORDS.items() if found[kind]]
    remedy = " Give a reason under **Show names** to read it." if asked else ""
    return f"Personal data is masked in the words below: {listing(parts)}.{remedy}"


@lru_cache(maxsize=8)
def _scanner(url: str, tenant: str, _window: int) -> Scanner:
    people = Identities(state_of(url), secret_key(Settings())).people(tenant)
    known = _BUILT.get((url, tenant))
    if known is None or known[0] != people:
        _BUILT[url, tenant] = known = (people, Scanner(people))
    return known[1]
