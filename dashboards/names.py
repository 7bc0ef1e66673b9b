"""What things are called: names from the catalog, and a readable form of ids that it does not hold."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from governance.catalog import Catalog, CatalogError

ALL = "*"
SIGNAL_KINDS = {
    "objective": "Objective",
    "guardrail": "Guardrail",
    "tool": "Tool",
    "perception": "Perception",
    "memory": "Memory",
    "knowledge": "Knowledge",
}
END_REASONS = {
    "completed": "completed",
    "learner_left": "learner left",
    "no_show": "no-show",
    "time_limit": "time limit reached",
    "technical_failure": "technical failure",
    "other": "other",
}
COMPLETENESS = {"complete": "complete", "complete_partial": "closed, a part is missing", "open": "still open"}
MEDIA_STATUS = {
    "available": "available",
    "missing": "missing",
    "truncated": "truncated",
    "copy_failed": "copy failed",
    "unreadable": "unreadable",
    "not_probed": "not checked yet",
}


def humanise(code: str) -> str:
    """An id as words: ``no_guarantee-of`` becomes ``No guarantee of``."""
    words = re.sub(r"[_\-\s]+", " ", code).strip()
    return words[:1].upper() + words[1:]


def plain(text: str) -> str:
    """Words of somebody else as Markdown that shows them and does nothing."""
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]()#+!|<>$~:" else sign for sign in " ".join(text.split()))


@dataclass(frozen=True)
class Level:
    """What a score on a criterion's scale means."""

    score: float
    description: str


@dataclass(frozen=True)
class CriterionText:
    """What the catalog says of a criterion."""

    name: str
    looks_for: str = ""
    levels: tuple[Level, ...] = ()
    minimum: float | None = None

    def level(self, score: float) -> str:
        """The descriptor of the step reached; a half point belongs to the step below it."""
        reached = [level for level in self.levels if level.score <= score]
        return reached[-1].description if reached else ""


@dataclass(frozen=True)
class Names:
    """Display names by id. Every method answers, also for ids that the catalog does not hold."""

    competencies: dict[str, str] = field(default_factory=dict)
    definitions: dict[str, str] = field(default_factory=dict)
    mastery: dict[str, float] = field(default_factory=dict)
    scenarios: dict[str, str] = field(default_factory=dict)
    rubrics: dict[str, str] = field(default_factory=dict)
    criteria: dict[tuple[str, str, str], CriterionText] = field(default_factory=dict)
    practice: dict[str, tuple[str, ...]] = field(default_factory=dict)
    problem: str | None = None

    def competency(self, code: str) -> str:
        """Name of a competency."""
        return self.competencies.get(code) or humanise(code)

    def scenario(self, code: str | None) -> str:
        """Title of a scenario."""
        if code in (None, "unknown"):
            return "Unknown scenario"
        return "All scenarios" if code == ALL else self.scenarios.get(code) or humanise(code)

    def region(self, code: str | None) -> str:
        """A region as the directory writes it."""
        if code in (None, "unknown"):
            return "Unknown region"
        return "All regions" if code == ALL else code

    def rubric(self, code: str) -> str:
        """Title of a rubric."""
        return self.rubrics.get(code) or humanise(code)

    def criterion(self, rubric: str, version: str, code: str) -> CriterionText:
        """Name, levels and minimum of a criterion of one rubric version."""
        return self.criteria.get((rubric, version, code)) or CriterionText(humanise(code))


def names_of(catalog: Catalog) -> Names:
    """The names of a catalog; of several versions of a scenario or rubric the last one names it."""
    return Names(
        competencies={code: item.name for code, item in catalog.competencies.items()},
        definitions={code: item.definition for code, item in catalog.competencies.items()},
        mastery={code: item.mastery for code, item in catalog.competencies.items()},
        scenarios={key[0]: item.title for key, item in sorted(catalog.scenarios.items())},
        rubrics={key[0]: item.title for key, item in sorted(catalog.rubrics.items())},
        criteria={
            (rubric.id, rubric.version, item.id): CriterionText(
                name=item.name,
                looks_for=item.looks_for,
                levels=tuple(Level(step, text) for step, text in sorted(item.levels.items())),
                minimum=item.minimum,
            )
            for rubric in catalog.rubrics.values()
            for item in rubric.criteria
        },
        practice=_practice(catalog),
    )


def _practice(catalog: Catalog) -> dict[str, tuple[str, ...]]:
    """Scenarios that rehearse each competency, the easiest first, by the rubric of their newest version."""
    newest = {key[0]: item for key, item in sorted(catalog.scenarios.items())}
    found: dict[str, list[str]] = {}
    for scenario in sorted(newest.values(), key=lambda item: (item.difficulty, item.id)):
        rubric = catalog.rubrics.get((scenario.rubric.id, scenario.rubric.version))
        for competency in sorted({item.competency for item in rubric.criteria} if rubric else ()):
            found.setdefault(competency, []).append(scenario.id)
    return {competency: tuple(scenarios) for competency, scenarios in found.items()}


@st.cache_data(max_entries=4, ttl=60, show_spinner=False)
def load_names(config: Path) -> Names:
    """The names of the catalog under ``config``; a broken catalog leaves readable ids and says what is wrong."""
    try:
        return names_of(Catalog.load(config))
    except CatalogError as error:
        return Names(problem=str(error))


def learner(key: str | None) -> str:
    """A pseudonym short enough to read; the full key stays in tables and links."""
    return "unattributed" if key is None else f"learner {key.removeprefix('l_')[:6]}"
