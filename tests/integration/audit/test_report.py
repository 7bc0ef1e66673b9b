"""What an audit report says of each session: every field that an auditor asks for, and a history without gaps."""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from support.command import Command
from support.practised import Practised

from governance.access import Role, Thing
from governance.access.claims import local_user
from governance.audit.chain import Event, record
from governance.reviews import Reviews, Subject
from governance.state import State

PERIOD = ("--from", "2026-01-01", "--to", "2026-12-31")
SUBJECT = "rubric_id, rubric_version, scorer_kind, scorer_id, scorer_version, revision"
SCORED = (
    f"select session_id, learner_key, scenario_id, {SUBJECT}, overall, passed"
    " from session_scores join sessions using (tenant, session_id, learner_key)"
    " where scorer_kind = 'engine_llm' and is_latest and not is_test and not passed order by 1"
)
CHANGES = 2_500  # more than were once kept


@contextmanager
def state_of(home: Path) -> Iterator[State]:
    with closing(State.open(f"sqlite:///{home / 'state.db'}")) as state:
        yield state


def _delivery(tenant: str, n: int) -> Event:
    return Event("delivery", "service:sync", "lrs:main", tenant, facts={"n": n})


class Reported:
    """A home with one score accepted and one adjusted, a hold, and many deliveries; and its report."""

    def __init__(self, home: Path, folder: Path) -> None:
        self.rolecall, self.folder = Command(home), folder
        self.accepted, self.adjusted = self.rolecall.rows(SCORED)[:2]
        with state_of(home) as state:
            self._review(state, self.accepted, "accept", None)
            criteria = self.rolecall.rows(
                "select criterion_id, score_max from criterion_scores where scorer_kind = 'engine_llm'"
                f" and session_id = '{self.adjusted['session_id']}'"
            )
            self.given = {each["criterion_id"]: each["score_max"] for each in criteria}
            self._review(state, self.adjusted, "adjust", self.given)
            for tenant in ("acme", "globex"):
                deliveries = [
                    Event("delivery", "service:sync", "lrs:main", tenant, facts={"n": n}) for n in range(CHANGES)
                ]
                record(state, deliveries)
        self.rolecall(
            "privacy", "hold", "--scenario", self.accepted["scenario_id"], "--reason", "case 12", "--tenant", "acme"
        )
        self.rolecall("run")
        self.data = json.loads(self.write("report.json").read_text("utf-8"))
        self.sessions = {row["session_id"]: row for row in self.data["sessions"]}

    def _review(self, state: State, row: dict[str, Any], verdict: Any, adjusted: dict[str, float] | None) -> None:
        thing = Thing.session("acme", row["session_id"], row["learner_key"], "EMEA")
        officer = local_user("officer", [Role.compliance])
        Reviews(state).decide(officer, thing, Subject.of(row), verdict, "Heard the recording", adjusted=adjusted)

    def write(self, name: str) -> Path:
        path = self.folder / name
        self.rolecall("audit", "report", *PERIOD, "--tenant", "acme", "--out", str(path))
        return path


@pytest.fixture(scope="module")
def reported(practised: Practised, tmp_path_factory: pytest.TempPathFactory) -> Reported:
    folder = tmp_path_factory.mktemp("reported")
    return Reported(practised.copy(folder / "home"), folder)


def test_a_session_shows_role_rules_transcript_and_retention(reported: Reported) -> None:
    row = reported.sessions[reported.accepted["session_id"]]
    roles = reported.rolecall.rows(f"select role from learners where learner_key = '{row['learner_key']}'")
    assert [row["role"]] == [each["role"] for each in roles]
    assert row["role"]
    assert row["pass_rule"].startswith("overall at least ")
    assert reported.data["pass_rules"][f"{row['rubric_id']} {row['rubric_version']}"] == row["pass_rule"]
    assert (reported.rolecall.home / row["transcript_location"]).is_file()
    assert row["legal_holds"][0]["reason"] == "case 12"
    assert (row["retention_class"], row["retention"]) == (row["retention_class"], "held")
    others = [each for each in reported.data["sessions"] if each["scenario_id"] != row["scenario_id"]]
    assert others
    assert all(each["legal_holds"] == [] and each["retention"] in ("kept", "retained") for each in others)
    assert all(each["retention_until"] > each["day"] for each in others)
    classes = {each["scenario_id"]: each["retention_class"] for each in reported.data["sessions"]}
    assert classes["suitability-fund"] == "sec"
    assert set(classes.values()) == {"sec", "default"}


def test_sessions_without_a_notice_are_counted_and_named(reported: Reported) -> None:
    without = reported.rolecall.value(
        "select count(*) from sessions where notice_ref is null and not is_test and tenant = 'acme'"
    )
    named = {each["session_id"] for each in reported.data["exceptions"] if "no_notice" in each["what"]}
    assert reported.data["counts"]["without_notice"] == len(named) == without > 0
    assert len(named) < len(reported.data["sessions"])


def test_a_session_shows_who_reviewed_it_when_why_and_what_that_changed(reported: Reported) -> None:
    (accepted,) = reported.sessions[reported.accepted["session_id"]]["reviews"]
    assert (accepted["by"], accepted["verdict"], accepted["reason"]) == ("officer", "accept", "Heard the recording")
    assert accepted["at"].endswith("Z")
    assert accepted["before"]["overall"] == pytest.approx(reported.accepted["overall"])
    assert accepted["before"]["passed"] is False
    assert accepted["after"] == accepted["before"]
    row = reported.sessions[reported.adjusted["session_id"]]
    (adjusted,) = row["reviews"]
    assert adjusted["after"] == {"criteria": reported.given}
    assert adjusted["before"]["criteria"].keys() == reported.given.keys()
    assert adjusted["before"]["criteria"] != reported.given
    assert (row["scorer_kind"], row["review_state"]) == ("human", "adjusted"), "the adjustment is the score that counts"
    unreviewed = [each for each in reported.data["sessions"] if not each["reviews"]]
    assert len(unreviewed) == len(reported.data["sessions"]) - 2


def test_the_table_has_a_column_for_each(reported: Reported) -> None:
    rows = list(csv.DictReader(io.StringIO(reported.write("report.csv").read_text("utf-8"))))
    row = next(each for each in rows if each["session_id"] == reported.accepted["session_id"])
    assert (row["reviewed_by"], row["review_verdict"], row["review_reason"]) == (
        "officer", "accept", "Heard the recording",
    )  # fmt: skip
    assert "case 12" in row["legal_holds"]
    for name in ("role", "pass_rule", "reviewed_at", "retention_class", "retention", "transcript_location"):
        assert row[name], name


def test_no_change_of_the_tenant_is_left_out_and_none_of_others_is_in(reported: Reported) -> None:
    told = [each["facts"]["n"] for each in reported.data["changes"] if each["object"] == "lrs:main"]
    assert told == list(range(CHANGES))
    assert reported.data["changes_since"] is None
    assert {"review", "hold", "publish", "configuration_change"} <= {
        each["action"] for each in reported.data["changes"]
    }
    with state_of(reported.rolecall.home) as state:
        record(state, [_delivery("acme", -1)])
    with pikepdf.open(reported.write("later.pdf")) as pdf:
        later = json.loads(pdf.attachments["report.json"].get_file().read_bytes())
    since = later["changes_since"]
    assert since["report"], "changes are told since the report before, which is named"
    assert since["earlier"] >= len(reported.data["changes"])
    assert [each["facts"].get("n") for each in later["changes"] if each["object"] == "lrs:main"] == [-1]
