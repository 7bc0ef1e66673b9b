"""Sessions for xAPI tests: the golden pairs under tests/golden/xapi, each named after its edge case."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from pydantic import TypeAdapter

from integrations.xapi.facts import Names, Session
from integrations.xapi.issuing import Issued, next_of
from integrations.xapi.rendering import in_version
from integrations.xapi.statements import Cast

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "xapi"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CASES = sorted(path.stem for path in GOLDEN.glob("*.json"))
_SESSION = TypeAdapter(Session)
NAMES = Names(
    scenarios={("suitability-fund", "1"): "Suitability talk: a fund for the inheritance"},
    rubrics={("suitability-disclosure", "1"): "Suitability and risk disclosure"},
    criteria={
        ("suitability-disclosure", "1", "client_profile"): "Knowing the client",
        ("suitability-disclosure", "1", "risk_disclosure"): "Risk disclosure",
    },
    competencies={"integrity": "Conduct and disclosure"},
)


def session(fields: dict[str, Any]) -> Session:
    """A session from its JSON form."""
    return _SESSION.validate_python(fields)


def case(name: str) -> dict[str, Any]:
    """One golden pair: ``states`` (the session each time it was looked at, null once it is gone), ``statements``."""
    return orjson.loads((GOLDEN / f"{name}.json").read_bytes())


def issued(states: list[dict[str, Any] | None]) -> list[Issued]:
    """Everything issued while the session went through its states, a day apart."""
    tenant = next(state["tenant"] for state in states if state)
    cast = Cast(NAMES)
    found: list[Issued] = []
    for number, state in enumerate(states):
        now = NOW + timedelta(days=number)
        found += next_of(tenant, found, session(state) if state else None, cast, now)
    return found


def bodies(name: str, version: str = "1.0.3") -> list[bytes]:
    """Every statement of a case, as its bytes."""
    found = case(name)
    return [in_version(row.body, row.added, version) for row in issued(found["states"])]


def renew() -> None:
    """Write what is issued now into every golden file: ``PYTHONPATH=.:tests python -m support.xapi``."""
    for name in CASES:
        found = case(name)
        found["statements"] = [orjson.loads(body) for body in bodies(name, found.get("version", "1.0.3"))]
        (GOLDEN / f"{name}.json").write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n")


if __name__ == "__main__":
    renew()
