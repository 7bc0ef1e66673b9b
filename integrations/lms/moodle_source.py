"""A Moodle that is read: people, grades, completions and SCORM attempts of the configured courses, as records.

Moodle cannot say what changed since a time, so grades, completions and people are read whole. An attempt costs a call,
and only its learner changes it: attempts are read for those who opened the course since the last time.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from integrations.lms.moodle import Moodle
from integrations.lms.tracks import attempt
from integrations.sources import Capabilities, FieldInfo, FieldType, Page, Query, Record, SourceError, Unreadable, Value

OVERLAP_S = 3_600  # a commit may end after the learner's last access was written
COMPLETION = {1: "complete", 2: "complete_pass", 3: "complete_fail"}
WHICH = {0: "highest", 1: "average", 2: "first", 3: "last"}

_USER: dict[str, FieldType] = {"user.id": "text", "user.username": "text", "user.email": "text"}
_ACTIVITY: dict[str, FieldType] = {
    "course": "text",
    "activity.id": "text",
    "activity.name": "text",
    "activity.kind": "text",
}
OBJECTS: Mapping[str, Mapping[str, FieldType]] = {
    "people": _USER,
    "grades": {
        **_USER,
        **_ACTIVITY,
        "grade": "decimal",
        "grade_min": "decimal",
        "grade_max": "decimal",
        "scaled": "decimal",
        "graded_at": "datetime",
        "overridden": "boolean",
    },
    "completions": {**_USER, **_ACTIVITY, "state": "text", "completed_at": "datetime", "overridden": "boolean"},
    "attempts": {
        **_USER,
        **_ACTIVITY,
        "attempt": "integer",
        "raw": "decimal",
        "scaled": "decimal",
        "passed": "boolean",
        "completed": "boolean",
        "seconds": "decimal",
        "changed_at": "datetime",
        "result_id": "text",
        "signature": "text",
        "edition": "text",
        "package_sha1": "text",
        "which_attempt": "text",
    },
}


@dataclass(frozen=True, slots=True)
class _User:
    id: str
    username: str
    email: str
    seen_at: int

    @property
    def fields(self) -> dict[str, Value]:
        return {"user.id": self.id, "user.username": self.username or None, "user.email": self.email or None}


class MoodleSource:
    """Reads the courses of one site. ``query.options['courses']`` narrows them for one entity."""

    capabilities = Capabilities(cursor=True, keys=True)

    def __init__(self, name: str, moodle: Moodle, courses: Sequence[int]) -> None:
        self.name = name
        self.moodle = moodle
        self.courses = tuple(courses)

    def describe(self, object_name: str) -> Mapping[str, FieldInfo]:
        """Fields of one of the four objects.

        Raises:
            SourceError: the token may not read, or there is no such object.
        """
        self.moodle.check()
        if object_name not in OBJECTS:
            raise SourceError(f"Moodle has no object {object_name}", f"It has {', '.join(OBJECTS)}")
        return {name: FieldInfo(name, kind, writable=False) for name, kind in OBJECTS[object_name].items()}

    def read(self, query: Query, cursor: str | None) -> Iterator[Page]:
        """One page a course."""
        since: dict[str, int] = json.loads(cursor) if cursor else {}
        for course in self._courses(query):
            if query.object == "attempts":
                users = self._users(course)
                page = self._attempts(course, [user for user in users if user.seen_at > since.get(str(course), 0)])
                since |= {str(course): max((user.seen_at - OVERLAP_S for user in users), default=0)}
                yield _asked(Page(page.records, json.dumps(since), page.unreadable), query.fields)
            else:
                yield _asked(self._whole(query.object, course), query.fields)

    def deleted(self, query: Query, cursor: str | None) -> Iterator[Page]:
        """Nothing: Moodle does not tell what is gone; ``keys`` do."""
        yield from ()

    def keys(self, query: Query) -> Iterator[Sequence[str]]:
        """Every id that is there now, a course at a time."""
        for course in self._courses(query):
            if query.object == "attempts":
                yield [key for key, *_ in self._attempt_keys(course, self._users(course))]
            else:
                yield [record.id for record in self._whole(query.object, course).records]

    def close(self) -> None:
        """Give back connections."""
        self.moodle.close()

    def _courses(self, query: Query) -> list[int]:
        if query.object not in OBJECTS:
            raise SourceError(f"Moodle has no object {query.object}", f"It has {', '.join(OBJECTS)}")
        return [int(course) for course in query.options.get("courses", self.courses)]

    def _whole(self, object_name: str, course: int) -> Page:
        if object_name == "people":
            return Page([Record(user.id, user.fields) for user in self._users(course)])
        return self._grades(course) if object_name == "grades" else self._completions(course)

    def _grades(self, course: int) -> Page:
        users = {user.id: user for user in self._users(course)}
        answer = self.moodle.call("gradereport_user_get_grade_items", {"courseid": course})
        records, unreadable = [], []
        for report in answer["usergrades"]:
            user = users.get(str(report["userid"]))
            for item in report["gradeitems"]:
                if item.get("itemtype") == "course" or item.get("graderaw") is None:
                    continue  # the course's total is no activity's; no grade is not a grade of 0
                place = f"{item['id']}:{report['userid']}"
                if user is None:
                    unreadable.append(Unreadable(place, "user_enrolled", "graded, but no longer enrolled"))
                else:
                    records.append(_graded(place, course, user, item))
        return Page(records, unreadable=unreadable)

    def _completions(self, course: int) -> Page:
        records = []
        for user in self._users(course):
            asked = {"courseid": course, "userid": user.id}
            answer = self.moodle.call("core_completion_get_activities_completion_status", asked)
            records += [
                _completed(f"{status['cmid']}:{user.id}", course, user, status)
                for status in answer["statuses"]
                if status.get("state") in COMPLETION
            ]
        return Page(records)

    def _attempts(self, course: int, users: Sequence[_User]) -> Page:
        found = self._attempt_keys(course, users)
        return Page([self._attempt(course, user, package, number) for _, user, package, number in found])

    def _attempt_keys(self, course: int, users: Sequence[_User]) -> Iterator[tuple[str, _User, Mapping[str, Any], int]]:
        """Id, learner, package and number of each attempt; those who never opened the course have none."""
        packages = self.moodle.call("mod_scorm_get_scorms_by_courses", {"courseids": [course]})["scorms"]
        for user in users:
            for package in packages if user.seen_at else ():
                asked = {"scormid": package["id"], "userid": user.id}
                count = int(self.moodle.call("mod_scorm_get_scorm_attempt_count", asked)["attemptscount"])
                for number in range(1, count + 1):
                    yield f"{package['id']}:{user.id}:{number}", user, package, number

    def _attempt(self, course: int, user: _User, package: Mapping[str, Any], number: int) -> Record:
        asked = {"scoid": package["launch"], "userid": user.id, "attempt": number}
        tracks = self.moodle.call("mod_scorm_get_scorm_sco_tracks", asked)["data"]["tracks"]
        held = {track["element"]: track["value"] for track in tracks}
        found = attempt(held)
        changed = _moment(held.get("timemodified"))
        return Record(
            f"{package['id']}:{user.id}:{number}",
            user.fields
            | {
                "course": str(course),
                "activity.id": str(package["coursemodule"]),
                "activity.name": package["name"],
                "activity.kind": "scorm",
                "attempt": number,
                "raw": found.raw,
                "scaled": found.scaled,
                "passed": found.passed,
                "completed": found.completed,
                "seconds": found.seconds,
                "changed_at": changed,
                "result_id": found.result_id,
                "signature": found.signature,
                "edition": found.edition,
                "package_sha1": package.get("sha1hash") or None,
                "which_attempt": WHICH.get(package.get("whatgrade", -1)),
            },
            changed,
        )

    def _users(self, course: int) -> list[_User]:
        """Enrolled people; their other courses, names and pictures are left where they are."""
        return [
            _User(str(user["id"]), user.get("username", ""), user.get("email", ""), user.get("lastcourseaccess") or 0)
            for user in self.moodle.call("core_enrol_get_enrolled_users", {"courseid": course})
        ]


def _asked(page: Page, fields: Sequence[str]) -> Page:
    """The page with the fields that were asked for; nothing else leaves the connector.

    Raises:
        SourceError: a field is none of the object's.
    """
    try:
        records = [
            Record(record.id, {name: record.fields[name] for name in fields}, record.modified_at)
            for record in page.records
        ]
    except KeyError as error:
        raise SourceError(f"Moodle has no field {error.args[0]} there", "docs/lms.md lists the fields") from error
    return Page(records, page.cursor, page.unreadable)


def _graded(place: str, course: int, user: _User, item: Mapping[str, Any]) -> Record:
    raw, low, high = (Decimal(str(item[name])) for name in ("graderaw", "grademin", "grademax"))
    graded = _moment(item.get("gradedategraded"))
    return Record(
        place,
        user.fields
        | {
            "course": str(course),
            "activity.id": str(item["cmid"]) if item.get("cmid") is not None else None,
            "activity.name": item.get("itemname"),
            "activity.kind": item.get("itemmodule"),
            "grade": raw,
            "grade_min": low,
            "grade_max": high,
            "scaled": (raw - low) / (high - low) if high > low else None,
            "graded_at": graded,
            "overridden": bool(item.get("gradeisoverridden")),
        },
        graded,
    )


def _completed(place: str, course: int, user: _User, status: Mapping[str, Any]) -> Record:
    at = _moment(status.get("timecompleted"))
    return Record(
        place,
        user.fields
        | {
            "course": str(course),
            "activity.id": str(status["cmid"]),
            "activity.name": None,  # this call does not say it
            "activity.kind": status.get("modname"),
            "state": COMPLETION[status["state"]],
            "completed_at": at,
            "overridden": status.get("overrideby") is not None,
        },
        at,
    )


def _moment(epoch: object) -> datetime | None:
    """Seconds since 1970, as number or text; 0 and null are no time."""
    try:
        seconds = int(str(epoch))
    except ValueError:
        return None
    return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
