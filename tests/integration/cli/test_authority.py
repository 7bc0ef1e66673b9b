"""Commands ask `authorize` as pages do: every role and command that takes data out, and what the log keeps."""

import json
import shutil
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
import yaml
from support.command import Command
from support.practised import Practised
from support.served import CHROMIUM

from governance.access.claims import operator_name
from governance.access.log import AccessLog
from governance.audit.chain import TABLE, rows
from governance.audit.home import verify_home
from governance.audit.seals import digest
from governance.settings import PROJECT, Settings
from governance.state import State
from pipelines.cli import main

PERIOD = ("--from", "2026-01-01", "--to", "2026-12-31")
ROLES = ("learner", "manager", "analyst", "compliance", "auditor", "admin")
# Each command, the action that its refusal is logged under, and the roles that may run it.
COMMANDS = {
    "ingest README.md": ("deliver", {"admin"}),
    "run": ("deliver", {"admin"}),
    "query 'select 1'": ("export_rows", {"analyst", "compliance", "auditor"}),
    "export xapi --out OUT": ("export_rows", {"analyst", "compliance", "auditor"}),
    "export scorm --out OUT": ("deliver", {"admin"}),
    "export cmi5 --out OUT": ("deliver", {"admin"}),
    "sync lrs --connector an-lrs": ("deliver", {"admin"}),
    "sync crm --connector salesforce-example": ("deliver", {"admin"}),
    "sync crm --connector salesforce-example --unmatched": ("deliver", {"admin"}),
    "sync lms --connector moodle-example": ("deliver", {"admin"}),
    "report --month 2026-11": ("export_report", {"compliance", "auditor"}),
    "audit report --from 2026-11-01 --to 2026-11-30 --out OUT.csv": ("export_report", {"compliance", "auditor"}),
    "audit bundle --from 2026-11-01 --to 2026-11-30 --out OUT.zip": ("export_report", {"compliance", "auditor"}),
    "audit verify": ("view_health", {"analyst", "compliance", "auditor", "admin"}),
    "privacy access e1 --out OUT": ("manage_privacy", {"compliance"}),
    "privacy erase e1 --dry-run": ("manage_privacy", {"compliance"}),
    "privacy retain --dry-run": ("manage_privacy", {"compliance"}),
    "privacy hold --learner e1 --reason case": ("manage_privacy", {"compliance"}),
    "privacy release hold_1": ("manage_privacy", {"compliance"}),
    "privacy holds": ("manage_privacy", {"compliance"}),
    "privacy withheld": ("manage_privacy", {"compliance"}),
    "scorm codes --destination demo --learner e1 --out OUT": ("deliver", {"admin"}),
    "scorm identities map.csv --destination demo": ("deliver", {"admin"}),
    "scorm release u1 --destination demo": ("deliver", {"admin"}),
    "scorm revoke --destination demo": ("deliver", {"admin"}),
    "scorm revoke --destination gone": ("deliver", {"admin"}),
}
REFUSALS = [(command, role) for command, (_, may) in COMMANDS.items() for role in ROLES if role not in may]


@dataclass
class Desk:
    """A home and its configuration, with whoever sits at the machine."""

    home: Path
    config: Path
    said: pytest.CaptureFixture[str]

    def sits(self, *roles: str, **bounds: object) -> None:
        rules = yaml.safe_load((PROJECT / "config" / "access.yaml").read_text("utf-8"))
        rules["operators"] = {"*": {"roles": list(roles), "auditor_until": "2099-01-01T00:00:00Z"} | bounds}
        (self.config / "access.yaml").write_text(yaml.safe_dump(rules), "utf-8")

    def run(self, *words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        out, err = self.said.readouterr()
        return int(ended.value.code or 0), " ".join((out + err).split())

    def log(self) -> pl.DataFrame:
        with closing(State.open(f"sqlite:///{self.home / 'state.db'}")) as state:
            return AccessLog(state).frame()

    def events(self, action: str) -> list[dict[str, object]]:
        with closing(State.open(f"sqlite:///{self.home / 'state.db'}")) as state, state.reading() as session:
            return rows(session, TABLE.action == action)


@pytest.fixture(scope="module")
def place(practised: Practised, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("authority")
    practised.copy(folder / "home")
    shutil.copytree(PROJECT / "config", folder / "config")
    (folder / "config" / "connectors" / "an-lrs.yaml").write_text(
        "kind: xapi\nurl: https://lrs.invalid/xapi\n", "utf-8"
    )
    return folder


@pytest.fixture
def desk(place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    monkeypatch.setenv("ROLECALL_HOME", str(place / "home"))
    monkeypatch.setenv("ROLECALL_CONFIG", str(place / "config"))
    monkeypatch.setattr(sys, "argv", ["rolecall"])
    return Desk(place / "home", place / "config", capsys)


def words(command: str, out: Path) -> list[str]:
    return [word.replace("OUT", str(out)).strip("'") for word in command.replace("'select 1'", "select~1").split()]


@pytest.mark.parametrize(("command", "role"), REFUSALS)
def test_a_role_that_may_not_is_told_in_one_line_and_logged(
    desk: Desk, tmp_path: Path, command: str, role: str
) -> None:
    desk.sits(role)
    before = desk.log().height
    code, said = desk.run(*(word.replace("~", " ") for word in words(command, tmp_path / "out")))
    assert code == 1
    assert "may not" in said or "your role does not include" in said
    assert list(tmp_path.iterdir()) == []
    newest = desk.log().head(1).row(0, named=True)
    assert desk.log().height == before + 1
    assert (newest["action"], newest["allowed"], newest["why"]) == (COMMANDS[command][0], False, "role")
    assert newest["who"].startswith("os:")
    assert newest["source"] == "command line"


def test_nobody_listed_nothing_allowed(desk: Desk) -> None:
    desk.sits("compliance")
    rules = yaml.safe_load((desk.config / "access.yaml").read_text("utf-8"))
    rules["operators"] = {"somebody-else": {}}
    (desk.config / "access.yaml").write_text(yaml.safe_dump(rules), "utf-8")
    assert desk.run("query", "select 1")[0] == 1


@pytest.mark.parametrize(
    ("bounds", "why"),
    [({"tenants": ["globex"]}, "tenant"), ({"regions": ["EMEA"]}, "region"), ({"auditor_until": None}, "role")],
)
def test_scope_and_time_box_hold_for_commands_too(desk: Desk, bounds: dict[str, object], why: str) -> None:
    desk.sits("auditor", **bounds)
    code, said = desk.run("query", "select count(*) from sessions")
    assert code == 1
    assert "may not export rows (acme)" in said
    assert desk.log().row(0, named=True)["why"] == why


def test_an_operator_of_one_tenant_brings_in_nothing_and_publishes_that_tenant_alone(desk: Desk) -> None:
    desk.sits("admin", tenants=["acme"])
    assert "may not deliver (all tenants)" in desk.run("ingest", "README.md", "--tenant", "acme")[1]
    assert "may not deliver (all tenants)" in desk.run("run")[1]
    assert "may not deliver (globex)" in desk.run("run", "--tenant", "globex")[1]
    before = desk.log().height
    assert desk.run("run", "--tenant", "acme")[0] == 0
    assert desk.log().height == before, "what was published is on record by itself"


def test_everybody_elses_tenants_are_not_delivered_by_default(desk: Desk) -> None:
    desk.sits("admin", tenants=["acme"])
    code, said = desk.run("sync", "lrs", "--connector", "an-lrs")
    assert code == 1
    assert "may not deliver (all tenants)" in said
    assert "--tenant" in said


def test_who_may_is_logged_with_what_they_took(desk: Desk, tmp_path: Path) -> None:
    desk.sits("compliance")
    sql = "with m as (from media) select s.region, count(*) from sessions as s join m using (session_id) group by all"
    assert desk.run("query", sql)[0] == 0
    newest = desk.log().row(0, named=True)
    assert (newest["action"], newest["allowed"], newest["what"]) == ("export_rows", True, "query of media, sessions")
    assert desk.run("export", "xapi", "--out", str(tmp_path / "x"))[0] == 0
    event = [each for each in desk.events("export") if each["object"] == "files/xapi"][-1]
    assert event["tenant"] == "acme"
    assert event["body"]["statements"] > 0  # type: ignore[index]
    assert desk.run("audit", "report", *PERIOD, "--out", str(tmp_path / "r.csv"))[0] == 0
    assert any(str(each["object"]).startswith("report:") for each in desk.events("export"))
    assert desk.run("audit", "verify")[0] == 0


def test_the_monthly_report_is_made_by_the_command_alone_and_noted(desk: Desk) -> None:
    """In a process of its own: what a page has loaded before would hide what the command forgets to."""
    if not Path(CHROMIUM).exists():
        pytest.skip("Debian's chromium is not installed; `make test` installs it")
    desk.sits("compliance")
    done = Command(desk.home, ROLECALL_CONFIG=str(desk.config)).run("report", "--month", "2026-11")
    assert (done.returncode, done.stderr) == (0, "")
    (event,) = [each for each in desk.events("export") if each["object"] == "monthly-report/2026-11"]
    file = desk.home / "exports" / "reports" / "acme" / "2026-11.pdf"
    assert event["body"]["sha256"] == digest(file)  # type: ignore[index]


def test_a_verification_adds_nothing_to_what_it_verifies(desk: Desk) -> None:
    desk.sits("auditor")
    settings = Settings()
    with closing(State.open(settings.database_url)) as state:
        before = verify_home(settings, state).counts["events"]
        assert desk.run("audit", "verify")[0] == 0
        assert verify_home(settings, state).counts["events"] == before


@pytest.fixture
def people(practised: Practised) -> dict[str, str]:
    """A learner id of every region."""
    lines = (practised.delivered / "learners.jsonl").read_text("utf-8").splitlines()
    return {person["region"]: person["learner_id"] for person in map(json.loads, lines)}


def test_who_decided_and_who_typed_it_are_both_on_record(desk: Desk, tmp_path: Path, people: dict[str, str]) -> None:
    desk.sits("compliance")
    both = f"jane through {operator_name()}"
    learner = people["EMEA"]
    code, said = desk.run("privacy", "hold", "--learner", learner, "--reason", "case 7", "--by", "jane")
    assert code == 0
    hold_id = said.split()[-1]
    assert desk.run("privacy", "release", hold_id, "--by", "jane")[0] == 0
    assert [each["actor"] for each in desk.events("hold") if each["object"] == hold_id] == [both, both]
    assert desk.run("privacy", "access", learner, "--out", str(tmp_path), "--by", "jane", "--reason", "letter")[0] == 0
    about, wanted = desk.log().head(2).iter_rows(named=True)
    assert (about["who"], about["reason"], about["what"]) == (both, "letter", "subject access export")
    assert (wanted["who"], wanted["what"]) == (operator_name(), "subject access export")
    assert json.loads((tmp_path / learner / "data.json").read_text("utf-8"))["generated_by"] == both
    assert desk.run("privacy", "hold", "--learner", learner, "--reason", "case 8")[0] == 0
    assert desk.events("hold")[-1]["actor"] == operator_name()


def test_an_officer_of_some_regions_decides_about_nobody_elsewhere(
    desk: Desk, tmp_path: Path, people: dict[str, str]
) -> None:
    desk.sits("compliance", regions=["EMEA"])
    for words in (
        ("erase", people["AMER"]),
        ("erase", people["EMEA"], people["AMER"]),
        ("access", people["AMER"], "--out", str(tmp_path)),
        ("hold", "--learner", people["AMER"], "--reason", "case"),
        ("hold", "--scenario", "suitability-fund", "--reason", "case"),
        ("retain",),
    ):
        code, said = desk.run("privacy", *words)
        assert (code, "your scope is some regions" in said) == (1, True), words
        newest = desk.log().filter(~pl.col("allowed")).row(0, named=True)
        assert (newest["action"], newest["why"]) == ("manage_privacy", "region")
        assert people["AMER"] not in str(newest)
    assert list(tmp_path.iterdir()) == []
    assert desk.run("privacy", "erase", people["EMEA"], "--dry-run")[0] == 0


def test_packages_of_a_destination_that_is_gone_are_revoked_by_whoever_serves_their_tenant(
    desk: Desk, tmp_path: Path
) -> None:
    desk.sits("admin", tenants=["acme"])
    kept = desk.config / "destinations" / "demo.yaml"
    passing = kept.with_name("passing.yaml")
    shutil.copy(kept, passing)
    try:
        one = ("--scenario", "suitability-fund", "--edition", "1.2", "--out", str(tmp_path / "one.zip"))
        assert desk.run("export", "scorm", "--destination", "passing", *one)[0] == 0
    finally:
        passing.unlink()
    assert desk.run("scorm", "codes", "--destination", "passing", "--learner", "e1")[0] == 1
    desk.sits("admin", tenants=["globex"])
    code, said = desk.run("scorm", "revoke", "--destination", "passing")
    assert code == 1
    assert "may not deliver (acme)" in said
    desk.sits("admin", tenants=["acme"])
    code, said = desk.run("scorm", "revoke", "--destination", "never-known")
    assert code == 1
    assert "may not deliver (all tenants)" in said
    code, said = desk.run("scorm", "revoke", "--destination", "passing")
    assert (code, said) == (0, "1 token revoked")
    assert desk.events("configuration_change")[-1]["actor"] == operator_name()
