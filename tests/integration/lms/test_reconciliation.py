"""A score that a learner wrote into the LMS from the browser: flagged by the next run in mart, check and page."""

import csv
import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from streamlit.testing.v1 import AppTest
from support import hard_cases, moodle
from support.command import Command
from support.hard_cases import session
from support.moodle import Moodle
from support.sessions import write

from dashboards import access
from governance.access.users import Role
from governance.lms_results import LmsResults, Released
from governance.settings import PROJECT, Settings
from governance.state import State
from pipelines import environment

CHECK = dg.AssetCheckKey(dg.AssetKey(["marts", "lms_reconciliation"]), "no_forged_score")
COMMITTED = 1_795_424_570  # 23 November 2026, 9:02:50 UTC
HONEST = ("matched", "low", 0.825, 0.825)
RAISED = ("differs", "high", 1.0, 0.825)
INVENTED = ("no_session", "high", 1.0, None)
ISSUED, SIGNATURE = "res-1", "0123456789abcdef"
UNISSUED = ("unissued", "high", 0.5525, None)


class Home:
    """A home whose LMS is the recorded Moodle; ada is its learner1, cleo its learner3 and was never scored."""

    def __init__(self, folder: Path, address: str) -> None:
        config = folder / "config"
        shutil.copytree(PROJECT / "config", config)
        hard_cases.add_to(config)
        given = yaml.safe_load((config / "connectors" / "moodle-example.yaml").read_text("utf-8"))
        given |= {"enabled": True, "url": address, "activities": {"13": "knockout"}}
        (config / "connectors" / "moodle.yaml").write_text(yaml.safe_dump(given), "utf-8")
        self.rolecall = Command(folder / "home", ROLECALL_CONFIG=str(config), ROLECALL_MOODLE_TOKEN=moodle.TOKEN)
        self.settings = Settings(home=folder / "home", config=config)
        people = folder / "learners.csv"
        with people.open("w", newline="") as file:
            csv.writer(file).writerows(
                [("tenant", "learner_id", "region", "accounts"), *(
                    ("acme", name, "EMEA", f'{{"moodle": "{number}"}}') for name, number in (("ada", 3), ("cleo", 5))
                )]
            )  # fmt: skip
        scored = session(8, "ada", "knockout", "1", ("knockout", "1"), {"bar": 75, "flow": 90})
        sessions = write(folder / "sessions.jsonl", [scored])
        self.rolecall("ingest", str(sessions), "--learners", str(people), "--tenant", "acme")

    def next_run(self) -> list[tuple[Any, ...]]:
        """What the mart says after a sync and a run, but for those whose score is not in the LMS."""
        self.rolecall("sync", "lms", "--connector", "moodle")
        self.rolecall("run")
        rows = self.rolecall.rows(
            "select class, severity, lms_score, our_score from lms_reconciliation where scenario_id = 'knockout'"
            " order by all"
        )
        return [tuple(row.values()) for row in rows]

    def check(self) -> tuple[bool, dg.AssetCheckSeverity, Any]:
        """The newest verdict of the check: passed, how severe, and how many scores."""
        instance = environment.instance(self.settings)
        try:
            records = instance.event_log_storage.get_asset_check_execution_history(CHECK, limit=1)
        finally:
            instance.dispose()
        event = records[0].event
        assert event is not None
        assert event.dagster_event is not None
        found = event.dagster_event.asset_check_evaluation_data
        return found.passed, found.severity, found.metadata["scores"].value


@pytest.fixture
def site() -> Moodle:
    return Moodle()


@pytest.fixture
def home(tmp_path: Path, site: Moodle) -> Iterator[Home]:
    moodle.recorded("core_enrol_get_enrolled_users")
    with moodle.serving(site) as address:
        yield Home(tmp_path, address)


def forged(grades: dict[int, float]) -> Any:
    """The recorded grades, with what learners committed from the console into the first package."""
    report = moodle.recorded("gradereport_user_get_grade_items_all")
    items = [(each["userid"], item) for each in report["usergrades"] for item in each["gradeitems"]]
    for user, item in items:
        if item.get("cmid") == 13 and user in grades:
            item |= {"graderaw": grades[user], "gradedategraded": COMMITTED}
    return report


def claimed(given: dict[str, str]) -> Any:
    """The recorded tracks; the first attempt names the result that was issued, the second one that was made up."""
    tracks = moodle.recorded(f"probe12_sco_tracks_attempt{given['attempt']}")
    named = {"r": ISSUED if given["attempt"] == "1" else "made-up", "s": SIGNATURE}
    held = tracks["data"]["tracks"]
    held[:] = [each for each in held if each["element"] != "cmi.suspend_data"]
    held.append({"element": "cmi.suspend_data", "value": json.dumps(named)})
    return tracks


def release(home: Home) -> None:
    """What the results service keeps once it has answered ada's package."""
    (row,) = home.rolecall.rows(
        "select tenant, learner_key, session_id from lms_reconciliation where class = 'matched'"
    )
    now = datetime.now(UTC)
    result = Released(ISSUED, "demo", row["tenant"], row["learner_key"], "3", row["session_id"], "knockout", 0.825,
                      "passed", SIGNATURE, "a.b.c", now)  # fmt: skip
    state = State.open(home.settings.database_url)
    LmsResults(state).freeze(ISSUED, lambda: result)
    state.close()


def opened(home: Home, monkeypatch: pytest.MonkeyPatch, reader: access.Reader) -> AppTest:
    monkeypatch.setenv("ROLECALL_HOME", str(home.settings.home))
    monkeypatch.setenv("ROLECALL_CONFIG", str(home.settings.config))
    monkeypatch.setattr(access, "reader_of", lambda *_: reader)
    app = AppTest.from_file(str(Path(access.__file__).with_name("app.py")), default_timeout=120)
    app.session_state["table-lms-findings"] = True
    page = app.run().switch_page("views/syncs.py").run()
    assert not page.exception
    return page


@pytest.mark.timeout(280)
def test_scores_from_the_console_are_flagged_by_the_next_run(
    home: Home, site: Moodle, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert home.next_run() == [HONEST]
    assert home.check() == (True, dg.AssetCheckSeverity.WARN, 0)
    assert "No score in an LMS looks forged." in opened(home, monkeypatch, access.LOCAL).markdown[1].value

    site.changes["gradereport_user_get_grade_items"] = forged({3: 100.0, 5: 100.0})
    release(home)
    site.changes["mod_scorm_get_scorm_sco_tracks"] = claimed
    assert home.next_run() == [RAISED, INVENTED, UNISSUED]
    assert home.check() == (False, dg.AssetCheckSeverity.WARN, 3)
    page = opened(home, monkeypatch, access.LOCAL)
    assert "3 scores in moodle may be forged" in page.markdown[1].value.replace("\xa0", " ")
    counts, records = (page.dataframe[place].value for place in (0, 1))
    assert counts["records"].to_list() == [1, 1, 1]
    assert sorted(records["lms_score"].to_list()) == [0.5525, 1.0, 1.0]
    assert records["scenario"].to_list() == ["Odd case: knockout"] * 3
    graded = records[records["lms_score"] == 1.0]
    assert {when.isoformat() for when in graded["since"]} == {"2026-11-23T09:02:50+00:00"}

    administrator = opened(home, monkeypatch, access.local_user("os:admin", [Role.admin]))
    assert "may be forged" in administrator.markdown[1].value
    assert len(administrator.dataframe) == 1
