"""A Moodle that answers as a real one was recorded: a server of its own on a free port, or the bare answers."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from support import http_stub
from support.http_stub import Asked, Said

FIXTURES = Path(__file__).resolve().parents[2].parent / "shared" / "fixtures" / "moodle"
TOKEN = "recorded-token"
COURSE = 5
_PROBES = {"7": "probe12", "8": "probe2004"}
_SCOES = {"14": "probe12", "16": "probe2004"}


def recorded(name: str) -> Any:
    """One recorded answer."""
    path = FIXTURES / f"{name}.json"
    if not path.is_file():
        pytest.skip("the recorded answers of a Moodle lie outside the repository, in ../shared/fixtures/moodle")
    return json.loads(path.read_text("utf-8"))


def elements(probe: str, attempt: int) -> dict[str, Any]:
    """The tracks of learner1's attempt, by element."""
    tracks = recorded(f"{probe}_sco_tracks_attempt{attempt}")["data"]["tracks"]
    return {track["element"]: track["value"] for track in tracks}


class Moodle:
    """What the stub knows; tests change it. ``changes`` are answers put in the place of recorded ones."""

    def __init__(self) -> None:
        self.calls: list[dict[str, str]] = []
        self.changes: dict[str, Any] = {}
        self.failures: list[int] = []  # statuses to answer before anything else
        recorded("core_webservice_get_site_info")  # skips in the test's own thread, which the server is not

    def answer(self, given: dict[str, str]) -> Any:
        """The answer to one call, errors included, as a real site words it."""
        self.calls.append(given)
        function = given.get("wsfunction", "")
        if given.get("wstoken") != TOKEN:
            return recorded("error_invalid_token")
        if function in self.changes:
            change = self.changes[function]
            return change(given) if callable(change) else change
        return self._recorded(function, given)

    def _recorded(self, function: str, given: dict[str, str]) -> Any:
        match function:
            case "core_webservice_get_site_info" | "core_enrol_get_enrolled_users" | "mod_scorm_get_scorms_by_courses":
                return recorded(function)
            case "gradereport_user_get_grade_items":
                return recorded(f"{function}_{'one' if 'userid' in given else 'all'}")
            case "core_completion_get_activities_completion_status":
                return recorded(function) if given["userid"] == "3" else {"statuses": [], "warnings": []}
            case "mod_scorm_get_scorm_attempt_count":
                if given["userid"] != "3":
                    return {"attemptscount": 0, "warnings": []}
                return recorded(f"{_PROBES[given['scormid']]}_attempt_count")
            case "mod_scorm_get_scorm_sco_tracks":
                if "userid" not in given:
                    return recorded("error_missing_param")
                return recorded(f"{_SCOES[given['scoid']]}_sco_tracks_attempt{given['attempt']}")
            case "core_course_get_courses":
                return recorded("error_access")
            case _:
                return recorded("error_bad_function")


@contextmanager
def serving(moodle: Moodle) -> Iterator[str]:
    """Address of the stub while it runs."""

    def answer(asked: Asked) -> Said:
        if moodle.failures:
            return Said(moodle.failures.pop(0), b"<html>busy</html>")
        given = {name: values[0] for name, values in parse_qs(asked.body.decode(), keep_blank_values=True).items()}
        return Said(body=json.dumps(moodle.answer(given)).encode())

    with http_stub.serving(answer) as address:
        yield address
