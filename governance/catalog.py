"""The catalog: competencies, rubrics and scenarios as the customer wrote them under ``config/``.

Files: ``competencies.yaml``, ``rubrics/*.yaml``, ``scenarios/*.yaml``. A file holds one version or a list of
versions; several versions of one id stand side by side. Everything is checked when it is loaded, so whoever
holds a Catalog can rely on it; a mistake raises CatalogError, which names the file and the key.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import polars as pl

from governance import yaml_files
from governance.catalog_models import Competency, CompetencyModel, Rubric, Scenario, Strict

Model = TypeVar("Model", bound=Strict)
Key = tuple[str, str]


class CatalogError(ValueError):
    """The catalog cannot be used; the text names the file, the key and what is wrong with it."""


@dataclass(frozen=True)
class Catalog:
    """Competencies by id, rubrics and scenarios by (id, version)."""

    model: CompetencyModel
    rubrics: dict[Key, Rubric]
    scenarios: dict[Key, Scenario]

    @classmethod
    def load(cls, config_dir: Path) -> "Catalog":
        """Read and check everything below ``config_dir``.

        Raises:
            CatalogError: a file is missing, unreadable, or breaks a rule.
        """
        path = config_dir / "competencies.yaml"
        if not path.is_file():
            raise CatalogError(f"{path}: not found; set ROLECALL_CONFIG to the folder that holds competencies.yaml")
        model = next(_documents(path, CompetencyModel))
        rubrics = _versions(config_dir / "rubrics", Rubric)
        scenarios = _versions(config_dir / "scenarios", Scenario)
        _check_references(model, rubrics, scenarios)
        return cls(model, {k: v for k, (v, _) in rubrics.items()}, {k: v for k, (v, _) in scenarios.items()})

    @property
    def competencies(self) -> dict[str, Competency]:
        """Competencies by id; ``mastery`` of each is the scaled score that counts as mastered."""
        return {item.id: item for item in self.model.competencies}

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the whole content: equal digests judge equally."""
        parts = [self.model.digest, *(f"{k}{v.digest}" for k, v in sorted(self.rubrics.items()))]
        parts += [f"{k}{v.digest}" for k, v in sorted(self.scenarios.items())]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def rubric_digests(self) -> dict[Key, str]:
        """Digest per (rubric id, version), to notice that a version was edited after a score referred to it."""
        return {key: rubric.digest for key, rubric in self.rubrics.items()}

    def engine_fields(self) -> dict[str, tuple[str, str, dict[str, str], dict[str, Any]]]:
        """Per post-call tool: rubric id, rubric version, the criterion that each of its fields scores, other fields."""
        return {
            rubric.post_call.tool: (
                rubric.id,
                rubric.version,
                dict(rubric.post_call.fields),
                rubric.post_call.model_dump(include={"comments", "evidence", "overall", "scorer_version"}),
            )
            for rubric in self.rubrics.values()
            if rubric.post_call
        }

    def criteria_frame(self) -> pl.DataFrame:
        """One row per criterion of a rubric version."""
        rows = [
            (r.id, r.version, c.id, c.name, c.competency, c.weight, c.min, c.max, c.minimum, c.blocker)
            for r in self.rubrics.values()
            for c in r.criteria
        ]
        text, number = pl.String, pl.Float64
        return _frame(
            rows,
            rubric_id=text, rubric_version=text, criterion_id=text, name=text, competency=text,
            weight=number, score_min=number, score_max=number, minimum=number, blocker=pl.Boolean,
        )  # fmt: skip

    def rubrics_frame(self) -> pl.DataFrame:
        """One row per rubric version; ``overall_minimum`` is null where it has no pass rule."""
        rows = [
            (r.id, r.version, r.title, r.pass_rule.overall_minimum if r.pass_rule else None, len(r.criteria), r.digest)
            for r in self.rubrics.values()
        ]
        return _frame(
            rows,
            rubric_id=pl.String, rubric_version=pl.String, title=pl.String,
            overall_minimum=pl.Float64, criteria_count=pl.Int32, digest=pl.String,
        )  # fmt: skip

    def scenarios_frame(self) -> pl.DataFrame:
        """One row per scenario version."""
        rows = [
            (s.id, s.version, s.title, s.kind, s.rubric.id, s.rubric.version, s.difficulty)
            for s in self.scenarios.values()
        ]
        return _frame(
            rows,
            scenario_id=pl.String, scenario_version=pl.String, title=pl.String, kind=pl.String,
            rubric_id=pl.String, rubric_version=pl.String, difficulty=pl.Int32,
        )  # fmt: skip

    def watchpoints_frame(self) -> pl.DataFrame:
        """One row per objective or guardrail of a scenario version; ``position`` counts from 0 within its kind."""
        rows = [
            (s.id, s.version, kind, item.name, position, item.severity, "; ".join(item.regulation) or None)
            for s in self.scenarios.values()
            for kind, items in (("objective", s.objectives), ("guardrail", s.guardrails))
            for position, item in enumerate(items)
        ]
        return _frame(
            rows,
            scenario_id=pl.String, scenario_version=pl.String, kind=pl.String, name=pl.String,
            position=pl.Int32, severity=pl.String, regulation=pl.String,
        )  # fmt: skip

    def competencies_frame(self) -> pl.DataFrame:
        """One row per competency."""
        rows = [(c.id, c.name, c.definition, c.mastery) for c in self.model.competencies]
        return _frame(rows, competency=pl.String, name=pl.String, definition=pl.String, mastery=pl.Float64)


def _frame(rows: Sequence[tuple[object, ...]], **schema: Any) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema, orient="row")


def _versions(folder: Path, model: type[Model]) -> dict[Key, tuple[Model, Path]]:
    """Every version found in a folder, with the file that it came from."""
    found: dict[Key, tuple[Model, Path]] = {}
    for path in sorted((*folder.glob("*.yaml"), *folder.glob("*.yml"))):
        for item in _documents(path, model):
            key: Key = item.key  # type: ignore[attr-defined]
            if key in found:
                raise CatalogError(f"{path}: {key[0]} version {key[1]} is already defined in {found[key][1].name}")
            found[key] = (item, path)
    return found


def _documents(path: Path, model: type[Model]) -> Iterator[Model]:
    """The objects of one file, which holds one mapping or a list of them."""
    content = yaml_files.read(path, CatalogError, absent="check that it may be read")
    items = content if isinstance(content, list) else [content]
    for position, item in enumerate(items):
        where = f"{path}" if len(items) == 1 else f"{path}, version {position + 1} of the list"
        yield yaml_files.check(item, model, CatalogError, where)


def _check_references(
    model: CompetencyModel, rubrics: dict[Key, tuple[Rubric, Path]], scenarios: dict[Key, tuple[Scenario, Path]]
) -> None:
    """Competencies, rubrics and tools that are named must exist, and a tool belongs to one rubric version."""
    known = {item.id for item in model.competencies}
    tools: dict[str, Path] = {}
    for rubric, path in rubrics.values():
        for criterion in rubric.criteria:
            if criterion.competency not in known:
                raise CatalogError(
                    f"{path}: criteria.{criterion.id}.competency: {criterion.competency!r} is not in competencies.yaml"
                )
        if rubric.post_call and rubric.post_call.tool in tools:
            other = tools[rubric.post_call.tool].name
            raise CatalogError(f"{path}: post_call.tool: {rubric.post_call.tool!r} already belongs to {other}")
        if rubric.post_call:
            tools[rubric.post_call.tool] = path
    for scenario, path in scenarios.values():
        wanted = (scenario.rubric.id, scenario.rubric.version)
        if wanted not in rubrics:
            raise CatalogError(f"{path}: rubric: {wanted[0]} version {wanted[1]} is not among the rubrics")
