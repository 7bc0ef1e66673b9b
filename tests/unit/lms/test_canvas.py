"""Canvas through canvasapi, against a stub with pages, jobs and a busy server."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import orjson
import pytest
from support.canvas import TOKEN, Canvas, serving

from integrations.lms.canvas import OBJECTS, CanvasGradeSink, CanvasSource, requester
from integrations.sources import Query, SourceError
from integrations.sync.base import Fate, Outgoing, Presence, SyncError, Verdict, Whole


@pytest.fixture
def canvas() -> Iterator[Canvas]:
    made = Canvas()
    with serving(made):
        yield made


def source(canvas: Canvas, token: str = TOKEN) -> CanvasSource:
    return CanvasSource("canvas", requester(canvas.address, token), [7])


def sink(canvas: Canvas, assignment: int = 40) -> CanvasGradeSink:
    return CanvasGradeSink(requester(canvas.address, TOKEN), 7, assignment, sleep=lambda _: None)


def grade(user: int, points: float) -> Outgoing:
    return Outgoing(f"l_{user}", orjson.dumps({"user": user, "grade": points}), "d")


def test_grades_are_read_over_pages_and_nought_is_one(canvas: Canvas) -> None:
    (page,) = source(canvas).read(Query("grades", tuple(OBJECTS["grades"])), None)
    assert [(r.id, r.fields["grade"], r.fields["scaled"]) for r in page.records] == [
        ("40:1", Decimal("16.5"), Decimal("0.825")),
        ("40:2", Decimal(0), Decimal(0)),
    ]
    assert page.records[0].modified_at == datetime(2026, 11, 20, 9, tzinfo=UTC)


def test_people_are_read_over_pages(canvas: Canvas) -> None:
    (page,) = source(canvas).read(Query("people", ("user.sis_id",)), None)
    assert [(r.id, r.fields) for r in page.records] == [(str(n), {"user.sis_id": f"e{n}"}) for n in (1, 2, 3)]


def test_a_busy_canvas_is_asked_again(canvas: Canvas) -> None:
    canvas.failures = [503, 429]
    (page,) = source(canvas).read(Query("people", ()), None)
    assert len(page.records) == 3


def test_a_wrong_token_is_one_line(canvas: Canvas) -> None:
    with pytest.raises(SourceError, match="refuses the token"):
        list(source(canvas, "wrong").read(Query("people", ()), None))
    with pytest.raises(SourceError, match="no field colour"):
        list(source(canvas).read(Query("people", ("colour",)), None))


def test_grades_go_out_in_one_job_and_are_read_back(canvas: Canvas) -> None:
    sink(canvas).preflight()
    batch = [grade(1, 11.05), grade(3, 0)]
    assert [s.presence for s in sink(canvas).read_back(batch)] == [Presence.ABSENT, Presence.ABSENT]
    answer = sink(canvas).apply(batch)
    assert not isinstance(answer, Whole)
    assert [result.fate for result in answer] == [Fate.STORED, Fate.STORED]
    assert len(canvas.jobs) == 1
    assert canvas.grades == {1: 11.05, 2: 0, 3: 0}
    assert [s.presence for s in sink(canvas).read_back(batch)] == [Presence.SAME, Presence.SAME]


def test_a_job_that_fails_leaves_the_records_open(canvas: Canvas) -> None:
    canvas.ends = ["running", "failed"]
    answer = sink(canvas).apply([grade(3, 5)])
    assert isinstance(answer, Whole)
    assert (answer.verdict, answer.code) == (Verdict.UNKNOWN, "failed")
    assert sink(canvas).read_back([grade(3, 5)])[0].presence is Presence.ABSENT


@pytest.mark.parametrize(
    ("status", "verdict"), [(429, Verdict.THROTTLED), (403, Verdict.DENIED), (500, Verdict.UNKNOWN)]
)
def test_a_write_is_not_repeated_by_itself(canvas: Canvas, status: int, verdict: Verdict) -> None:
    canvas.failures = [status]
    answer = sink(canvas).apply([grade(3, 5)])
    assert isinstance(answer, Whole)
    assert answer.verdict is verdict
    assert canvas.jobs == {}


def test_an_assignment_that_is_not_there(canvas: Canvas) -> None:
    with pytest.raises(SyncError, match="ResourceDoesNotExist"):
        sink(canvas, 41).preflight()
