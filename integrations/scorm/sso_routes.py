"""The gateway's routes for the login's window: thin shells around ``sso``."""

import asyncio
from concurrent.futures import Executor
from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from integrations.scorm import sso_page
from integrations.scorm.sso import LASTS, RETURN, START, Login, Logins

COOKIE = "rolecall_login"
# The window has to keep the page that opened it: another policy, of the redirect as well, would part the two.
SHARED = {"Cross-Origin-Opener-Policy": "unsafe-none", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
STATUS = {"ok": 200, "provider_away": 502, "too_many": 429}


def router(logins: Logins, workers: Executor) -> APIRouter:
    """The start and the end of a login."""
    routes = APIRouter(tags=["scorm"])

    async def start(request: Request) -> Response:
        """Send the browser to the company's login provider."""
        state = request.query_params.get("state", "")
        found = await asyncio.get_running_loop().run_in_executor(workers, logins.depart, state, datetime.now(UTC))
        if found.address is None:
            return _page(found.login, None, "no_login" if found.login is None else "provider_away")
        response = RedirectResponse(found.address, 302, SHARED)
        lasts = int(LASTS.total_seconds())
        # For the whole host, since a proxy may put the gateway below a path of its own.
        response.set_cookie(COOKIE, found.cookie, lasts, secure=found.secure, httponly=True, samesite="lax")
        return response

    async def end(request: Request) -> Response:
        """Show the code of whoever logged in, and hand it to the page that opened the window."""
        asked = request.query_params
        found = await asyncio.get_running_loop().run_in_executor(
            workers, logins.arrive, asked.get("state", ""), asked.get("code", ""), request.cookies.get(COOKIE, ""),
            datetime.now(UTC),
        )  # fmt: skip
        response = _page(found.login, found.code, found.why)
        response.delete_cookie(COOKIE)
        return response

    routes.add_api_route(START, start, methods=["GET"], name="scorm_sso", summary="Begin a login")
    routes.add_api_route(RETURN, end, methods=["GET"], name="scorm_sso_return", summary="End a login")
    return routes


def _page(login: Login | None, code: str | None, why: str) -> Response:
    text, policy = sso_page.render(login.language if login else "en", code, login.origin if login else None, why)
    return HTMLResponse(text, STATUS.get(why, 403), SHARED | {"Content-Security-Policy": policy})
