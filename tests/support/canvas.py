"""A Canvas that keeps one course: pages of two, grades written by a job, as its documentation says."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from support import http_stub
from support.http_stub import Asked, Said

TOKEN = "canvas-token"


class Canvas:
    """Course 7 with assignment 40 (20 points) and learners 1 to 3. ``failures``: statuses to answer first."""

    def __init__(self) -> None:
        self.grades: dict[int, float] = {1: 16.5, 2: 0}
        self.jobs: dict[int, list[str]] = {}
        self.ends = ["queued", "running", "completed"]
        self.failures: list[int] = []
        self.address = ""

    def answer(self, asked: Asked) -> Said:
        """The answer to one request."""
        path, query = urlsplit(asked.path).path.removeprefix("/api/v1"), parse_qs(urlsplit(asked.path).query)
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return Said(401, b'{"errors": []}', {"www-authenticate": 'Bearer realm="canvas"'})
        if self.failures:
            return Said(self.failures.pop(0), b"{}")
        column = "/courses/7/assignments/40/submissions"
        if asked.method == "POST" and path == f"{column}/update_grades":
            return self._job(parse_qs(asked.body.decode()))
        if path.startswith("/progress/"):
            job = int(path.rpartition("/")[2])
            return said({"id": job, "workflow_state": self.jobs[job].pop(0)})
        if path.startswith(f"{column}/"):
            return said(self._submission(int(path.rpartition("/")[2])))
        lists = {
            "/courses/7/search_users": [
                {"id": n, "login_id": f"learner{n}", "sis_user_id": f"e{n}"} for n in (1, 2, 3)
            ],
            "/courses/7/assignments": [{"id": 40, "name": "Suitability talk", "points_possible": 20}],
            "/courses/7/students/submissions": [self._submission(n) for n in (1, 2, 3)],
            column: [self._submission(n) for n in (1, 2, 3)],
        }
        if path not in lists:
            return Said(404, b"{}")
        return self._page(path, lists[path], int(query.get("page", ["1"])[0]))

    def _submission(self, user: int) -> dict[str, Any]:
        score = self.grades.get(user)
        at = None if score is None else "2026-11-20T09:00:00Z"
        return {"id": user, "user_id": user, "assignment_id": 40, "score": score, "graded_at": at}

    def _page(self, path: str, rows: list[Any], page: int) -> Said:
        more = len(rows) > page * 2
        link = {"link": f'<{self.address}/api/v1{path}?page={page + 1}>; rel="next"'} if more else {}
        return said(rows[page * 2 - 2 : page * 2], **link)

    def _job(self, form: dict[str, list[str]]) -> Said:
        if self.ends[-1] == "completed":
            for name, values in form.items():
                self.grades[int(name.split("[")[1].rstrip("]"))] = float(values[0])
        number = len(self.jobs) + 1
        self.jobs[number] = list(self.ends)
        return said({"id": number, "workflow_state": "queued"})


def said(content: object, **headers: str) -> Said:
    """An answer in JSON."""
    return Said(200, json.dumps(content).encode(), headers)


@contextmanager
def serving(canvas: Canvas) -> Iterator[str]:
    """Address of the stub while it runs."""
    with http_stub.serving(canvas.answer) as address:
        canvas.address = address
        yield address
