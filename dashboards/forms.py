"""Forms over one entry of a list that shrinks while people work on it.

What was typed, and a click that comes late, belong to the entry and to what was said of it then. A form that every
entry shared gave the second click of a double click, and the reason typed for one session, to the next in the list.
"""

import time
from collections.abc import Mapping
from typing import NoReturn

import streamlit as st

TOLD, OPENED = "_told", "_form_opened"
TOLD_S = 15.0  # a second click draws the page again, and what the first one did must still be read


def key_of(kind: str, entry: str, standing: object) -> str:
    """The key of the form over ``entry``; another one as soon as anybody has said something of it (``standing``)."""
    return f"{kind}-{entry}-{standing}"


def missed(kind: str, forms: Mapping[str, str]) -> str | None:
    """The entry whose form this reader had open, where it is gone or out of date; ``forms`` holds the keys of today."""
    opened = st.session_state.get(OPENED)
    if opened is None or opened[0] != kind or forms.get(opened[1]) == opened[2]:
        return None
    del st.session_state[OPENED]
    return str(opened[1])


def again(kind: str, chooser: str, forms: Mapping[str, str]) -> None:
    """Choose the entry whose form was open before, for who comes back from its replay: widgets forget on the way."""
    kept = st.session_state.get(OPENED)
    if chooser not in st.session_state and kept is not None and kept[0] == kind and kept[1] in forms:
        st.session_state[chooser] = kept[1]


def opened(kind: str, entry: str, key: str) -> None:
    """Remember whose form is drawn now."""
    st.session_state[OPENED] = (kind, entry, key)


def tell(message: str) -> NoReturn:
    """Draw the page anew, since what it lists is out of date, with the message where ``told`` stands."""
    st.session_state.pop(OPENED, None)
    st.session_state[TOLD] = (message, time.monotonic())
    st.rerun()


def told() -> None:
    """What the last step did."""
    message, since = st.session_state.get(TOLD, ("", 0.0))
    if message and time.monotonic() - since < TOLD_S:
        st.success(message)
