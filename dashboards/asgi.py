"""The web application: Streamlit, our own media routes, and a guard in front of both.

Run it with ``rolecall serve dashboard``.
"""

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route

from dashboards import media, registry, reports
from dashboards.guard import Guard


def first_page(request: Request) -> RedirectResponse:
    """The first page by its own name, which Streamlit knows by the bare address alone; filters are kept."""
    return RedirectResponse(str(request.url.replace(path="/", scheme="", netloc="")))


app = st.App(
    Path(__file__).resolve().with_name("app.py"),
    routes=[Route(f"/{registry.PAGES[0].view}", first_page), *media.ROUTES, *reports.ROUTES],
    middleware=[Middleware(Guard)],
)
