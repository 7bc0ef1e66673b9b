"""Canvas through its kept client: grades of the configured courses read, and grades written in one job a column.

canvasapi waits for ever and never tries again by itself, so its session gets time-outs, and repeats what may be
repeated. Bulk grades are a job that Canvas works on after it answered: the job's end decides, and the column is read
back.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import orjson
import requests
from canvasapi.course import Course
from canvasapi.exceptions import (
    CanvasException,
    Forbidden,
    InvalidAccessToken,
    RateLimitExceeded,
    ResourceDoesNotExist,
    Unauthorized,
)
from canvasapi.requester import Requester
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from integrations.engine.times import parse_or_none
from integrations.sources import Capabilities, FieldInfo, FieldType, Page, Query, Record, SourceError, Value
from integrations.sync.base import (
    Answer,
    Fate,
    Limits,
    Outgoing,
    Preflight,
    Presence,
    Result,
    Sighting,
    SyncError,
    Verdict,
    Whole,
)

TIMEOUT_S = (10.0, 60.0)
JOB_S = 120.0
POLL_S = 0.5
OBJECTS: Mapping[str, Mapping[str, FieldType]] = {
    "people": {"user.id": "text", "user.sis_id": "text", "user.login_id": "text"},
    "grades": {
        "user.id": "text",
        "course": "text",
        "activity.id": "text",
        "activity.name": "text",
        "grade": "decimal",
        "grade_max": "decimal",
        "scaled": "decimal",
        "graded_at": "datetime",
    },
}


class _Adapter(HTTPAdapter):
    """Time-outs for every call, and another try for reads that a busy server put off."""

    def __init__(self) -> None:
        later = (429, 500, 502, 503, 504)
        super().__init__(max_retries=Retry(4, status_forcelist=later, backoff_factor=0.3, raise_on_status=False))

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """As the base, with a time-out where the caller gave none."""
        options["timeout"] = options.get("timeout") or TIMEOUT_S
        return super().send(request, *args, **options)


def requester(url: str, token: str) -> Requester:
    """The requester of canvasapi, over a session that does not wait for ever; nothing public leads to that session."""
    made = Requester(url.rstrip("/"), token)
    for scheme in ("https://", "http://"):
        made._session.mount(scheme, _Adapter())
    return made


class CanvasSource:
    """Reads courses whole: Canvas does not say what changed since a time."""

    capabilities = Capabilities(cursor=False, keys=False)

    def __init__(self, name: str, canvas: Requester, courses: Sequence[int]) -> None:
        self.name = name
        self.courses = tuple(courses)
        self._canvas = canvas

    def describe(self, object_name: str) -> Mapping[str, FieldInfo]:
        """Fields of one of the two objects.

        Raises:
            SourceError: there is no such object.
        """
        if object_name not in OBJECTS:
            raise SourceError(f"Canvas has no object {object_name} here", f"It has {', '.join(OBJECTS)}")
        return {name: FieldInfo(name, kind, writable=False) for name, kind in OBJECTS[object_name].items()}

    def read(self, query: Query, cursor: str | None) -> Iterator[Page]:
        """One page a course."""
        known = self.describe(query.object)
        for name in query.fields:
            if name not in known:
                raise SourceError(f"Canvas has no field {name} there", "docs/lms.md lists the fields")
        reading = self._people if query.object == "people" else self._grades
        for number in query.options.get("courses", self.courses):
            with _honest(SourceError):
                records = [
                    Record(record.id, {name: record.fields[name] for name in query.fields}, record.modified_at)
                    for record in reading(Course(self._canvas, {"id": int(number)}))
                ]
            yield Page(records)

    def deleted(self, query: Query, cursor: str | None) -> Iterator[Page]:
        """Nothing: what is gone is absent from what is read whole."""
        yield from ()

    def keys(self, query: Query) -> Iterator[Sequence[str]]:
        """Nothing, as ``deleted``."""
        yield from ()

    def close(self) -> None:
        """Give back connections."""
        self._canvas._session.close()

    def _people(self, course: Course) -> Iterator[Record]:
        for user in course.get_users(enrollment_type=["student"]):
            fields: dict[str, Value] = {
                "user.id": str(user.id),
                "user.sis_id": getattr(user, "sis_user_id", None),
                "user.login_id": getattr(user, "login_id", None),
            }
            yield Record(str(user.id), fields)

    def _grades(self, course: Course) -> Iterator[Record]:
        assignments = {each.id: each for each in course.get_assignments()}
        for submission in course.get_multiple_submissions(student_ids=["all"]):
            assignment = assignments.get(submission.assignment_id)
            if submission.score is None or assignment is None:
                continue  # not graded: no grade is not a grade of 0
            yield _graded(course, assignment, submission)


class CanvasGradeSink:
    """Grades of one assignment for the sync engine, a job a batch.

    A payload holds ``user`` and ``grade``, in the points of the assignment.
    """

    def __init__(
        self, canvas: Requester, course: int, assignment: int, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._canvas = canvas
        self._submissions = f"courses/{course}/assignments/{assignment}/submissions"
        self._sleep = sleep

    def preflight(self) -> Preflight:
        """See the assignment's submissions.

        Raises:
            SyncError: Canvas refuses the token, or has no such assignment.
        """
        with _honest(SyncError):
            self._canvas.request("GET", self._submissions, per_page=1)
        return Preflight(Limits(batch_count=200, batch_bytes=None))

    def apply(self, batch: Sequence[Outgoing]) -> Answer:
        """Start one job and wait for its end."""
        payloads = [orjson.loads(record.payload) for record in batch]
        form = [(f"grade_data[{payload['user']}][posted_grade]", str(payload["grade"])) for payload in payloads]
        try:
            job = self._canvas.request("POST", f"{self._submissions}/update_grades", _kwargs=form).json()["id"]
            ended = self._end(int(job))
        except RateLimitExceeded as error:
            return Whole(Verdict.THROTTLED, "429", str(error))
        except (Unauthorized, InvalidAccessToken, Forbidden) as error:
            return Whole(Verdict.DENIED, type(error).__name__, str(error))
        except (CanvasException, requests.RequestException) as error:
            return Whole(Verdict.UNKNOWN, "no answer", type(error).__name__)
        if ended != "completed":
            return Whole(Verdict.UNKNOWN, ended, "Canvas did not finish the job of these grades")
        return [Result(Fate.STORED, ended) for _ in batch]

    def read_back(self, batch: Sequence[Outgoing]) -> Sequence[Sighting]:
        """Compare each grade with the learner's submission."""
        return [self._sighting(orjson.loads(record.payload)) for record in batch]

    def close(self) -> None:
        """Give back connections."""
        self._canvas._session.close()

    def _end(self, job: int) -> str:
        until = time.monotonic() + JOB_S
        while time.monotonic() < until:
            state = self._canvas.request("GET", f"progress/{job}").json()["workflow_state"]
            if state in ("completed", "failed"):
                return state
            self._sleep(POLL_S)
        return "unfinished"

    def _sighting(self, payload: Mapping[str, Any]) -> Sighting:
        try:
            held = self._canvas.request("GET", f"{self._submissions}/{payload['user']}").json().get("score")
        except ResourceDoesNotExist:
            return Sighting(Presence.ABSENT)
        except (CanvasException, requests.RequestException) as error:
            return Sighting(Presence.UNKNOWN, type(error).__name__)
        same = held is not None and Decimal(str(held)) == Decimal(str(payload["grade"]))
        return Sighting(Presence.SAME if same else Presence.ABSENT)


def _graded(course: Course, assignment: Any, submission: Any) -> Record:
    grade = Decimal(str(submission.score))
    points = getattr(assignment, "points_possible", None)
    most = None if points is None else Decimal(str(points))
    at = parse_or_none(getattr(submission, "graded_at", None))
    fields: dict[str, Value] = {
        "user.id": str(submission.user_id),
        "course": str(course.id),
        "activity.id": str(assignment.id),
        "activity.name": assignment.name,
        "grade": grade,
        "grade_max": most,
        "scaled": grade / most if most else None,
        "graded_at": at,
    }
    return Record(f"{assignment.id}:{submission.user_id}", fields, at)


@contextmanager
def _honest(raised: type[SourceError] | type[SyncError]) -> Iterator[None]:
    try:
        yield
    except (Unauthorized, InvalidAccessToken) as error:
        raise raised("Canvas refuses the token", "Make a new access token for the integration's user") from error
    except Forbidden as error:
        raise raised("Canvas lets the token read no grades there", "Give its user a teacher's role") from error
    except CanvasException as error:
        raise raised(f"Canvas: {type(error).__name__}: {error}", "Check url and courses of the connector") from error
    except requests.RequestException as error:
        raise raised(f"Canvas does not answer: {type(error).__name__}", "Check the connector's url") from error
