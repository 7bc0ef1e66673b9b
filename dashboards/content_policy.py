"""What a browser may load on a page of the dashboards: what this server sends, and nothing from anywhere else.

A picture, script or address that finds its way into a shown text can then neither run nor carry anything away.
"""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)
HOST = re.compile(r"[0-9A-Za-z.\-\[\]:]{1,255}")


def policy(host: str) -> str:
    """The Content-Security-Policy of a page that was asked for at ``host``, as the request's header says it.

    Styles are written by Streamlit's own scripts, and our components' scripts come as ``blob:``. Some browsers do not
    count the socket of a page as ``'self'``.
    """
    sockets = f" ws://{host} wss://{host}" if HOST.fullmatch(host) else ""
    return (
        f"default-src 'self'; script-src 'self' blob:{_inline_scripts()}; style-src 'self' 'unsafe-inline';"
        " img-src 'self' data: blob:; font-src 'self' data:; media-src 'self' blob:; worker-src 'self' blob:;"
        f" connect-src 'self'{sockets}; frame-ancestors 'none'; object-src 'none'; base-uri 'self'; form-action 'self'"
    )


@cache
def _inline_scripts() -> str:
    """Sources for the scripts inside Streamlit's page, by the digest of their text."""
    import streamlit

    html = (Path(streamlit.__file__).parent / "static" / "index.html").read_text("utf-8")
    digests = (base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in INLINE.findall(html))
    return "".join(f" 'sha256-{digest}'" for digest in digests)
