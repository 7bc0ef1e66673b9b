"""A proxy that misbehaves as told, between the sender and a real LRS."""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import httpx

# What may happen to a POST: "before" and "after" cut the line before or after the server stored it, "hang" lets the
# sender wait, "half" answers and closes the kept connection without a word, a number answers in the server's place.
Fault = str | int | None
HANG_S = 3.0
PASSED_ON = ("content-type", "content-encoding", "authorization", "x-experience-api-version")


class Handler(BaseHTTPRequestHandler):
    """One connection of a sender."""

    protocol_version = "HTTP/1.1"
    server: "Proxy"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def do_GET(self) -> None:
        self._answer(self._forward(b""))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        wanted = self.server.fault(next(self.server.posts))
        if isinstance(wanted, int):
            extra = {"retry-after": "0"} if wanted in (429, 503) else {}
            self._answer(httpx.Response(wanted, content=b'{"message":"as told"}', headers=extra))
        elif wanted in ("before", "after", "hang"):
            self._lose(body, wanted)
        else:
            self._answer(self._forward(body))
            self.close_connection = wanted == "half"

    def _lose(self, body: bytes, wanted: str) -> None:
        if wanted != "before":
            self._forward(body)
        if wanted == "hang":
            self.server.ending.wait(HANG_S)
        self.close_connection = True
        self.connection.close()

    def _forward(self, body: bytes) -> httpx.Response:
        headers = {name: self.headers[name] for name in PASSED_ON if self.headers[name]}
        address = f"{self.server.origin}{self.path}"
        return httpx.request(self.command, address, content=body, headers=headers, timeout=60)

    def _answer(self, response: httpx.Response) -> None:
        self.send_response(response.status_code)
        for name in ("content-type", "retry-after"):
            if name in response.headers:
                self.send_header(name, response.headers[name])
        if response.status_code != 204:
            self.send_header("content-length", str(len(response.content)))
        self.end_headers()
        if response.status_code != 204:
            self.wfile.write(response.content)


class Proxy(ThreadingHTTPServer):
    """The listening side; ``fault`` is asked with the number of each POST, from 1."""

    daemon_threads = True

    def __init__(self, origin: str, fault: Callable[[int], Fault]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.origin, self.fault = origin, fault
        self.posts = itertools.count(1)
        self.ending = threading.Event()

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@contextmanager
def faulty(url: str, fault: Callable[[int], Fault]) -> Iterator[str]:
    """The address of a proxy before ``url``."""
    parts = urlsplit(url)
    proxy = Proxy(f"{parts.scheme}://{parts.netloc}", fault)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{proxy.server_port}{parts.path}"
    finally:
        proxy.ending.set()
        proxy.shutdown()
        proxy.server_close()
