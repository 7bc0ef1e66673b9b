"""The login of the dashboards: from our settings to the file that Streamlit reads it from.

Streamlit takes the provider's data from a file alone. It is made anew at each start, readable by this user alone, and
its cookies are signed with a key derived from the installation's secret.
"""

import json
import os
from pathlib import Path
from urllib.parse import urlsplit

from governance.secrets import derive, secret_key
from governance.settings import Settings
from pipelines.problems import Problem

FILE = "dashboard-login.toml"
REQUIRED = ("public_url", "oidc_client_id", "oidc_client_secret")


def login_file(settings: Settings) -> Path | None:
    """Write the file and return where it is; ``None`` where no login is configured, and an old file goes.

    Raises ``Problem`` where the login is configured by halves.
    """
    path = settings.home / FILE
    path.unlink(missing_ok=True)
    if settings.oidc_metadata_url is None:
        return None
    missing = [f"ROLECALL_{name.upper()}" for name in REQUIRED if getattr(settings, name) is None]
    address = urlsplit(settings.public_url or "")
    if (
        missing
        or address.scheme not in ("http", "https")
        or not address.hostname
        or settings.oidc_client_secret is None
    ):
        wanted = ", ".join(missing) or "ROLECALL_PUBLIC_URL as https://host"
        raise Problem("The login is configured by halves", f"Set {wanted}, or unset ROLECALL_OIDC_METADATA_URL")
    values = {
        "redirect_uri": f"{(settings.public_url or '').rstrip('/')}/oauth2callback",
        "cookie_secret": derive(secret_key(settings), "login-cookie").hex(),
        "client_id": settings.oidc_client_id,
        "client_secret": settings.oidc_client_secret.get_secret_value(),
        "server_metadata_url": settings.oidc_metadata_url,
    }
    lines = ["[auth]", *(f"{name} = {json.dumps(value)}" for name, value in values.items())]
    lines.append(f"client_kwargs = {{ scope = {json.dumps(settings.oidc_scope)} }}")  # a JSON text is a TOML one
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return path
