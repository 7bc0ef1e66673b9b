"""What went wrong, in one line, and what to do about it.

Other modules raise what fits them; ``explain`` turns any of it into a ``Problem``, so that the command line,
the alerts and Dagster's failures all say the same sentence. Secrets are struck out here, in one place.
"""

import errno

from governance.redaction import redact

STARTED_BY = "rolecall/started_by"  # tag of runs whose failures the command line tells by itself

_OURS = {"assets", "governance", "integrations", "dashboards", "pipelines"}
_FULL_DISK = {errno.ENOSPC, errno.EDQUOT}


class Problem(Exception):  # noqa: N818 - a word that users read
    """A failure that the user can act on: what is wrong, and the remedy."""

    def __init__(self, what: str, remedy: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return self.what if self.remedy is None else f"{self.what}. {self.remedy}"


def one_line(error: BaseException, limit: int = 400) -> str:
    """The error's message on one line, without secrets; its type where it has no message."""
    text = " ".join(str(error).split()) or type(error).__name__
    return redact(text if len(text) <= limit else f"{text[: limit - 1]}…")


def chain(error: BaseException) -> list[BaseException]:
    """The error and what it came from, outermost first."""
    found: list[BaseException] = []
    step: BaseException | None = error
    while step is not None and step not in found:
        found.append(step)
        step = step.__cause__  # not __context__: an error raised while another is handled speaks for itself
    return found


def explain(error: BaseException) -> Problem:
    """Say what is wrong and how to mend it; an unknown error keeps its own words and points at ``--debug``."""
    for step in chain(error):
        known = _known(step)
        if known is not None:
            return known
    return Problem(f"{type(error).__name__}: {one_line(error)}", "Run again with --debug to see where it happened")


def _known(error: BaseException) -> Problem | None:
    if isinstance(error, Problem):
        return error
    if getattr(error, "remedy", None):
        return Problem(one_line(error), str(error.remedy))  # pyright: ignore[reportAttributeAccessIssue]
    if isinstance(error, OSError):
        return _system(error)
    if type(error).__module__.partition(".")[0] in _OURS:
        return Problem(one_line(error))  # our own errors name the remedy themselves
    return _library(error)


def _system(error: OSError) -> Problem | None:
    place = f" ({error.filename})" if error.filename else ""
    if error.errno in _FULL_DISK:
        return Problem(f"The disk is full{place}", "Free space, then run the command again: nothing accepted was lost")
    if isinstance(error, PermissionError):
        return Problem(f"No permission{place}", "Grant read and write there, or set ROLECALL_HOME elsewhere")
    if isinstance(error, FileNotFoundError):
        return Problem(f"There is no such file or folder{place}", "Check the path")
    if isinstance(error, IsADirectoryError | NotADirectoryError):
        return Problem(f"{one_line(error)}", "Check the path")
    return None


def _library(error: BaseException) -> Problem | None:
    """Errors of libraries, told by module and name: importing them here would slow every start."""
    home, name, text = type(error).__module__, type(error).__name__, str(error)
    if name == "ValidationError" and home.startswith("pydantic"):
        return Problem(
            f"A setting or file is not valid: {_first_complaint(error)}", "Correct it: `rolecall doctor` checks all"
        )
    if "No space left on device" in text or "database or disk is full" in text:
        return Problem("The disk is full", "Free space, then run the command again: nothing accepted was lost")
    if name == "OperationalError" and home.startswith(("sqlalchemy", "sqlite3", "psycopg")):
        return Problem(
            f"The state database does not answer: {one_line(getattr(error, 'orig', None) or error, 200)}",
            "Check ROLECALL_STATE_URL and that the database runs; `rolecall doctor` tests it",
        )
    if "Could not set lock on file" in text:
        return Problem("Another process is writing the working tables", "Wait until it ends, then run again")
    return None


def _first_complaint(error: BaseException) -> str:
    errors = error.errors(include_url=False, include_input=False)  # pyright: ignore[reportAttributeAccessIssue]
    first = errors[0]
    where = ".".join(str(part) for part in first["loc"])
    title = getattr(error, "title", "")
    if title == "Settings":
        where = f"ROLECALL_{where.upper()}"
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return redact(f"{where or title}: {first['msg']}{more}")
