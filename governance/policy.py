"""The signal policy: jurisdiction × signal class → verdict, versioned, with an approver.

The shipped file is ``config/policy.yaml``. Two things no file may say: that emotion inferred from the
body is allowed in the EU or EEA (AI Act, Article 5(1)(f)), and that a biometric class is allowed where
the jurisdiction is unknown.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from governance import yaml_files

UNKNOWN = "unknown"
PROHIBITED_IN_EU = "affect"
EU = frozenset(
    {"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU"}
    | {"LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"}
)
EEA = EU | {"IS", "LI", "NO"}
ALIASES = {"UK": "GB", "EL": "GR"}  # written by people and by Eurostat; ISO 3166 says otherwise


class PolicyError(Exception):
    """The policy file is missing, malformed or allows what it must not; the message says where."""


class Verdict(StrEnum):
    """What may happen with a signal class."""

    ALLOW = "allow"
    LEARNER_ONLY = "learner_only"  # denied here: what is stored is no longer for the learner alone
    DENY = "deny"


class SignalClass(BaseModel):
    """One class of signals and whether it is drawn from a person's body."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    meaning: str
    biometric: bool


class PolicyFile(BaseModel):
    """The file as written. Jurisdictions overlay the verdicts of ``everywhere``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Annotated[str, Field(pattern=r"^[0-9A-Za-z.\-]{1,40}$")]
    approved_by: Annotated[str, Field(min_length=1)]
    approved_on: date
    classes: dict[str, SignalClass]
    everywhere: dict[str, Verdict]
    jurisdictions: dict[str, dict[str, Verdict]]

    @field_validator("jurisdictions", mode="before")
    @classmethod
    def _written_out(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        if False in value:  # YAML 1.1 reads an unquoted NO as false
            raise ValueError('write "NO" in quotes, YAML reads it as false')
        return {key: {} if verdicts is None else verdicts for key, verdicts in value.items()}

    @model_validator(mode="after")
    def _sound(self) -> "PolicyFile":
        for where, verdicts in {"everywhere": self.everywhere, **self.jurisdictions}.items():
            for name in verdicts.keys() - self.classes.keys():
                raise ValueError(f"{where}: {name} is not declared under classes")
        missing = self.classes.keys() - self.everywhere.keys()
        if missing:
            raise ValueError(f"everywhere: no verdict for {', '.join(sorted(missing))}")
        if UNKNOWN not in self.jurisdictions:
            raise ValueError("jurisdictions: `unknown` is missing")
        self._check_floor()
        return self

    def _check_floor(self) -> None:
        for where, verdicts in self.jurisdictions.items():
            effective = self.everywhere | verdicts
            code = ALIASES.get(where, where)
            if (code in EEA or code == "EU") and effective.get(PROHIBITED_IN_EU) is Verdict.ALLOW:
                raise ValueError(f"{where}: {PROHIBITED_IN_EU} may not be allowed in the EU or EEA")
            if where == UNKNOWN:
                for name, signal in self.classes.items():
                    if signal.biometric and effective[name] is Verdict.ALLOW:
                        raise ValueError(f"unknown: {name} is biometric and needs a known jurisdiction")


@dataclass(frozen=True)
class SignalPolicy:
    """Verdict per (jurisdiction, signal class); anything unlisted is denied.

    ``version`` is the file's version and a digest of its verdicts, so that an edit without a new version
    number still shows on every row.
    """

    version: str
    approved_by: str
    approved_on: date
    biometric: frozenset[str]
    verdicts: Mapping[tuple[str, str], Verdict] = field(repr=False)
    permitted: Mapping[str, frozenset[str]] = field(repr=False)

    @classmethod
    def load(cls, path: Path) -> "SignalPolicy":
        """Read and check ``config/policy.yaml``.

        Raises:
            PolicyError: With the file, the place and the remedy.
        """
        return cls.of(yaml_files.load(path, PolicyFile, PolicyError, absent="the signal policy is required"))

    @classmethod
    def of(cls, file: PolicyFile) -> "SignalPolicy":
        """The policy of a checked file, each jurisdiction written out in full."""
        stated = sorted(file.jurisdictions.items())
        full = {ALIASES.get(where, where): file.everywhere | verdicts for where, verdicts in stated}
        canonical = json.dumps(full, sort_keys=True).encode()
        return cls(
            version=f"{file.version}+{hashlib.sha256(canonical).hexdigest()[:8]}",
            approved_by=file.approved_by,
            approved_on=file.approved_on,
            biometric=frozenset(name for name, signal in file.classes.items() if signal.biometric),
            verdicts={(where, name): verdict for where, row in full.items() for name, verdict in row.items()},
            permitted={
                where: frozenset(name for name, verdict in row.items() if verdict is Verdict.ALLOW)
                for where, row in full.items()
            },
        )

    def jurisdiction(self, stated: str | None) -> str:
        """The jurisdiction whose row applies; one that the policy does not list counts as unknown."""
        if stated is not None and stated in self.permitted:
            return stated
        code = (stated or UNKNOWN).strip().upper()
        code = ALIASES.get(code, code)
        return code if code in self.permitted else UNKNOWN

    def verdict(self, jurisdiction: str | None, signal_class: str) -> Verdict:
        """What may happen with a class of signals in a jurisdiction."""
        return self.verdicts.get((self.jurisdiction(jurisdiction), signal_class), Verdict.DENY)

    def allowed(self, jurisdiction: str | None) -> frozenset[str]:
        """The classes that may be written."""
        return self.permitted[self.jurisdiction(jurisdiction)]

    def frame(self) -> pl.DataFrame:
        """One row per jurisdiction and class: ``jurisdiction, signal_class, verdict, biometric``."""
        rows = [
            (where, name, verdict.value, name in self.biometric)
            for (where, name), verdict in sorted(self.verdicts.items())
        ]
        schema = {"jurisdiction": pl.String, "signal_class": pl.String, "verdict": pl.String, "biometric": pl.Boolean}
        return pl.DataFrame(rows, schema=schema, orient="row")


def version_in_force(config: Path) -> str | None:
    """The version that log entries are stamped with; ``None`` where the file cannot be read, which stops no look."""
    path = config / "policy.yaml"
    try:
        return _version(path, path.stat().st_mtime_ns)
    except (PolicyError, OSError):
        return None


@lru_cache(maxsize=8)
def _version(path: Path, _changed: int) -> str:
    return SignalPolicy.load(path).version
