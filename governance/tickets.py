"""Links to one object for one reader, valid for a short while: ``/media/`` of the dashboard has no login.

A ticket is a bearer link: whoever holds it may read until it ends, so the window is short and the route
also authorises the reader and sends ``referrer-policy: no-referrer``.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode

import orjson

WINDOW_S = 900
_EXPIRES = re.compile(r"[0-9]{1,12}")


class TicketRefused(Exception):  # noqa: N818 - says what happened
    """The ticket does not open the object; ``status`` is the HTTP answer: 400 malformed, 403 forged or ended."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def ticket(key: bytes, user: str, object: str, now: datetime) -> str:  # noqa: A002 - the access rules call it so
    """Query string that lets ``user`` read ``object`` for 15 to 30 minutes.

    The end is rounded to a window: a link that changed on every rerun of a page would restart the video
    with each click.
    """
    expires = (int(now.timestamp()) // WINDOW_S + 2) * WINDOW_S
    return urlencode({"user": user, "expires": expires, "mark": _mark(key, user, object, expires)})


def check(key: bytes, object: str, parameters: Mapping[str, str], now: datetime) -> str:  # noqa: A002
    """The reader whom a ticket's query parameters name.

    Raises:
        TicketRefused: Malformed, forged, meant for another object or reader, or past its end.
    """
    user, expires, mark = (parameters.get(name, "") for name in ("user", "expires", "mark"))
    if not user or not mark or _EXPIRES.fullmatch(expires) is None:
        raise TicketRefused(400, "the link is incomplete; open the page again")
    expected = _mark(key, user, object, int(expires))
    if not hmac.compare_digest(mark.encode(), expected.encode()):
        raise TicketRefused(403, "the link does not open this recording")
    if int(expires) <= now.timestamp():
        raise TicketRefused(403, "the link has ended; open the page again")
    return user


def _mark(key: bytes, user: str, object: str, expires: int) -> str:  # noqa: A002
    text = orjson.dumps([user, object, expires])  # a list: no two requests share a text
    return hmac.new(key, text, hashlib.sha256).hexdigest()
