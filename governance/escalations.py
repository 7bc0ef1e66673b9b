"""Escalations: a line that was crossed opens a case at once, with its severity, regulation and due time.

The rules are ``config/escalations.yaml``, over what the catalog's scenarios say of their guardrails and objectives. A
case is a row of events in the audit chain: opened once, then acknowledged and closed by named people.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import polars as pl
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from governance.access import Thing, User, authorize
from governance.audit.chain import TABLE, Event, append, rows
from governance.audit.links import canonical, sha256
from governance.catalog import Catalog
from governance.state import State

FILE = "escalations.yaml"
FRAME = {
    "case_id": pl.String, "tenant": pl.String, "session_id": pl.String, "learner_key": pl.String,
    "kind": pl.String, "name": pl.String, "severity": pl.String, "regulation": pl.String, "state": pl.String,
    "opened_at": pl.Datetime("us", "UTC"), "due_at": pl.Datetime("us", "UTC"), "by": pl.String, "note": pl.String,
    "changed_at": pl.Datetime("us", "UTC"),
}  # fmt: skip
Step = Literal["acknowledged", "closed"]


class EscalationError(Exception):
    """The rules are malformed, or a step on a case is not possible; the message says what to do."""


class Rule(BaseModel):
    """Signals that open a case, and how soon somebody has to close it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["guardrail", "objective"] = "guardrail"
    states: list[str] = ["triggered"]
    severities: list[str]
    due_hours: Annotated[float, Field(gt=0)]


class Rules(BaseModel):
    """``config/escalations.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rules: list[Rule] = []
    unknown_severity: str | None = None

    @classmethod
    def load(cls, config: Path) -> "Rules":
        """Read the file; without one no case is opened.

        Raises:
            EscalationError: With the file, the place and the remedy.
        """
        path = config / FILE
        try:
            return cls.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
        except FileNotFoundError:
            return cls()
        except (OSError, yaml.YAMLError) as error:
            raise EscalationError(f"{path}: cannot be read: {' '.join(str(error).split())}") from error
        except ValidationError as error:
            first = error.errors()[0]
            raise EscalationError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


@dataclass(frozen=True)
class Signal:
    """A guardrail or objective as a delivery tells of it."""

    tenant: str
    session_id: str
    kind: str
    name: str
    state: str
    at: datetime


@dataclass(frozen=True)
class Case:
    """A case that was just opened."""

    case_id: str
    signal: Signal
    severity: str
    regulation: str | None
    due_at: datetime


class Escalations:
    """The cases of one installation."""

    def __init__(self, state: State, rules: Rules, watched: Mapping[tuple[str, str], tuple[str, str | None]]) -> None:
        self.state = state
        self.rules = rules
        self.watchpoints = watched

    @classmethod
    def of(cls, state: State, config: Path) -> "Escalations":
        """With the rules and the catalog of a configuration folder."""
        return cls(state, Rules.load(config), watchpoints(Catalog.load(config)))

    def open(self, signals: Iterable[Signal]) -> list[Case]:
        """Open a case for each signal that a rule names, unless it has one; the cases that are new."""
        found = [case for signal in signals if (case := self._case(signal)) is not None]
        if not found:
            return []
        events = [_opened(case) for case in found]
        with self.state.session() as session:
            known = set(session.scalars(_once(events)))
            append(session, events)
        fresh: dict[str, Case] = {}
        for case in found:
            if f"case:{case.case_id}" not in known:
                fresh.setdefault(case.case_id, case)
        return list(fresh.values())

    def step(self, user: User, thing: Thing, case_id: str, to: Step, note: str, now: datetime | None = None) -> None:
        """Acknowledge or close a case.

        Raises:
            EscalationError: Not this user, no such open case, or no note.
        """
        decision = authorize(user, "handle_case", thing, now=now)
        if not decision.allowed:
            raise EscalationError(f"you may not handle this case ({decision.why})")
        current = self.frame(thing.tenant).filter(case_id=case_id)
        if current.is_empty() or current["state"][0] == "closed" or current["session_id"][0] != thing.session_id:
            raise EscalationError("there is no such open case")
        text = " ".join(note.split())[:2_000]
        if not text:
            raise EscalationError("say what was done or found: it stands in the audit report")
        facts = {"case": case_id, "step": to, "note": text}
        with self.state.session() as session:
            append(
                session,
                [Event("case", user.name, str(thing.session_id), thing.tenant, thing.learner_key, facts, at=now)],
            )

    def frame(self, tenant: str | None = None) -> pl.DataFrame:
        """One row per case as it stands, those due first on top."""
        with self.state.reading() as session:
            found = rows(session, TABLE.action == "case", *([] if tenant is None else [TABLE.tenant == tenant]))
        return pl.DataFrame(_standing(found), schema=FRAME).sort(pl.col("state") == "closed", "due_at", "case_id")

    def _case(self, signal: Signal) -> Case | None:
        severity, regulation = self.watchpoints.get((signal.kind, signal.name), (self.rules.unknown_severity, None))
        for rule in self.rules.rules:
            if signal.kind == rule.kind and signal.state in rule.states and severity in rule.severities:
                key = canonical([signal.tenant, signal.session_id, signal.kind, signal.name])
                due = signal.at + timedelta(hours=rule.due_hours)
                return Case(f"k-{sha256(key)[:16]}", signal, str(severity), regulation, due)
        return None


def watchpoints(catalog: Catalog) -> dict[tuple[str, str], tuple[str, str | None]]:
    """Severity and regulation by kind and name; the gravest of all scenarios, since a callback names no scenario."""
    order = ["info", "low", "medium", "high", "critical"]
    found: dict[tuple[str, str], tuple[str, str | None]] = {}
    for row in catalog.watchpoints_frame().iter_rows(named=True):
        key, value = (row["kind"], row["name"]), (row["severity"], row["regulation"])
        if key not in found or order.index(value[0]) > order.index(found[key][0]):
            found[key] = value
    return found


def _opened(case: Case) -> Event:
    signal = case.signal
    facts = {
        "case": case.case_id, "step": "open", "kind": signal.kind, "name": signal.name, "severity": case.severity,
        "regulation": case.regulation, "due_at": case.due_at.astimezone(UTC).isoformat(),
    }  # fmt: skip
    return Event(
        "case",
        "service:gateway",
        signal.session_id,
        signal.tenant,
        None,
        facts,
        once=f"case:{case.case_id}",
        at=signal.at,
    )


def _once(events: Sequence[Event]) -> Any:
    from sqlalchemy import select

    return select(TABLE.once).where(TABLE.once.in_([event.once for event in events]))


def _standing(events: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for row in events:
        body = row["body"]
        if body.get("step") == "open":
            found[body["case"]] = {
                "case_id": body["case"], "tenant": row["tenant"], "session_id": row["object"],
                "learner_key": row["learner_key"], "kind": body["kind"], "name": body["name"],
                "severity": body["severity"], "regulation": body["regulation"], "state": "open",
                "opened_at": row["at"], "due_at": datetime.fromisoformat(body["due_at"]), "by": None, "note": None,
                "changed_at": row["at"],
            }  # fmt: skip
        elif body.get("case") in found:
            found[body["case"]] |= {
                "state": body["step"],
                "by": row["actor"],
                "note": body["note"],
                "changed_at": row["at"],
            }
    return list(found.values())
