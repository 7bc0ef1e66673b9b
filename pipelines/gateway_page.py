"""The gateway's page of documentation, and the OpenAPI document behind it."""

import base64
import hashlib
import re
from collections.abc import Sequence

from fastapi import FastAPI, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute

from integrations.engine import examples

SCRIPTS = "https://cdn.jsdelivr.net/npm/swagger-ui-dist@5/"
INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def add_page(app: FastAPI) -> None:
    """Serve ``/docs``; its policy lets the browser run the page's own scripts and nothing else."""
    html = bytes(
        get_swagger_ui_html(
            openapi_url="/openapi.json", title=app.title, swagger_js_url=f"{SCRIPTS}swagger-ui-bundle.js",
            swagger_css_url=f"{SCRIPTS}swagger-ui.css", swagger_favicon_url="data:,",
        ).body
    ).decode()  # fmt: skip
    headers = {"content-security-policy": policy_of(html)}

    async def docs() -> Response:
        return Response(html, media_type="text/html", headers=headers)

    app.add_api_route("/docs", docs, methods=["GET"], include_in_schema=False)


def policy_of(html: str) -> str:
    """The Content-Security-Policy of the page: scripts in it count by the digest of their text."""
    digests = (base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in INLINE.findall(html))
    inline = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {SCRIPTS} {inline}; style-src {SCRIPTS} 'unsafe-inline'; img-src data:;"
        " connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )


def describe(app: FastAPI, routes: Sequence[BaseRoute]) -> None:
    """Let the OpenAPI document name the ways to authorise, which FastAPI cannot see in plain request handlers."""

    def openapi() -> dict[str, object]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=[*routes, *app.routes]
            )
            document.setdefault("components", {})["securitySchemes"] = examples.SECURITY_SCHEMES
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
