"""A Moodle read through a real connection to a stub that replays recorded answers."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from support import moodle as stub

from integrations.lms.moodle import Moodle, MoodleError, flattened
from integrations.lms.moodle_source import OBJECTS, MoodleSource
from integrations.sources import Query, Record, SourceError
from integrations.sync.transport import Transport

LEARNER1 = {"user.id": "3", "user.username": "learner1"}


@pytest.fixture
def site() -> stub.Moodle:
    return stub.Moodle()


@pytest.fixture
def moodle(site: stub.Moodle) -> Iterator[Moodle]:
    with stub.serving(site) as address:
        client = Moodle(Transport(address), stub.TOKEN, sleep=lambda _: None)
        yield client
        client.close()


@pytest.fixture
def source(moodle: Moodle) -> MoodleSource:
    return MoodleSource("moodle", moodle, [stub.COURSE])


def read(source: MoodleSource, name: str, cursor: str | None = None) -> tuple[list[Record], str | None]:
    fields = tuple(field for field in OBJECTS[name] if field != "user.email")
    pages = list(source.read(Query(name, fields), cursor))
    return [record for page in pages for record in page.records], pages[-1].cursor


def test_grades_are_those_of_activities_and_of_people_who_have_one(source: MoodleSource) -> None:
    records, cursor = read(source, "grades")
    assert cursor is None
    assert [(r.id, r.fields["grade"], r.fields["scaled"]) for r in records] == [
        ("13:3", Decimal("82.5"), Decimal("0.825")),
        ("14:3", Decimal("55.25"), Decimal("0.5525")),
    ]
    assert records[0].fields["graded_at"] == datetime.fromtimestamp(1795338170, UTC) == records[0].modified_at
    assert all("user.email" not in r.fields and r.fields.items() >= LEARNER1.items() for r in records)


def test_a_grade_of_nought_is_a_grade(site: stub.Moodle, source: MoodleSource) -> None:
    recorded = stub.recorded("gradereport_user_get_grade_items_all")
    recorded["usergrades"][1]["gradeitems"][0]["graderaw"] = 0
    site.changes["gradereport_user_get_grade_items"] = recorded
    assert ("13:4", 0) in [(r.id, r.fields["grade"]) for r in read(source, "grades")[0]]


def test_a_grade_of_somebody_who_left_the_course_is_told(site: stub.Moodle, source: MoodleSource) -> None:
    site.changes["core_enrol_get_enrolled_users"] = stub.recorded("core_enrol_get_enrolled_users")[1:]
    (page,) = source.read(Query("grades", ("grade",)), None)
    assert page.records == []
    assert [(each.place, each.rule) for each in page.unreadable] == [
        ("13:3", "user_enrolled"),
        ("14:3", "user_enrolled"),
    ]


def test_completions(source: MoodleSource) -> None:
    records, _ = read(source, "completions")
    assert [(r.id, r.fields["state"], r.fields["overridden"]) for r in records] == [
        ("13:3", "complete", False),
        ("14:3", "complete", False),
    ]


def test_attempts_of_both_editions(source: MoodleSource) -> None:
    records, _ = read(source, "attempts")
    assert [(r.id, r.fields["raw"], r.fields["passed"], r.fields["edition"]) for r in records] == [
        ("7:3:1", Decimal("82.5"), True, "1.2"),
        ("7:3:2", Decimal("55.25"), False, "1.2"),
        ("8:3:1", Decimal("82.5"), True, "2004"),
        ("8:3:2", Decimal("55.25"), False, "2004"),
    ]
    assert {r.fields["which_attempt"] for r in records} == {"last"}
    assert list(source.keys(Query("attempts", ()))) == [[r.id for r in records]]


def test_attempts_are_read_again_for_those_alone_who_came_back(site: stub.Moodle, source: MoodleSource) -> None:
    _, cursor = read(source, "attempts")
    users = stub.recorded("core_enrol_get_enrolled_users")
    site.calls.clear()
    assert len(read(source, "attempts", cursor)[0]) == 4  # an hour's overlap, since a commit may end late
    users[0]["lastcourseaccess"] += 7_200
    site.changes["core_enrol_get_enrolled_users"] = users
    _, later = read(source, "attempts", cursor)
    users[0]["lastcourseaccess"] -= 7_200
    site.calls.clear()
    assert read(source, "attempts", later)[0] == []
    assert not [call for call in site.calls if "tracks" in call["wsfunction"]]


def test_people(source: MoodleSource) -> None:
    assert [r.id for r in read(source, "people")[0]] == ["3", "4", "5"]
    assert "user.email" in source.describe("people")


@pytest.mark.parametrize(
    ("function", "parameters", "code"),
    [
        ("core_course_get_courses", {}, "accessexception"),
        ("no_such_function", {}, "invalidrecord"),
        ("mod_scorm_get_scorm_sco_tracks", {"scoid": 1}, "invalidparameter"),
    ],
)
def test_an_error_that_comes_with_status_200(moodle: Moodle, function: str, parameters: dict, code: str) -> None:
    with pytest.raises(MoodleError) as refused:
        moodle.call(function, parameters)
    assert refused.value.code == code
    assert refused.value.remedy


def test_a_wrong_token_is_named_and_never_shown(site: stub.Moodle) -> None:
    with stub.serving(site) as address:
        client = Moodle(Transport(address, secrets=["wrong-token"]), "wrong-token", sleep=lambda _: None)
        with pytest.raises(MoodleError, match="invalidtoken") as refused:
            client.check()
        client.close()
    assert "wrong-token" not in str(refused.value) + str(refused.value.remedy)


def test_what_the_token_lacks_is_named(site: stub.Moodle, moodle: Moodle) -> None:
    assert moodle.check().startswith("4.3")
    lacking = stub.recorded("core_webservice_get_site_info")
    lacking["functions"] = [each for each in lacking["functions"] if "enrol" not in each["name"]]
    site.changes["core_webservice_get_site_info"] = lacking
    with pytest.raises(SourceError, match="core_enrol_get_enrolled_users"):
        moodle.check()


def test_a_busy_site_is_asked_again_and_another_server_is_named(site: stub.Moodle, moodle: Moodle) -> None:
    site.failures = [503, 500]
    assert moodle.check().startswith("4.3")
    site.failures = [404]
    with pytest.raises(SourceError, match="no Moodle web service"):
        moodle.check()
    site.changes["core_webservice_get_site_info"] = "<p>hello</p>"
    with pytest.raises(SourceError, match="no Moodle web service"):
        moodle.check()


def test_unknown_objects_and_fields_are_named(source: MoodleSource) -> None:
    with pytest.raises(SourceError, match="no object courses"):
        list(source.read(Query("courses", ()), None))
    with pytest.raises(SourceError, match="no field colour"):
        list(source.read(Query("grades", ("colour",)), None))


def test_nested_parameters() -> None:
    given = {"courseid": 5, "grades": [{"studentid": 3, "grade": 0}], "active": True}
    assert list(flattened(given)) == [
        ("courseid", "5"), ("grades[0][studentid]", "3"), ("grades[0][grade]", "0"), ("active", "1"),
    ]  # fmt: skip
