"""The web application: Streamlit, our own media routes, and a guard in front of both.

Run it with ``rolecall serve dashboard``.
"""

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from dashboards.guard import Guard
from dashboards.media import ROUTES

app = st.App(Path(__file__).resolve().with_name("app.py"), routes=ROUTES, middleware=[Middleware(Guard)])
