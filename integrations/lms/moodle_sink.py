"""Grades of one Moodle activity for the sync engine, many in one call, read back from the grade report.

A later commit of a SCORM package overwrites what is written to its grade item (measured), so that SCORM activities are
refused: their grade comes from the package.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import orjson

from integrations.lms.moodle import Moodle, MoodleError
from integrations.sources import SourceError
from integrations.sync import answers
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

WRITING = ("core_grades_update_grades", "gradereport_user_get_grade_items")
DENIED = frozenset({"invalidtoken", "accessexception", "invalidrecord", "servicerequireslogin", "nopermissions"})
BATCH = 100
TOLERANCE = Decimal("0.0001")  # Moodle keeps five decimals
GRADE_UPDATE_OK = 0


class MoodleGradeSink:
    """Grades of one course module. A payload holds ``user`` and ``grade``, in the points of the activity."""

    def __init__(self, moodle: Moodle, course: int, module: int, component: str) -> None:
        self._moodle, self._course, self._module, self._component = moodle, course, module, component

    def preflight(self) -> Preflight:
        """See that the token may write, and that the activity is none whose grades Moodle writes itself.

        Raises:
            SyncError: the token lacks a function, or the activity is a SCORM package.
        """
        if self._component == "mod_scorm":
            raise SyncError(
                f"activity {self._module} is a SCORM package, whose next commit would overwrite the grade",
                "Write to an assignment or an LTI activity, or take the column out",
            )
        try:
            self._moodle.check(WRITING)
        except SourceError as error:
            raise SyncError(str(error), error.remedy) from error
        return Preflight(Limits(batch_count=BATCH, batch_bytes=None))

    def apply(self, batch: Sequence[Outgoing]) -> Answer:
        """Write all grades of the batch in one call."""
        payloads = [orjson.loads(record.payload) for record in batch]
        asked = {
            "source": "rolecall",
            "courseid": self._course,
            "component": self._component,
            "activityid": self._module,
            "itemnumber": 0,
            "grades": [{"studentid": payload["user"], "grade": payload["grade"]} for payload in payloads],
        }
        try:
            code = self._moodle.call("core_grades_update_grades", asked)
        except MoodleError as error:
            return Whole(Verdict.DENIED if error.code in DENIED else Verdict.REFUSED, error.code, str(error))
        except SourceError as error:
            return Whole(Verdict.UNKNOWN, "no answer", str(error))
        if code != GRADE_UPDATE_OK:
            return Whole(Verdict.REFUSED, f"grade_update_{code}", "Moodle did not take these grades")
        return [Result(Fate.STORED, "0") for _ in batch]

    def read_back(self, batch: Sequence[Outgoing]) -> Sequence[Sighting]:
        """Compare each grade with the learner's grade report."""
        return [self._sighting(orjson.loads(record.payload)) for record in batch]

    def close(self) -> None:
        """Give back connections."""
        self._moodle.close()

    def _sighting(self, payload: Mapping[str, Any]) -> Sighting:
        asked = {"courseid": self._course, "userid": payload["user"]}
        try:
            reports = self._moodle.call("gradereport_user_get_grade_items", asked)["usergrades"]
        except SourceError as error:
            return answers.unread(str(error))
        items = [item for report in reports for item in report["gradeitems"] if item.get("cmid") == self._module]
        held = items[0].get("graderaw") if items else None
        same = held is not None and abs(Decimal(str(held)) - Decimal(str(payload["grade"]))) < TOLERANCE
        return Sighting(Presence.SAME if same else Presence.ABSENT)
