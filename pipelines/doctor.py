"""What ``rolecall doctor`` looks at: configuration, connections, versions, disk, clock, each with its remedy.

Each check is a function from settings to a ``Finding``; none changes anything but a probe file that it removes.
"""

import os
import shutil
import stat
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from governance.settings import PROJECT, Settings
from pipelines.problems import one_line

Level = Literal["ok", "warn", "fail"]

DISK_FAIL_BYTES = 500_000_000
DISK_WARN_BYTES = 5_000_000_000
CLOCK_SKEW = timedelta(minutes=2)
TOKEN_LENGTH = 24  # shorter ones can be guessed
VERSIONS = {  # the release series whose behaviour the code relies on
    "dagster": ((1, 13), (1, 14)),
    "duckdb": ((2, 0), (3, 0)),
    "polars": ((2, 1), (3, 0)),
    "great_expectations": ((1, 24), (2, 0)),
    "sqlalchemy": ((2, 1), (3, 0)),
    "streamlit": ((1, 67), (2, 0)),
}


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report."""

    subject: str
    level: Level
    detail: str
    remedy: str | None = None


def examine(now: datetime | None = None) -> Iterator[Finding]:
    """Every check in turn; without valid settings only those that need none."""
    yield from versions()
    try:
        settings = Settings()
    except ValueError as error:
        from pipelines.problems import explain

        yield Finding("settings", "fail", explain(error).what, "Correct the variable; .env.example lists all of them")
        return
    yield Finding("settings", "ok", f"home {settings.home}")
    now = now or datetime.now(UTC)
    for subject, check in CHECKS.items():
        yield _safely(subject, check, settings, now)


def _safely(subject: str, check: Callable[[Settings, datetime], Finding], settings: Settings, now: datetime) -> Finding:
    """The doctor reports what breaks a check, whatever it is: that is the finding."""
    try:
        return check(settings, now)
    except Exception as error:
        from pipelines.problems import explain

        problem = explain(error)
        return Finding(subject, "fail", problem.what, problem.remedy)


def versions() -> Iterator[Finding]:
    """Python and the libraries whose series matters."""
    wrong = []
    for package, (lowest, below) in VERSIONS.items():
        try:
            found = version(package)
        except PackageNotFoundError:
            wrong.append(f"{package} is missing")
            continue
        series = tuple(int(part) for part in found.split(".")[:2] if part.isdigit())
        if not lowest <= series < below:
            wrong.append(f"{package} {found} is outside {_dotted(lowest)} to below {_dotted(below)}")
    python = ".".join(map(str, sys.version_info[:3]))
    if wrong:
        yield Finding("versions", "fail", "; ".join(wrong), "Install what requirements.lock names: `make setup`")
    else:
        yield Finding("versions", "ok", f"Python {python}, Dagster {version('dagster')}, DuckDB {version('duckdb')}")


def bytecode(settings: Settings, now: datetime) -> Finding:
    """Libraries are compiled once, not by every process anew, which takes longer than most commands."""
    found = find_spec("dagster")
    compiled = found is not None and found.cached is not None and Path(found.cached).exists()
    if compiled or not sys.dont_write_bytecode:
        return Finding("bytecode", "ok", "libraries are compiled once")
    return Finding(
        "bytecode",
        "warn",
        "PYTHONDONTWRITEBYTECODE is set and the libraries are not compiled: every command takes seconds to start",
        f"Unset it, or compile them once: {sys.executable} -m compileall -q {sysconfig.get_path('purelib')}",
    )


def _dotted(series: tuple[int, ...]) -> str:
    return ".".join(map(str, series))


def catalog(settings: Settings, now: datetime) -> Finding:
    """Rubrics, scenarios and competencies load."""
    from governance.catalog import Catalog

    found = Catalog.load(settings.config)
    return Finding(
        "catalog", "ok", f"{len(found.rubrics)} rubrics, {len(found.scenarios)} scenarios in {settings.config}"
    )


def project(settings: Settings, now: datetime) -> Finding:
    """Names and colours of tenants load."""
    from governance.project import Project

    found = Project.load(settings.config)
    return Finding("rolecall.yaml", "ok", f"{len(found.tenants)} tenants described")


def destinations(settings: Settings, now: datetime) -> Finding:
    """The LMSs that packages are made for, and whether those whose learners log in have a login to send them to."""
    from integrations.scorm import destinations

    every = dict(destinations.every(settings.config))
    found, logins = list(every), [name for name, each in every.items() if each.identity == "sso"]
    if logins and None in (settings.oidc_metadata_url, settings.oidc_client_id, settings.oidc_client_secret):
        detail = f"learners of {', '.join(logins)} log in, but no login provider is configured"
        names = "ROLECALL_OIDC_METADATA_URL, ROLECALL_OIDC_CLIENT_ID and ROLECALL_OIDC_CLIENT_SECRET"
        return Finding("destinations", "fail", detail, f"Set {names}, or write `identity: claim`")
    return Finding("destinations", "ok", f"{len(found)} LMSs: {', '.join(found)}" if found else "none")


def policy(settings: Settings, now: datetime) -> Finding:
    """The signal policy loads."""
    from governance.gate import SignalPolicy

    return Finding("policy", "ok", f"signal policy {SignalPolicy.load(settings.config / 'policy.yaml').version}")


def home(settings: Settings, now: datetime) -> Finding:
    """The home can be written, renamed in and deleted from."""
    settings.home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.home, prefix=".doctor-") as folder:
        draft = Path(folder) / "draft"
        draft.write_bytes(b"probe")
        draft.rename(Path(folder) / "probe")
    return Finding("home", "ok", f"{settings.home} can be written")


def disk(settings: Settings, now: datetime) -> Finding:
    """Room for a few more versions of the marts."""
    place = settings.home if settings.home.exists() else settings.home.parent
    free = shutil.disk_usage(place).free
    detail = f"{free / 1e9:,.1f} GB free at {place}"
    if free < DISK_FAIL_BYTES:
        return Finding("disk", "fail", detail, "Free space, or set ROLECALL_HOME to a larger disk")
    if free < DISK_WARN_BYTES:
        return Finding("disk", "warn", detail, "Free space soon; ROLECALL_KEEP_VERSIONS keeps fewer published versions")
    return Finding("disk", "ok", detail)


def state(settings: Settings, now: datetime) -> Finding:
    """The state database answers, is migrated and takes a write."""
    import sqlalchemy as sa

    from governance.inbox import Inbox
    from governance.state import State

    opened = State.open(settings.database_url)
    with opened.session() as session:
        session.execute(sa.text("select 1"))
    waiting = Inbox(opened).depth()
    where = sa.make_url(settings.database_url).render_as_string(hide_password=True)
    return Finding("state database", "ok", f"{where}, {waiting:,} deliveries wait in the inbox")


def secret(settings: Settings, now: datetime) -> Finding:
    """The key of the pseudonyms is readable by its owner alone."""
    if settings.secret_key is not None:
        return Finding("secret key", "ok", "from ROLECALL_SECRET_KEY")
    path = settings.home / "secret.key"
    if not path.exists():
        return Finding("secret key", "ok", "is made at the first ingest")
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        return Finding("secret key", "fail", f"{path} can be read by others", f"chmod 600 {path}")
    return Finding("secret key", "ok", f"{path}; keep a copy: without it no learner key can be made again")


def clock(settings: Settings, now: datetime) -> Finding:
    """The clock runs forward: nothing in the home comes from the future."""
    newest = max((datetime.fromtimestamp(path.stat().st_mtime, UTC) for path in _written(settings)), default=None)
    if newest is not None and newest - now > CLOCK_SKEW:
        late = newest - now
        return Finding(
            "clock", "fail", f"files in the home are {late} ahead of this clock", "Set the clock (chrony, ntpd)"
        )
    return Finding("clock", "ok", f"{now:%Y-%m-%d %H:%M:%S} UTC")


def _written(settings: Settings) -> Iterator[Path]:
    yield from (path for path in (settings.home / "state.db", settings.lake / ".writer.lock") if path.exists())
    yield from settings.marts.glob("*/manifest*.json")


def engine(settings: Settings, now: datetime) -> Finding:
    """The engine's API takes the key, and its clock agrees with ours."""
    if settings.engine_key is None:
        remedy = "Set ROLECALL_ENGINE_KEY so that lost callbacks are pulled; files and the gateway work without it"
        return Finding("engine", "warn", "no key: nothing is reconciled by pull", remedy)
    import httpx

    headers = {"x-api-key": settings.engine_key.get_secret_value()}
    try:
        answer = httpx.get(f"{settings.engine_url}/v2/conversations", params={"limit": 1}, headers=headers, timeout=10)
    except httpx.HTTPError as error:
        return Finding(
            "engine", "fail", f"{settings.engine_url}: {one_line(error)}", "Check ROLECALL_ENGINE_URL and the network"
        )
    if answer.status_code in {401, 403}:
        return Finding(
            "engine", "fail", f"it refuses the key ({answer.status_code})", "Set a valid ROLECALL_ENGINE_KEY"
        )
    if answer.status_code != httpx.codes.OK:
        return Finding(
            "engine", "fail", f"{settings.engine_url} answers {answer.status_code}", "Try later; see its status page"
        )
    skew = _skew(answer.headers.get("date"), now)
    if skew is not None and skew > CLOCK_SKEW:
        return Finding("engine", "fail", f"its clock and ours are {skew} apart", "Set the clock (chrony, ntpd)")
    return Finding("engine", "ok", f"{settings.engine_url} takes the key")


def _skew(date: str | None, now: datetime) -> timedelta | None:
    try:
        return None if date is None else abs(parsedate_to_datetime(date) - now)
    except (TypeError, ValueError):
        return None


def crms(settings: Settings, now: datetime) -> Finding:
    """Every CRM that is switched on takes the login, has the objects that are read and the fields that are written."""
    from integrations.crm.config import ConnectorError, connectors
    from integrations.crm.systems import probe
    from integrations.sources import SourceError
    from integrations.sync.base import SyncError

    well, wrong, remedies = [], [], []
    for connector in connectors(settings.config):
        if not connector.enabled:
            continue
        try:
            well.append(f"{connector.name}: {probe(connector)}")
        except (ConnectorError, SourceError, SyncError) as error:
            wrong.append(str(error) if str(error).startswith(connector.name) else f"{connector.name}: {error}")
            remedies.append(getattr(error, "remedy", None) or "Mend the connector's file; see docs/crm.md")
    if wrong:
        return Finding("CRM", "fail", "; ".join(wrong), "; ".join(dict.fromkeys(remedies)))
    return Finding("CRM", "ok", "; ".join(well) or "none is connected")


def gateway(settings: Settings, now: datetime) -> Finding:
    """Tenants can reach the gateway, with tokens that cannot be guessed."""
    tokens = {tenant: token.get_secret_value() for tenant, token in settings.gateway_tokens.items()}
    if not tokens:
        remedy = "Set ROLECALL_GATEWAY_TOKENS=tenant=token,… before `rolecall serve gateway`"
        return Finding("gateway", "warn", "no tenant has a token: every delivery would be refused", remedy)
    short = sorted(tenant for tenant, token in tokens.items() if len(token) < TOKEN_LENGTH)
    if short:
        remedy = f"Use at least {TOKEN_LENGTH} characters, e.g. `openssl rand -hex 24`"
        return Finding("gateway", "warn", f"short tokens: {', '.join(short)}", remedy)
    if len(set(tokens.values())) < len(tokens):
        return Finding("gateway", "fail", "two tenants share a token", "Give each tenant its own")
    return Finding(
        "gateway", "ok", f"{len(tokens)} {'tenant' if len(tokens) == 1 else 'tenants'}: {', '.join(sorted(tokens))}"
    )


def tools(settings: Settings, now: datetime) -> Finding:
    """Tool deliveries are signed."""
    if settings.tool_secret is None:
        remedy = "Set ROLECALL_TOOL_SECRET to the secret of your engine's tools, if you use API-delivered tools"
        return Finding("tool secret", "warn", "not set: tool deliveries are refused", remedy)
    return Finding("tool secret", "ok", "set")


def dagster(settings: Settings, now: datetime) -> Finding:
    """The definitions load and Dagster's storage can be written."""
    from pipelines import environment
    from pipelines.definitions import defs

    if not (PROJECT / "dagster.yaml").is_file():
        return Finding("dagster", "fail", f"no dagster.yaml in {PROJECT}", "Run from a clone of the repository")
    environment.prepare(settings)
    if not os.access(settings.dagster_storage, os.W_OK):
        return Finding("dagster", "fail", f"{settings.dagster_storage} cannot be written", "Set ROLECALL_DAGSTER_DIR")
    graph = defs().resolve_asset_graph()
    return Finding("dagster", "ok", f"{len(graph.get_all_asset_keys())} assets load")


def published(settings: Settings, now: datetime) -> Finding:
    """What readers see, and who writes now."""
    from assets.lake import Lake
    from pipelines import tenants

    busy = Lake(settings.lake).writer()
    if busy is not None:
        return Finding("published", "ok", f"{busy} is writing now")
    known = tenants.published(settings)
    if not known:
        return Finding(
            "published", "warn", "nothing yet", "Run `rolecall ingest` and `rolecall run`, or `rolecall demo`"
        )
    return Finding("published", "ok", f"tenants {', '.join(known)}")


CHECKS: dict[str, Callable[[Settings, datetime], Finding]] = {
    "bytecode": bytecode,
    "home": home,
    "disk": disk,
    "clock": clock,
    "catalog": catalog,
    "destinations": destinations,
    "CRM": crms,
    "policy": policy,
    "rolecall.yaml": project,
    "state database": state,
    "secret key": secret,
    "gateway": gateway,
    "tool secret": tools,
    "engine": engine,
    "dagster": dagster,
    "published": published,
}
