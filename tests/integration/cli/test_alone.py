"""Every documented command in a process that has imported nothing before it, as users start it.

Other tests run commands in processes that have everything imported already (``support.warm``), which would hide an
import that only works after another. Servers are started from nothing wherever they are tested.
"""

import json
import re
from pathlib import Path

import pytest
from support.command import ROOT, Command
from support.planted import LEARNER
from support.practised import Practised

YEAR = "--from 2026-01-01 --to 2026-12-31"
# What is typed after each command, and its exit code: the learner is not frozen, there is no such hold, and without a
# connector there is nothing to deliver to.
COMMANDS = {
    "simulate": ("--sessions 3 --out OUT/simulated", 0),
    "ingest": ("DELIVERED/bundles.jsonl", 0),
    "run": ("", 0),
    "query": ("SQL", 0),
    "report": ("--month 2026-11", 0),
    "doctor": ("", 0),
    "demo": ("--sessions 12 --no-serve", 0),
    "audit report": (f"{YEAR} --out OUT/report.csv", 0),
    "audit bundle": (f"{YEAR} --out OUT/bundle.zip", 0),
    "audit verify": ("", 0),
    "export xapi": ("--out OUT/statements", 0),
    "export scorm": ("--scenario suitability-fund --edition 1.2 --out OUT/package.zip", 0),
    "export cmi5": ("--out OUT/cmi5", 0),
    "privacy erase": ("LEARNER --dry-run", 0),
    "privacy access": ("LEARNER --out OUT/access", 0),
    "privacy retain": ("--dry-run", 0),
    "privacy hold": ("--scenario suitability-fund --reason case", 0),
    "privacy release": ("hold_1", 1),
    "privacy holds": ("", 0),
    "privacy freeze": ("OTHER --basis letter", 0),
    "privacy unfreeze": ("LEARNER --basis told", 1),
    "privacy frozen": ("", 0),
    "privacy scan": ("", 0),
    "privacy withheld": ("", 0),
    "scorm check": ("OUT/known.zip", 0),
    "scorm packages": ("", 0),
    "scorm revoke": ("--destination demo", 0),
    "scorm identities": ("OUT/map.csv --destination demo", 0),
    "scorm release": ("u1 --destination demo", 0),
    "scorm codes": ("--destination demo --learner LEARNER --out OUT/codes.csv", 0),
    "sync lrs": ("", 1),
    "sync crm": ("", 1),
    "sync lms": ("", 1),
}


@pytest.fixture(scope="module")
def place(practised: Practised, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a home, a package and a map of identities of which ``u1`` is known already."""
    folder = tmp_path_factory.mktemp("alone")
    rolecall = Command(practised.copy(folder / "home"))
    (folder / "map.csv").write_text(f"external_id,learner_id\nu1,{LEARNER}\n", "utf-8")
    rolecall("scorm", "identities", str(folder / "map.csv"), "--destination", "demo")
    words = ("--scenario", "suitability-fund", "--edition", "1.2", "--out", str(folder / "known.zip"))
    rolecall("export", "scorm", *words)
    (folder / "map.csv").write_text(f"external_id,learner_id\nu2,{LEARNER}\n", "utf-8")
    return folder


def documented() -> set[str]:
    """Every command of the reference but the servers."""
    found = re.findall(r"^## `rolecall (.+)`$", (ROOT / "docs" / "cli.md").read_text("utf-8"), flags=re.MULTILINE)
    groups = {name.split()[0] for name in found if " " in name}
    return {name for name in found if name not in groups and not name.startswith("serve ")}


def test_every_command_is_here() -> None:
    assert COMMANDS.keys() == documented()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_needs_no_import_of_another(place: Path, practised: Practised, command: str) -> None:
    more, code = COMMANDS[command]
    with (practised.delivered / "learners.jsonl").open(encoding="utf-8") as people:
        other = json.loads(next(people))["learner_id"]
    given = {
        "OUT": str(place), "DELIVERED": str(practised.delivered), "LEARNER": LEARNER, "OTHER": other,
        "SQL": "select 1",
    }  # fmt: skip
    words = [re.sub("|".join(given), lambda found: given[found.group()], word) for word in more.split()]
    done = Command(place / "home").alone(*command.split(), *words)
    assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
