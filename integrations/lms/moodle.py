"""Moodle's REST web services: one call, its errors, and nested parameters as the service wants them.

Every answer comes with HTTP 200, errors included, so the body decides. Only the error's code is looked at, since its
message is in the site's language.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from integrations.sources import SourceError
from integrations.sync.asking import Sleep, ask
from integrations.sync.transport import Lost, Transport

PATH = "webservice/rest/server.php"
READING = (
    "core_enrol_get_enrolled_users",
    "core_completion_get_activities_completion_status",
    "gradereport_user_get_grade_items",
    "mod_scorm_get_scorms_by_courses",
    "mod_scorm_get_scorm_attempt_count",
    "mod_scorm_get_scorm_sco_tracks",
)
REMEDIES = {
    "invalidtoken": "Make a token under Site administration > Server > Web services and put it into the environment",
    "accessexception": "Add the function to the token's service, or give the token's user the right to call it",
    "invalidrecord": "This Moodle has no such function; Rolecall needs Moodle 4.1 or newer",
    "invalidparameter": "Check the course ids in the connector's file",
    "servicerequireslogin": "Give the token's user the right webservice/rest:use",
    "sitemaintenance": "The site is in maintenance; the next run goes on from here",
}


class MoodleError(SourceError):
    """Moodle refused a call; ``code`` is its error code."""

    def __init__(self, function: str, code: str) -> None:
        super().__init__(f"Moodle refused {function}: {code}", REMEDIES.get(code, "Look the code up in Moodle's log"))
        self.code = code


class Moodle:
    """Calls to one site."""

    def __init__(self, transport: Transport, token: str, sleep: Sleep | None = None) -> None:
        self._transport = transport
        self._token = token
        self._sleep = sleep

    def call(self, function: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """The answer of one web service function.

        Raises:
            MoodleError: Moodle refused; ``code`` says why.
            SourceError: no answer, or one that is no web service's.
        """
        form = dict(flattened(parameters or {}))
        form |= {"wstoken": self._token, "wsfunction": function, "moodlewsrestformat": "json"}
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        try:
            reply = ask(
                self._transport, "POST", PATH, headers=headers, content=urlencode(form).encode(), sleep=self._sleep
            )
        except Lost as lost:
            raise SourceError(f"Moodle does not answer: {lost}", "Check the connector's url and the network") from lost
        answer = reply.json()
        if not reply.ok or not isinstance(answer, dict | list | int):  # an update answers with a bare code
            raise SourceError(
                f"{function}: status {reply.status} without JSON, so this is no Moodle web service",
                "Check the connector's url, and that the REST protocol is enabled in Moodle",
            )
        if isinstance(answer, dict) and "exception" in answer:  # before anything else: it came with status 200
            raise MoodleError(function, str(answer.get("errorcode", "unknown")))
        return answer

    def check(self, needed: Iterable[str] = READING) -> str:
        """The site's release, once it is sure that the token may call what is needed.

        Raises:
            SourceError: naming every function that the token's service lacks.
        """
        site = self.call("core_webservice_get_site_info")
        offered = {function["name"] for function in site.get("functions", [])}
        missing = [name for name in needed if name not in offered]
        if missing:
            raise SourceError(f"the token's service lacks {', '.join(missing)}", "Add these functions to it in Moodle")
        return str(site.get("release", "unknown"))

    def close(self) -> None:
        """Give back connections."""
        self._transport.close()


def flattened(parameters: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Nested parameters as form fields: ``courseids[0]``, ``grades[0][studentid]``."""

    def walk(name: str, value: Any) -> Iterator[tuple[str, str]]:
        if isinstance(value, Mapping):
            pairs: Iterable[tuple[Any, Any]] = value.items()
        elif isinstance(value, list | tuple):
            pairs = enumerate(value)
        else:
            yield name, str(int(value) if isinstance(value, bool) else value)
            return
        for key, each in pairs:
            yield from walk(f"{name}[{key}]", each)

    for name, value in parameters.items():
        yield from walk(name, value)
