"""Places in a text where personal data stands, and the text with visible words in their stead."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "name", "email", "learner_id", "card", "bank_account", "phone", "national_id", "health_id", "network_address"
]
MASKS: dict[Kind, str] = {
    "name": "[name]",
    "email": "[e-mail]",
    "learner_id": "[learner id]",
    "card": "[card]",
    "bank_account": "[bank account]",
    "phone": "[phone]",
    "national_id": "[id number]",
    "health_id": "[health id]",
    "network_address": "[network address]",
}
_MASKED = re.compile("|".join(map(re.escape, MASKS.values())))


@dataclass(frozen=True, slots=True)
class Finding:
    """One piece of personal data: its kind and its place, as offsets of characters; ``end`` is exclusive."""

    kind: Kind
    start: int
    end: int


def resolved(text: str, found: Iterable[Finding]) -> list[Finding]:
    """Findings in order, none of which overlaps another or a mask.

    Where several overlap, the longest gives its kind and the place covers all of them: what sticks out of the longest
    would otherwise stay readable.
    """
    masks = [match.span() for match in _MASKED.finditer(text)]
    outside = [each for each in found if not any(each.start < end and start < each.end for start, end in masks)]
    clusters: list[list[Finding]] = []
    reached = -1
    for each in sorted(outside, key=lambda item: (item.start, item.end)):
        if each.start < reached:
            clusters[-1].append(each)
        else:
            clusters.append([each])
        reached = max(reached, each.end)
    return [_covering(cluster) for cluster in clusters]


def mask(text: str, findings: Sequence[Finding]) -> str:
    """The text with each finding replaced by the word for its kind; ``findings`` as ``resolved`` gives them."""
    parts, at = [], 0
    for each in findings:
        parts += [text[at : each.start], MASKS[each.kind]]
        at = each.end
    return "".join([*parts, text[at:]])


def _covering(cluster: Sequence[Finding]) -> Finding:
    longest = max(cluster, key=lambda item: item.end - item.start)
    return Finding(longest.kind, min(each.start for each in cluster), max(each.end for each in cluster))
