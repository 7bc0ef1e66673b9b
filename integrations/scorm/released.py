"""A result as it leaves: the claims that are signed, with every number as the plain decimal that SCORM takes."""

import hashlib
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson

from governance.catalog_models import Scenario
from integrations.scorm.results import Result

ISSUER = "rolecall"
DIGITS = 6  # of a number on 0 to 1: enough to be the mart's figure, and never an exponent


def plain(value: float) -> str:
    """A number as a decimal without exponent and trailing zeros: 82.5, 0, 0.333333."""
    return _trimmed(Decimal(repr(value)).quantize(Decimal(1).scaleb(-DIGITS)))


def hundredfold(value: float) -> str:
    """A number on 0 to 1 as points of 100, digit for digit the same."""
    return _trimmed(Decimal(repr(value)).quantize(Decimal(1).scaleb(-DIGITS)) * 100)


def moment(at: datetime) -> str:
    """The one spelling of a time that every SCORM 2004 runtime takes: two decimals and a Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.00Z")


def result_id(destination: str, scheme: str, external_id: str, result: Result) -> str:
    """The same for the same facts and learner; another score is another result."""
    criteria = [[item.id, item.score, item.met] for item in result.criteria]
    facts = [destination, scheme, external_id, result.session_id, result.score_key, result.overall, result.passed]
    return "r" + hashlib.sha256(orjson.dumps([*facts, criteria])).hexdigest()[:24]


def claims(
    destination: str, external_id: str, scenario: Scenario, completed_by: str, identity: str, result: Result
) -> dict[str, Any]:
    """What is signed: whose LMS, whose id, which scenario, score and criteria; no name, no word, no recording."""
    return {
        "iss": ISSUER,
        "aud": destination,
        "sub": external_id,
        "id": identity,
        "scenario": scenario.id,
        "rubric": {"id": result.rubric[0], "version": result.rubric[1]},
        "status": result.status,
        "completed_by": completed_by,
        "scaled": plain(result.overall),
        "raw": hundredfold(result.overall),
        "scored_at": moment(result.scored_at),
        "duration_s": round(result.duration_s or 0.0),
        "criteria": [
            {
                "id": item.id,
                "score": plain(item.score),
                "max": plain(item.high),
                "scaled": plain(item.scaled),
                "raw": hundredfold(item.scaled),
                "met": item.met,
            }
            for item in result.criteria
        ],
    }


def _trimmed(value: Decimal) -> str:
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text
