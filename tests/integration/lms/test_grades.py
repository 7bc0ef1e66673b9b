"""Scores into gradebooks over HTTP: each learner's score stands there, nothing twice, refusals are visible."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support import canvas, gradebook, moodle
from support.canvas import Canvas
from support.gradebook import Gradebook
from support.moodle import Moodle
from support.pipeline import SECRET, Home
from support.writeback import Practice

from assets.exports.lms_grades import GradeDesk, Written
from governance.catalog import Catalog
from governance.identities import Identities
from governance.privacy.restrictions import Restrictions
from governance.settings import PROJECT
from integrations.lms.config import Grading, LmsConnector
from integrations.sync import health
from integrations.sync.base import SyncError
from integrations.sync.ledger import Ledger

SCENARIO = "sales-discovery"


def moment() -> datetime:
    return datetime.now(UTC)


class Desk:
    """A published tenant whose learners have accounts 1, 2, 3 … at the connector ``lms``."""

    def __init__(self, practice: Practice) -> None:
        self.practice = practice
        self.ledger = Ledger(practice.state)
        identities = Identities(practice.state, SECRET)
        self.desk = GradeDesk(practice.marts, Catalog.load(PROJECT / "config"), self.ledger, identities)
        self.accounts = {key: str(number) for number, key in enumerate(practice.learners(), 1)}
        practice.know(self.accounts, "lms")

    def write(self, connector: LmsConnector) -> Written:
        assert connector.write is not None
        return self.desk.write(connector, connector.write.columns[0], moment)

    def scores(self, connector: LmsConnector) -> dict[str, float]:
        """Percent that each account should hold, by the published figures."""
        from assets.exports.lms_grades import told

        assert connector.write is not None
        found = told(self.practice.marts, "acme", self.desk.catalog, connector.write, SCENARIO)
        assert found is not None
        return {
            self.accounts[row["learner_key"]]: round(row["overall"] * 100, 2) for row in found.iter_rows(named=True)
        }


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Practice:
    folder = tmp_path_factory.mktemp("lms")
    return Practice(folder / "practice", Home(folder / "home").state, learners=20, sessions=120)


@pytest.fixture
def desk(practice: Practice, tmp_path: Path) -> Desk:
    practice.state = Home(tmp_path / "home").state  # a ledger of its own
    return Desk(practice)


def connector(system: str, column: dict[str, Any], **given: Any) -> LmsConnector:
    return LmsConnector.model_validate(
        {
            "name": "lms",
            "tenant": "acme",
            "system": system,
            "write": {"columns": [{"scenario": SCENARIO, **column}]},
            **given,
        }
    )


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gradebook]:
    book = Gradebook()
    with gradebook.serving(book):
        monkeypatch.setenv("ROLECALL_LMS_PRIVATE_KEY", book.registration().private_key)
        yield book


def over_lti(book: Gradebook, **given: Any) -> LmsConnector:
    tool = book.registration()
    options = {
        "client_id": tool.client_id, "key_id": tool.key_id, "token_url": tool.token_url,
        "line_items_url": tool.line_items_url,
    }  # fmt: skip
    return connector("lti", {"line_item": book.line_item(1)}, options=options, **given)


def test_a_frozen_learner_gets_no_score_until_unfrozen(platform: Gradebook, desk: Desk) -> None:
    lms = over_lti(platform)
    assert lms.write is not None
    column = lms.write.columns[0]
    everybody = {each.key for each in desk.desk.plan(lms, column, moment()).outgoing}
    frozen = sorted(everybody)[:1]
    restrictions = Restrictions(desk.practice.state)
    restrictions.place("acme", frozen, basis="GDPR 18(1)(a)", by="dpo", at=moment())
    assert {each.key for each in desk.desk.plan(lms, column, moment()).outgoing} == everybody - {*frozen}
    restrictions.lift("acme", frozen, basis="verified", by="dpo", at=moment())
    assert {each.key for each in desk.desk.plan(lms, column, moment()).outgoing} == everybody


def test_every_score_arrives_by_lti_once_and_reads_back(platform: Gradebook, desk: Desk) -> None:
    lms = over_lti(platform)
    assert lms.write is not None
    column = lms.write.columns[0]
    wanted = desk.scores(lms)
    seen = desk.desk.look(lms, desk.desk.plan(lms, column, moment()))
    assert (seen.would_change, seen.same_already, seen.unread) == (len(wanted), 0, 0)
    assert not platform.scores

    done = desk.write(lms)
    assert done.report is not None
    assert done.report.counts.acknowledged == len(wanted) > 10
    held = {user: score["scoreGiven"] for (_, user), score in platform.scores.items()}
    assert held == pytest.approx(wanted)
    assert {score["comment"] for score in platform.scores.values()} <= {"Passed", "Not passed", "No pass rule"}

    posts = platform.posts
    assert desk.write(lms).report is None
    assert platform.posts == posts


def test_a_newer_score_of_the_platform_stays_and_counts_as_settled(platform: Gradebook, desk: Desk) -> None:
    lms = over_lti(platform)
    later = {"userId": "1", "scoreGiven": 99, "scoreMaximum": 100, "timestamp": "2031-01-01T00:00:00.000+00:00"}
    platform.scores["1", "1"] = later
    done = desk.write(lms)
    assert done.report is not None
    assert done.report.counts.refused == 0
    assert platform.scores["1", "1"] == later


def test_a_lost_answer_is_read_back_and_not_sent_twice(platform: Gradebook, desk: Desk) -> None:
    lms = over_lti(platform)
    platform.failures = [(502, True)]
    done = desk.write(lms)
    assert done.report is not None
    assert done.report.counts.acknowledged == len(desk.scores(lms)) == platform.posts


def test_canvas_gets_points_of_its_column(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    book = Canvas()
    monkeypatch.setenv("ROLECALL_LMS_TOKEN", canvas.TOKEN)
    with canvas.serving(book) as address:
        lms = connector("canvas", {"course": 7, "activity": 40, "points": 20}, url=address)
        done = desk.write(lms)
    assert done.report is not None
    assert done.report.counts.refused == 0
    wanted = desk.scores(lms)
    held = {str(user): grade for user, grade in book.grades.items() if str(user) in wanted}
    assert held == pytest.approx({user: percent / 5 for user, percent in wanted.items()}, abs=0.01)


class Graded(Moodle):
    """A Moodle that takes grades of assignment 21 and says them in its report; learner 2 may not be graded."""

    def __init__(self) -> None:
        super().__init__()
        self.grades: dict[str, float] = {}
        offered = ("core_grades_update_grades", "gradereport_user_get_grade_items", "core_webservice_get_site_info")
        self.changes = {
            "core_webservice_get_site_info": {"release": "4.3", "functions": [{"name": name} for name in offered]},
            "core_grades_update_grades": self._take,
            "gradereport_user_get_grade_items": self._report,
        }

    def _take(self, given: dict[str, str]) -> Any:
        assert (given["courseid"], given["component"], given["activityid"]) == ("5", "mod_assign", "21")
        students = [value for name, value in given.items() if name.endswith("[studentid]")]
        if "2" in students:
            return {"exception": "moodle_exception", "errorcode": "usernotincourse", "message": "…"}
        for place in range(len(students)):
            self.grades[given[f"grades[{place}][studentid]"]] = float(given[f"grades[{place}][grade]"])
        return 0

    def _report(self, given: dict[str, str]) -> Any:
        item = {"id": 1, "cmid": 21, "graderaw": self.grades.get(given["userid"])}
        return {"usergrades": [{"userid": int(given["userid"]), "gradeitems": [item]}]}


def test_moodle_takes_all_but_the_one_it_refuses_and_the_refusal_shows(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Graded()
    monkeypatch.setenv("ROLECALL_LMS_TOKEN", moodle.TOKEN)
    with moodle.serving(site) as address:
        lms = connector("moodle", {"course": 5, "activity": 21}, url=address)
        done = desk.write(lms)
    assert done.report is not None
    wanted = desk.scores(lms)
    assert done.report.counts.refused == 1
    assert site.grades == pytest.approx({user: score for user, score in wanted.items() if user != "2"})
    (reject,) = health.rejects(desk.practice.state).to_dicts()
    assert (reject["target"], reject["code"]) == (f"lms/{SCENARIO}", "usernotincourse")


def test_a_scorm_activity_is_not_written_to(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLECALL_LMS_TOKEN", moodle.TOKEN)
    lms = connector("moodle", {"course": 5, "activity": 13, "component": "mod_scorm"}, url="http://127.0.0.1:9")
    with pytest.raises(SyncError, match="would overwrite"):
        desk.write(lms)


def test_the_best_score_where_the_file_says_so(desk: Desk) -> None:
    lms = connector("canvas", {"course": 7, "activity": 40}, url="http://127.0.0.1:9")
    latest = desk.scores(lms)
    assert lms.write is not None
    best = desk.scores(lms.model_copy(update={"write": Grading(columns=lms.write.columns, counts="best")}))
    assert best.keys() == latest.keys()
    assert best != latest
