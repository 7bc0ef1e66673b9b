"""All deliveries of one session folded into one bundle-shaped row, whatever order they came in."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

RubricFields = Mapping[str, tuple[str, str, Mapping[str, str]]]


def assemble(rows: Sequence[Mapping[str, Any]], rubric_fields: RubricFields) -> dict[str, Any]:
    """Fold rows of raw/deliveries of ONE session into one row with the BUNDLE_PARTS columns.

    Args:
        rows: at least ``session_id, event_key, event_type, engine_at, received_at, body, channel`` each; any order,
            repeats allowed. Times are aware datetimes, ``body`` is JSON text.
        rubric_fields: ``{tool_name: (rubric_id, rubric_version, {field: criterion_id})}`` of the catalog.

    Returns:
        BUNDLE_PARTS (launch columns None, times as ISO text, ``payload`` of a signal as JSON text), and
        ``parts_seen`` and ``parts_expected`` (of end, transcript, scores, recording, perception: sorted; ``launch``
        is the business of whoever joins launches), ``closed`` (the call is over: shutdown seen, or the pull says
        ended), ``state`` of the state machine, ``reconciled`` (a verbose pull after the end was seen), ``started_day``.
    """
    raise NotImplementedError


def started_at(rows: Sequence[Mapping[str, Any]]) -> datetime:
    """Start of the session by the best evidence in ``rows``; its UTC date is the session's day."""
    raise NotImplementedError
