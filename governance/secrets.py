"""The one secret of an installation and the keys derived from it.

Losing the secret unlinks every pseudonym from its learner, so it is either given from outside or made
once and kept in the home with mode 0600.
"""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from governance.settings import Settings

SECRET_BYTES = 32
SHORTEST_SECRET = 16  # a shorter key could be tried out against known learner ids


class SecretError(Exception):
    """The secret is missing its length or cannot be read; the message says how to mend it."""


def secret_key(settings: Settings) -> bytes:
    """The installation's secret: ``ROLECALL_SECRET_KEY``, else ``<home>/secret.key``, made on first use.

    Two processes that start at once get the same secret: the file is linked into place, and whoever
    comes second reads the first one's.

    Raises:
        SecretError: The secret is too short or its file cannot be read or made.
    """
    if settings.secret_key is not None:
        return _checked(settings.secret_key.get_secret_value().encode(), "ROLECALL_SECRET_KEY")
    path = settings.home / "secret.key"
    try:
        if not path.exists():
            _make(path)
        return _checked(bytes.fromhex(path.read_text(encoding="ascii").strip()), str(path))
    except (OSError, ValueError) as error:
        raise SecretError(
            f"{path}: cannot use the secret ({error}); restore it from your backup or set ROLECALL_SECRET_KEY"
        ) from error


def derive(secret: bytes, purpose: str) -> bytes:
    """A key for one purpose, so that a mark made for one use proves nothing in another."""
    return hmac.new(secret, f"rolecall/{purpose}".encode(), hashlib.sha256).digest()


def _checked(secret: bytes, where: str) -> bytes:
    if len(secret) < SHORTEST_SECRET:
        raise SecretError(f"{where}: the secret has {len(secret)} bytes; give it at least {SHORTEST_SECRET}")
    return secret


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".secret-{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(SECRET_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # fails where the file exists: never replaces a secret in use
        except FileExistsError:
            return
    finally:
        draft.unlink()
