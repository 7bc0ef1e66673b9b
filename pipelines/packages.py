"""Packages for LMSs from the command line: binds the workshop and the registers to the settings."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from governance.access import Thing
from governance.access.log import EVERY_TENANT
from governance.catalog import Catalog
from governance.identities import Identities
from governance.lms_identities import LmsIdentities, MapEntry
from governance.packages import Packages
from governance.recorded import Recorded
from governance.secrets import secret_key
from governance.settings import Settings
from governance.state import State
from integrations.scorm import destinations, marks
from integrations.scorm.workshop import CMI5, Made, Workshop, file_name
from pipelines.authority import permitted
from pipelines.problems import Problem

if TYPE_CHECKING:
    import polars as pl

    from governance.access import User


def trusted(settings: Settings, destination: str, what: str) -> "User":
    """The operator, who may deliver for the tenant of a destination; ``what`` says in the access log what.

    Raises:
        DestinationError: the configuration has no such destination.
        Problem: they may not; the refusal is logged.
    """
    tenant = destinations.load(settings.config, destination).tenant
    return permitted(settings, "deliver", [Thing.page(tenant)], what)


def trusted_to_revoke(settings: Settings, register: Packages, destination: str) -> "User":
    """The operator, who may revoke what a destination was given, even if the configuration no longer knows it.

    Then the register says whose packages they were; where it does not either, every tenant's are asked for.

    Raises:
        Problem: they may not; the refusal is logged.
    """
    tenants = {each.tenant for each in register.exports(destination)}
    with suppress(destinations.DestinationError):
        tenants.add(destinations.load(settings.config, destination).tenant)
    things = [Thing.page(tenant) for tenant in sorted(tenants) or [EVERY_TENANT]]
    return permitted(settings, "deliver", things, f"revocation of packages of {destination}")


@contextmanager
def workshop(settings: Settings) -> Iterator[Workshop]:
    """The workshop over the settings' catalog and state database."""
    state = State.open(settings.database_url)
    try:
        yield Workshop(settings.config, Catalog.load(settings.config), Packages(state), secret_key(settings))
    finally:
        state.close()


def build(
    settings: Settings, destination: str, scenario: str | None, kinds: Sequence[str], out: Path, now: datetime
) -> Iterator[Made]:
    """Packages of a destination: one to ``out`` where it ends in .zip, else each into that folder."""
    with workshop(settings) as shop:
        target = destinations.load(settings.config, destination)
        wanted = [scenario] if scenario is not None else shop.scenarios(target)
        one = out.suffix.lower() == ".zip"
        if one and len(wanted) * len(kinds) != 1:
            raise Problem(
                f"{out} is one file, and {len(wanted) * len(kinds)} packages are wanted",
                "Name a folder, or choose one with --scenario and --edition",
            )
        for name in wanted:
            for kind in kinds:
                yield shop.make(destination, name, kind, out if one else out / file_name(name, kind), now)


def add_codes(settings: Settings, destination: str, learners: Sequence[str], days: int) -> list[tuple[str, str]]:
    """A new personal code for each learner id; it is shown once and kept as a digest."""
    target, now = destinations.load(settings.config, destination), datetime.now(UTC)
    secret = secret_key(settings)
    codes = {learner: marks.new_code() for learner in learners}
    digests = {learner: marks.code_digest(secret, destination, code) for learner, code in codes.items()}
    with people(settings) as register:
        register.add_codes(destination, target.tenant, digests, now, now + timedelta(days=days))
    return list(codes.items())


def record_map(settings: Settings, destination: str, path: Path) -> Recorded:
    """Take in an identity map from a CSV or JSON lines file with ``external_id`` and ``learner_id``."""
    target = destinations.load(settings.config, destination)
    entries = [_entry(path, number, row) for number, row in enumerate(_frame(path).iter_rows(named=True), 1)]
    doubled = len(entries) - len({entry.external_id for entry in entries})
    if doubled:
        raise Problem(f"{path}: {doubled} external ids occur twice", "An id of the LMS belongs to one learner")
    with people(settings) as register:
        return register.record(destination, target.tenant, target.scheme, entries, datetime.now(UTC))


@contextmanager
def people(settings: Settings) -> Iterator[LmsIdentities]:
    """The identity maps of the settings' state database."""
    state = State.open(settings.database_url)
    try:
        yield LmsIdentities(state, Identities(state, secret_key(settings)))
    finally:
        state.close()


def _frame(path: Path) -> "pl.DataFrame":
    import polars as pl

    try:
        frame = pl.read_ndjson(path) if path.suffix in (".jsonl", ".ndjson") else pl.read_csv(path, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise Problem(f"{path}: cannot be read: {str(error).splitlines()[0]}", "Write CSV or JSON lines") from error
    missing = {"external_id", "learner_id"} - set(frame.columns)
    if missing:
        raise Problem(f"{path}: there is no column {', '.join(sorted(missing))}", "It needs external_id and learner_id")
    return frame.select("external_id", "learner_id")


def _entry(path: Path, number: int, row: dict[str, object]) -> MapEntry:
    from pydantic import ValidationError

    try:
        return MapEntry.model_validate(row)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise Problem(
            f"{path}, row {number}: {first['loc'][0]}: {first['msg']}", "Mend the row; nothing was taken"
        ) from error


__all__ = ["CMI5", "add_codes", "build", "people", "record_map", "trusted", "trusted_to_revoke", "workshop"]
