"""What an administrator types: codes, identities, revocations, and the asset that builds everything."""

import csv
from pathlib import Path

import dagster as dg
import pytest
from click.testing import Result
from typer.testing import CliRunner

from assets.exports.scorm_packages import scorm_packages
from assets.resources import Workspace
from governance.settings import PROJECT, Settings
from pipelines.cli import app
from pipelines.packages import people
from pipelines.problems import Problem


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ROLECALL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ROLECALL_CONFIG", str(PROJECT / "config"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def rolecall(*words: str) -> Result:
    done = CliRunner().invoke(app, words)
    if done.exception is not None:
        raise done.exception
    return done


def test_codes_go_to_a_file_that_nobody_else_reads(home: Path) -> None:
    (home / "team.txt").write_text("e1\n\ne2\ne1\n")
    out = home / "codes.csv"
    rolecall("scorm", "codes", "--destination", "demo", "--learners", str(home / "team.txt"), "--out", str(out))
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["learner_id"] for row in rows] == ["e1", "e2"]
    assert len({row["code"] for row in rows}) == 2
    assert out.stat().st_mode & 0o077 == 0
    with pytest.raises(Problem, match="No learner is named"):
        rolecall("scorm", "codes", "--destination", "demo")


def test_an_identity_map_is_taken_whole_or_not_at_all(home: Path) -> None:
    path = home / "map.csv"
    path.write_text("external_id,learner_id\n007,e1\nu2,e2\n")
    assert "2 new, 0 changed, 0 known" in rolecall("scorm", "identities", str(path), "--destination", "demo").output
    path.write_text("external_id,learner_id\n007,e3\nu2,e2\n")
    assert "0 new, 1 changed, 1 known" in rolecall("scorm", "identities", str(path), "--destination", "demo").output
    with people(Settings()) as register:
        binding = register.find("demo", "username", "007")
        assert binding is not None
        assert (binding.learner_key, binding.number) == (register.identities.key("acme", "e3"), 2)
    for text, complaint in (
        ("external_id\nx\n", "no column learner_id"),
        ("external_id,learner_id\nx,e1\nx,e2\n", "occur twice"),
        ("external_id,learner_id\nx,\n", "row 1: learner_id"),
    ):
        path.write_text(text)
        with pytest.raises(Problem, match=complaint):
            rolecall("scorm", "identities", str(path), "--destination", "demo")
    assert "Released" in rolecall("scorm", "release", "007", "--destination", "demo").output
    with pytest.raises(Problem, match="binds nobody"):
        rolecall("scorm", "release", "007", "--destination", "demo")


def test_packages_are_listed_and_revoked(home: Path) -> None:
    assert "No package was built yet" in rolecall("scorm", "packages").output
    out = home / "one.zip"
    one = ("--scenario", "suitability-fund", "--edition", "1.2", "--out", str(out))
    assert str(out) in rolecall("export", "scorm", *one).output
    assert "stands" in rolecall("scorm", "packages").output
    assert "1 token revoked" in rolecall("scorm", "revoke", "--destination", "demo", "--reason", "test").output
    assert "revoked" in rolecall("scorm", "packages").output
    with pytest.raises(Problem, match="No token of demo stands"):
        rolecall("scorm", "revoke", "--destination", "demo")
    assert "good, SCORM 1.2" in rolecall("scorm", "check", str(out)).output
    with pytest.raises(Problem, match="1 of 1 packages cannot be used"):
        rolecall("scorm", "check", str(out.with_suffix(".settings.html")))
    with pytest.raises(Problem, match="is one file"):
        rolecall("export", "scorm", "--out", str(out))
    rolecall("export", "cmi5", "--out", str(home / "courses"))
    assert len(list((home / "courses").glob("*-cmi5.zip"))) == 4


def test_the_asset_builds_every_package(home: Path) -> None:
    workspace = Workspace(home=str(home / "home"), config=str(PROJECT / "config"))
    with dg.DagsterInstance.ephemeral() as instance:
        done = dg.materialize([scorm_packages], resources={"workspace": workspace}, instance=instance)
    (made,) = done.asset_materializations_for_node("exports__scorm_packages")
    assert made.metadata["packages"].value == 8
    assert len(list((home / "home" / "exports" / "scorm" / "demo").glob("*.zip"))) == 8
    digests = made.metadata["digests"].value
    assert all(len(each["sha1"]) == 40 for each in digests.values())  # type: ignore[union-attr]
