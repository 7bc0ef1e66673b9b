"""A button that saves what the page shows as a file, made in the browser.

Streamlit's own download button puts the file on ``/media/``, which has no login. Here the text travels with the page
over its authorised connection, and no address serves it.
"""

from base64 import b64encode
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

from streamlit.components import v2


@cache
def _component() -> Any:
    folder = files(__package__ or "dashboards.components.save")
    html, css, js = (folder.joinpath(f"save.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    return v2.component("rolecall_save", html=html, css=css, js=js)


def save(label: str, content: str | bytes, file: str, key: str, on_saved: Callable[[], None] | None = None) -> None:
    """A button that saves a text, or bytes, as ``file``; ``on_saved`` runs after it was chosen."""
    packed = {"text": content} if isinstance(content, str) else {"base64": b64encode(content).decode()}
    _component()(
        data={"label": label, "file": file, **packed},
        key=key,
        on_saved_change=on_saved or (lambda: None),
    )
