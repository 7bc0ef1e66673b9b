"""The gateway: the ASGI application that takes the engine's deliveries and the launch registry.

Wiring only. What a delivery goes through is in ``integrations.engine.intake``, what lasts in
``governance.inbox``.
"""

import asyncio
import contextlib
import logging
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import event
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from governance import secrets
from governance.access.log import AccessLog
from governance.catalog import Catalog
from governance.escalations import Escalations
from governance.gate import SignalPolicy
from governance.grouping import Grouping
from governance.identities import Identities
from governance.inbox import Backlog, Inbox, UnavailableError, honest_errors
from governance.launches import Launches
from governance.lms_identities import LmsIdentities
from governance.lms_results import LmsResults
from governance.packages import Packages
from governance.settings import Settings
from governance.state import State
from governance.web_headers import DataHeaders
from integrations.engine import bodies, callers, receiver
from integrations.engine.intake import Intake
from integrations.engine.launching import LaunchDesk
from integrations.engine.meters import Meters
from integrations.engine.pull import PullClient
from integrations.engine.refusals import Refusal
from integrations.scorm import routes as results_routes
from integrations.scorm import sso_routes
from integrations.scorm.oidc import Client, Provider
from integrations.scorm.results import Results
from integrations.scorm.service import Service
from integrations.scorm.sso import Logins
from pipelines import gateway_page
from pipelines.cases import Watch

LOG = logging.getLogger("rolecall.gateway")
PATIENCE_MS = 5_000  # for SQLite's write lock; senders give up after ten seconds or so
BODIES_IN_MEMORY = 256_000_000
HOUSEKEEPING_S = 3_600.0
DISK_FLOOR_BYTES = 100_000_000  # below it /healthz turns red, well before the first commit fails
HEALTH_TIMEOUT_S = 5.0
INTRODUCTION = """\
Takes deliveries of the role-play engine and the launches that say whose they are.

An answer of 2xx means that the delivery is on disk, after the signal policy has been applied to it.
A refused request is answered with one line: `rule`, `reason`, `remedy`.

This page takes its own scripts from the internet (cdn.jsdelivr.net); `/openapi.json` has the same without them.
"""


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application over the state database of ``settings``, which is opened (and migrated) here."""
    settings = settings or Settings()
    if not settings.gateway_tokens:
        LOG.warning("ROLECALL_GATEWAY_TOKENS is empty: every delivery will be refused; set it as acme=…,globex=…")
    state = State.open(settings.database_url)
    if state.dialect == "sqlite":
        _impatient(state)
    inbox = Inbox(state)
    threads = {
        name: ThreadPoolExecutor(count, thread_name_prefix=f"gateway-{name}")
        for name, count in {"commit": 1, "lookup": 1, "parse": 1, "watch": 2, "scorm": 4, "cases": 1}.items()
    }
    meters = Meters()
    launches = Launches(state, Identities(state, secrets.secret_key(settings)))
    intake = _intake(settings, launches, inbox, threads, meters)
    watch = Watch(settings, Escalations.of(state, settings.config), threads["cases"])
    watch.heard(inbox.waiting())  # what came in before an earlier gateway could open its case
    intake.heard = watch.heard
    app = FastAPI(
        title="Rolecall gateway",
        version="1",
        description=INTRODUCTION,
        lifespan=_lifespan(inbox, state, list(threads.values())),
        docs_url=None,  # ours carries a policy
        redoc_url=None,
    )
    desk = LaunchDesk(launches, intake.secret, threads["commit"])
    routes = receiver.router(intake, desk).routes
    app.router.routes += [_bare(route) for route in routes if isinstance(route, APIRoute)]
    service = _results(settings, state, launches, intake)
    app.include_router(results_routes.router(service, threads["scorm"]))
    app.include_router(sso_routes.router(service.logins, threads["scorm"]))
    _add_health(app, settings, inbox, threads["watch"])
    _add_metrics(app, inbox, meters, threads["watch"])
    app.add_exception_handler(HTTPException, _no_route)
    gateway_page.add_page(app)
    gateway_page.describe(app, routes)
    return app


def serve(host: str, port: int, settings: Settings) -> None:
    """Run the gateway in the foreground until it is told to stop; started requests are finished first."""
    import uvicorn

    uvicorn.run(
        DataHeaders(create_app(settings)),  # around everything, so that a 500 carries them too
        host=host,
        port=port,
        log_level=settings.log_level.lower(),
        access_log=False,  # a request line holds the token
        server_header=False,
        proxy_headers=False,  # nothing here depends on who the client was
        timeout_graceful_shutdown=30,
    )


def _intake(
    settings: Settings, launches: Launches, inbox: Inbox, threads: dict[str, ThreadPoolExecutor], meters: Meters
) -> Intake:
    front = inbox.group(threads["commit"], observe=meters.batch.observe)
    secret = secrets.derive(secrets.secret_key(settings), "callback")
    return Intake(
        tokens={tenant: callers.digest(token.get_secret_value()) for tenant, token in settings.gateway_tokens.items()},
        secret=secret,
        tool_secret=settings.tool_secret.get_secret_value() if settings.tool_secret else None,
        policy=SignalPolicy.load(settings.config / "policy.yaml"),
        inbox=front,
        places=Grouping(partial(_jurisdictions, launches), threads["lookup"]),
        owners=Grouping(partial(_owners, launches), threads["lookup"]),
        worker=threads["parse"],
        meters=meters,
        max_body_bytes=settings.max_body_bytes,
        budget=bodies.Budget(BODIES_IN_MEMORY),
    )


def _results(settings: Settings, state: State, launches: Launches, intake: Intake) -> Service:
    """The service that packages in LMSs ask."""
    people, log, secret = LmsIdentities(state, launches.identities), AccessLog(state), secrets.secret_key(settings)
    return Service(
        config=settings.config,
        catalog=Catalog.load(settings.config),
        policy=intake.policy,
        packages=Packages(state),
        people=people,
        identities=launches.identities,
        launches=launches,
        results=Results(settings.marts),
        issued=LmsResults(state),
        log=log,
        secret=secret,
        callback_secret=intake.secret,
        engine=partial(_engine, settings),
        logins=Logins(settings.config, people, launches.identities, log, secret, _provider(settings)),
    )


def _provider(settings: Settings) -> Provider | None:
    """The company's login provider, the one of the dashboards; None where it is not configured."""
    address, client_id, client_secret = settings.oidc_metadata_url, settings.oidc_client_id, settings.oidc_client_secret
    if address is None or client_id is None or client_secret is None:
        return None
    return Provider(Client(address, client_id, client_secret.get_secret_value(), settings.oidc_scope))


def _engine(settings: Settings) -> PullClient | None:
    """The engine's API; None without a key."""
    key = settings.engine_key
    return None if key is None else PullClient(settings.engine_url, key.get_secret_value())


def _jurisdictions(launches: Launches, pairs: Sequence[tuple[str, str]]) -> list[str | None]:
    """Where the learner of each (tenant, session) works; one query a tenant."""
    sessions: dict[str, list[str]] = {}
    for tenant, session_id in pairs:
        sessions.setdefault(tenant, []).append(session_id)
    with honest_errors():
        found = {tenant: launches.jurisdictions(tenant, some) for tenant, some in sessions.items()}
    return [found[tenant].get(session_id) for tenant, session_id in pairs]


def _owners(launches: Launches, sessions: Sequence[str]) -> list[str | None]:
    """The tenant that launched each session."""
    with honest_errors():
        return [launches.tenant_of(session_id) for session_id in sessions]


def _impatient(state: State) -> None:
    """Wait less long for the write lock than a batch job would: the sender is waiting too."""

    def patience(connection: Any, _record: object) -> None:
        connection.execute(f"pragma busy_timeout={PATIENCE_MS}")

    event.listen(state.engine, "connect", patience)
    state.engine.dispose()  # connections made before the listener


def _lifespan(
    inbox: Inbox, state: State, threads: list[ThreadPoolExecutor]
) -> Callable[[FastAPI], contextlib.AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        housekeeping = asyncio.create_task(_housekeeping(inbox))
        yield
        housekeeping.cancel()
        for pool in threads:
            pool.shutdown(wait=True)
        state.close()

    return lifespan


async def _housekeeping(inbox: Inbox) -> None:
    """Prune the inbox every hour; a database that is away is tried again an hour later."""
    while True:
        try:
            pruned = await asyncio.to_thread(inbox.prune, datetime.now(UTC))
            LOG.info("inbox pruned: %d bodies, %d keys", pruned.bodies, pruned.rows)
        except UnavailableError as error:
            LOG.warning("inbox not pruned: %s", error)
        await asyncio.sleep(HOUSEKEEPING_S)


def _add_health(app: FastAPI, settings: Settings, inbox: Inbox, pool: ThreadPoolExecutor) -> None:
    async def health() -> Response:
        """Whether deliveries can be taken: the state database answers and the disk has room."""
        free = _free_bytes(settings.home)
        problems = [] if free >= DISK_FLOOR_BYTES else [f"less than {DISK_FLOOR_BYTES // 1_000_000} MB left on disk"]
        found: Backlog | None = None
        try:
            waiting = asyncio.get_running_loop().run_in_executor(pool, inbox.backlog)
            found = await asyncio.wait_for(waiting, HEALTH_TIMEOUT_S)
        except (UnavailableError, TimeoutError) as error:
            LOG.warning("health: %s", error)
            problems.append("the state database does not answer")
        body = {
            "status": "failing" if problems else "ok",
            "problems": problems,
            "state": "reachable" if found else "unreachable",
            "inbox": {"depth": found.depth, "oldest_s": _age(found)} if found else None,
            "disk_free_bytes": free,
        }
        return receiver.reply(503 if problems else 200, body)

    app.add_api_route("/healthz", health, methods=["GET"], tags=["operation"], summary="Health")


def _add_metrics(app: FastAPI, inbox: Inbox, meters: Meters, pool: ThreadPoolExecutor) -> None:
    async def metrics() -> Response:
        """Prometheus exposition; the inbox gauges are read on each scrape and absent while it cannot be read."""
        try:
            found = await asyncio.get_running_loop().run_in_executor(pool, inbox.backlog)
            meters.watch(found.depth, _age(found) or 0.0)
        except UnavailableError as error:
            LOG.warning("metrics: %s", error)
            meters.watch(float("nan"), float("nan"))
        return Response(meters.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    app.add_api_route("/metrics", metrics, methods=["GET"], tags=["operation"], summary="Metrics")


def _age(backlog: Backlog) -> float | None:
    return None if backlog.oldest is None else (datetime.now(UTC) - backlog.oldest).total_seconds()


def _free_bytes(home: Path) -> int:
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    return shutil.disk_usage(existing).free


async def _no_route(_request: Request, error: Exception) -> Response:
    """Unknown paths and methods, in the words of every other refusal."""
    status = error.status_code if isinstance(error, HTTPException) else 400
    rule = {404: "unknown_route", 405: "wrong_method"}.get(status, "malformed_json")
    headers = getattr(error, "headers", None) or {}
    return receiver.reply(status, Refusal(rule, "the gateway has no such route").line, dict(headers))


def _bare(route: APIRoute) -> Route:
    """The route without FastAPI's parameter handling; the described one stays in /docs.

    These endpoints read the request themselves, and the handling would cost a quarter of each delivery.
    """

    async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
        answer = await route.endpoint(Request(scope, receive))
        await answer(scope, receive, send)

    return Route(route.path, _Asgi(endpoint), methods=list(route.methods or ()), name=route.name)


@dataclass(frozen=True)
class _Asgi:
    """A class, since Starlette takes a plain function for a request handler."""

    call: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self.call(scope, receive, send)
