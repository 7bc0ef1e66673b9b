"""The web application: Streamlit, our own media routes, and a guard in front of both.

Run it with ``rolecall serve dashboard``.
"""

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from dashboards import media, reports
from dashboards.guard import Guard

app = st.App(
    Path(__file__).resolve().with_name("app.py"),
    routes=[*media.ROUTES, *reports.ROUTES],
    middleware=[Middleware(Guard)],
)
