"""The catalog: what ships is complete, and every mistake names its file and its key."""

import shutil
from pathlib import Path

import pytest
import yaml

from governance.catalog import Catalog, CatalogError
from governance.settings import PROJECT

CONFIG = PROJECT / "config"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.load(CONFIG)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    for name in ("rubrics", "scenarios"):
        shutil.copytree(CONFIG / name, tmp_path / name)
    shutil.copy(CONFIG / "competencies.yaml", tmp_path)
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_the_four_kinds_ship_in_all_languages(catalog: Catalog) -> None:
    assert {s.kind for s in catalog.scenarios.values()} == {"sales", "disclosure", "feedback", "conflict"}
    for scenario in catalog.scenarios.values():
        assert set(scenario.languages) >= {"en", "de", "fr", "es", "ja"}
        assert scenario.engine is not None
        assert set(scenario.engine.personas) == set(scenario.languages)
        assert scenario.objectives
        assert scenario.guardrails


def test_two_versions_stand_side_by_side_and_differ(catalog: Catalog) -> None:
    digests = catalog.rubric_digests()
    assert digests["sales-discovery", "1"] != digests["sales-discovery", "2"]
    assert catalog.scenarios["sales-renewal-risk", "1"].rubric.version == "1"
    assert catalog.scenarios["sales-renewal-risk", "2"].rubric.version == "2"


def test_every_competency_is_fed_and_discovery_by_every_rubric(catalog: Catalog) -> None:
    frame = catalog.criteria_frame()
    assert set(frame["competency"]) == set(catalog.competencies)
    discovery = frame.filter(frame["competency"] == "discovery")
    assert set(discovery["rubric_id"]) == set(frame["rubric_id"])


def test_a_regulated_rubric_has_blockers_with_their_rules(catalog: Catalog) -> None:
    blockers = [c for c in catalog.rubrics["suitability-disclosure", "1"].criteria if c.blocker]
    assert len(blockers) >= 3
    assert all(c.regulation and c.minimum is not None for c in blockers)


def test_frames_agree_with_each_other(catalog: Catalog) -> None:
    criteria, rubrics = catalog.criteria_frame(), catalog.rubrics_frame()
    counted = criteria.group_by("rubric_id", "rubric_version").len()
    joined = rubrics.join(counted, on=["rubric_id", "rubric_version"], validate="1:1")
    assert joined.height == rubrics.height
    assert (joined["criteria_count"] == joined["len"]).all()
    assert catalog.scenarios_frame().join(rubrics, on=["rubric_id", "rubric_version"]).height == len(catalog.scenarios)
    watch = catalog.watchpoints_frame()
    assert watch.select("scenario_id", "scenario_version", "kind", "name").is_unique().all()
    assert watch.filter(watch["kind"] == "guardrail")["severity"].null_count() == 0


def test_engine_fields_reach_every_criterion_once(catalog: Catalog) -> None:
    for rubric_id, version, fields, _ in catalog.engine_fields().values():
        assert sorted(fields.values()) == sorted(c.id for c in catalog.rubrics[rubric_id, version].criteria)


def test_digest_ignores_layout_and_notices_content(config: Path, catalog: Catalog) -> None:
    path = config / "rubrics" / "difficult-feedback-v1.yaml"
    path.write_text("# a comment\n" + path.read_text())
    assert Catalog.load(config).digest == catalog.digest
    edit(path, "weight: 3", "weight: 4")
    changed = Catalog.load(config)
    assert changed.digest != catalog.digest
    assert changed.rubric_digests()["difficult-feedback", "1"] != catalog.rubric_digests()["difficult-feedback", "1"]


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("rubrics/difficult-feedback-v1.yaml", "blocker: true", "bloker: true", "criteria.3.bloker: no such key"),
        (
            "rubrics/difficult-feedback-v1.yaml",
            "competency: empathy",
            "competency: charm",
            "criteria.respect.competency",
        ),
        (
            "rubrics/difficult-feedback-v1.yaml",
            "minimum: 2\n    looks",
            "minimum: 9\n    looks",
            "lies outside the scale",
        ),
        ("rubrics/difficult-feedback-v1.yaml", "agreement: agreement", "agreement: handshake", "'handshake'"),
        ("rubrics/difficult-feedback-v1.yaml", "    empathy: respect\n", "", "no field for ['respect']"),
        (
            "rubrics/difficult-feedback-v1.yaml",
            "      5: Also separates",
            "      6: Also separates",
            "levels must describe",
        ),
        ("rubrics/difficult-feedback-v1.yaml", "max: 5", "max: five", "criteria.0.max"),
        ("rubrics/difficult-feedback-v1.yaml", 'version: "1"', "version: 1.1", "write the version in quotes"),
        ("rubrics/difficult-feedback-v1.yaml", "id: difficult-feedback\n", "id: sales-discovery\n", "already defined"),
        (
            "rubrics/sales-discovery-v2.yaml",
            "tool: submit_sales_discovery_v2",
            "tool: submit_feedback_v1",
            "already belongs",
        ),
        ("rubrics/difficult-feedback-v1.yaml", "title: ", "title: x\ntitle: ", "occurs twice"),
        ("rubrics/difficult-feedback-v1.yaml", "title: ", "title: [", "not YAML"),
        ("scenarios/suitability-fund.yaml", "{id: suitability-disclosure", "{id: unheard-of", "not among the rubrics"),
        ("scenarios/suitability-fund.yaml", "after: explain_role", "after: settle", "which is not above it"),
        ("scenarios/suitability-fund.yaml", "severity: critical", "severity: dire", "guardrails.0.severity"),
        ("scenarios/suitability-fund.yaml", "languages: [en,", "languages: [English,", "languages.0"),
        ("scenarios/sales-renewal-risk.yaml", "difficulty: 3", "difficulty: 9", "version 1 of the list"),
        ("competencies.yaml", "mastery: 0.70", "mastery: 70", "competencies.0.mastery"),
        ("competencies.yaml", "floor: 0.4", "floor: 0.9", "start at 0 and rise"),
    ],
)
def test_a_mistake_names_file_and_key(config: Path, file: str, old: str, new: str, says: str) -> None:
    edit(config / file, old, new)
    with pytest.raises(CatalogError) as error:
        Catalog.load(config)
    assert Path(file).name in str(error.value)
    assert says in str(error.value)


def test_a_missing_folder_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="ROLECALL_CONFIG"):
        Catalog.load(tmp_path)


def test_the_example_of_the_guide_loads(config: Path) -> None:
    """docs/scenarios.md shows a rubric and a scenario; they must work as printed."""
    blocks = (PROJECT / "docs" / "scenarios.md").read_text().split("```yaml\n")[1:]
    rubric, scenario = (block.split("```")[0] for block in blocks[:2])
    (config / "rubrics" / "own.yaml").write_text(rubric)
    (config / "scenarios" / "own.yaml").write_text(scenario)
    loaded = Catalog.load(config)
    key = yaml.safe_load(scenario)["id"], str(yaml.safe_load(scenario)["version"])
    assert loaded.scenarios[key].rubric.id == yaml.safe_load(rubric)["id"]
