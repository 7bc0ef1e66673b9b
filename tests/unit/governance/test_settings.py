"""Settings, their example file, and rolecall.yaml."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from pydantic import ValidationError

from governance.project import Project, ProjectError
from governance.settings import PROJECT, Settings

EXAMPLE = PROJECT / ".env.example"
VARIABLE = re.compile(r"^#ROLECALL_([A-Z_]+)=(.*)$")


def test_the_example_lists_every_setting_each_with_a_line_of_explanation() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    listed = [match.group(1).lower() for line in lines if (match := VARIABLE.match(line))]
    assert listed == list(Settings.model_fields)
    for before, line in pairwise(lines):
        if VARIABLE.match(line):
            assert before.startswith("# "), line


def test_the_example_states_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)
    active = tmp_path / "env"
    active.write_text(EXAMPLE.read_text(encoding="utf-8").replace("\n#ROLECALL", "\nROLECALL"), encoding="utf-8")
    for name in Settings.model_fields:
        monkeypatch.delenv(f"ROLECALL_{name.upper()}", raising=False)
    assert Settings(_env_file=str(active)) == Settings(_env_file=None)  # type: ignore[call-arg]


def test_the_minimum_cell_has_a_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLECALL_MINIMUM_CELL", "5")
    with pytest.raises(ValidationError, match="greater than or equal to 7"):
        Settings(_env_file=None)  # type: ignore[call-arg]


def test_tokens_are_pairs_and_stay_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLECALL_GATEWAY_TOKENS", "acme=se=cret, globex=other")
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    assert {tenant: token.get_secret_value() for tenant, token in settings.gateway_tokens.items()} == {
        "acme": "se=cret",
        "globex": "other",
    }
    assert "se=cret" not in repr(settings)
    monkeypatch.setenv("ROLECALL_GATEWAY_TOKENS", "acme")
    with pytest.raises(ValidationError, match="tenant=token"):
        Settings(_env_file=None)  # type: ignore[call-arg]


def test_places_follow_from_the_home(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, home=tmp_path)  # type: ignore[call-arg]
    assert settings.database_url == f"sqlite:///{tmp_path / 'state.db'}"
    assert settings.lake == tmp_path / "lake"


def test_the_shipped_project_file_loads() -> None:
    project = Project.load(PROJECT / "config")
    assert project.title("acme") == "Acme Financial"
    assert project.title("somebody") == "somebody"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tenants: {acme: {display_name: Acme, accent: red}}", "tenants.acme.accent"),
        ("tenants: {../x: {display_name: Acme}}", "tenants"),
        ("colour: red", "colour"),
        ("tenants: [", "not YAML"),
    ],
)
def test_a_wrong_project_file_is_one_clear_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "rolecall.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ProjectError) as refused:
        Project.load(tmp_path)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_empty_project_file_means_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "rolecall.yaml").write_text("", encoding="utf-8")
    assert Project.load(tmp_path) == Project()
    with pytest.raises(ProjectError, match="ROLECALL_CONFIG"):
        Project.load(tmp_path / "nowhere")
