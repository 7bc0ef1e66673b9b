"""What a running job tells: which step is on, and how long work took as against Dagster's own bookkeeping.

Dagster hands every event of an in-process run to its loggers; this one draws progress and reads the clock. A step's
work ends with its first output, since our assets yield when they are done; what follows is writing events.
"""

import logging
from collections.abc import Callable

import dagster as dg


class Watch(logging.Handler):
    """Follows the steps of a run; ``work_s`` adds up their work."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__(logging.DEBUG)
        self._say = say
        self._begun: dict[str, float] = {}
        self.work_s = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Take one event; what is no event is not for the progress line."""
        event = getattr(record, "dagster_meta", {}).get("dagster_event")
        if event is None or event.step_key is None:
            return
        if event.event_type_value == "STEP_START":
            self._begun[event.step_key] = record.created
            self._say(readable(event.step_key))
        elif event.event_type_value in {"STEP_OUTPUT", "STEP_FAILURE"}:
            begun = self._begun.pop(event.step_key, None)
            self.work_s += 0.0 if begun is None else record.created - begun

    def definition(self) -> dg.LoggerDefinition:
        """This watch as a logger that a job can name in its run configuration."""

        def progress(_: dg.InitLoggerContext) -> logging.Logger:
            log = logging.Logger("rolecall.progress", logging.DEBUG)
            log.addHandler(self)
            return log

        return dg.LoggerDefinition(progress, description="Progress of an in-process run")


def readable(step: str) -> str:
    """``core__sessions`` as people say it."""
    return step.replace("__", "/").replace("_", " ")
