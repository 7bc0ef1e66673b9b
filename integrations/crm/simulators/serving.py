"""Serves a simulator on the loopback interface, in a thread, with TLS where a certificate is given."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

START_S = 20.0


@contextmanager
def served(app: ASGIApp, certificate: Path | None = None, key: Path | None = None, port: int = 0) -> Iterator[str]:
    """The address of ``app`` for as long as the context lasts; port 0 takes a free one.

    Raises:
        RuntimeError: the certificate cannot be used, or the server did not start.
        OSError: the port is taken.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
        config = uvicorn.Config(
            app,
            log_level="critical",
            ssl_certfile=certificate,
            ssl_keyfile=key,
            timeout_graceful_shutdown=2,
            ws="none",
            date_header=False,  # the simulators tell their own time
        )
        try:
            config.load()
        except (OSError, ssl.SSLError) as error:
            raise RuntimeError(f"the certificate or its key cannot be used: {error}") from None
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            _await(server, thread)
            yield f"{'https' if certificate else 'http'}://localhost:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=10)


def _await(server: uvicorn.Server, thread: threading.Thread) -> None:
    end = time.monotonic() + START_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > end:
            raise RuntimeError("the simulator did not start")
        time.sleep(0.01)
