"""Fault switches of the simulators: what goes wrong, where, how often; and a record of the calls made."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Answer = tuple[int, Mapping[str, str], bytes]


@dataclass
class Fault:
    """A disturbance of the calls whose ``METHOD /path`` matches.

    Args:
        where: regular expression, searched in ``METHOD /path``.
        answer: what is answered instead; None lets the call through.
        times: how many calls it disturbs; None for all.
        skip: how many matching calls pass before it begins.
        first: done before the call, e.g. a change of rows between two pages.
        lose: the call is carried out and its answer is lost on the way, as after a time-out.
    """

    where: str
    answer: Answer | None = None
    times: int | None = 1
    skip: int = 0
    first: Callable[[], object] | None = None
    lose: bool = False
    met: int = 0

    def strikes(self, call: str) -> bool:
        """Whether this call is disturbed; counts it."""
        if not re.search(self.where, call) or (self.times is not None and self.met >= self.skip + self.times):
            return False
        self.met += 1
        return self.met > self.skip


@dataclass
class Faults:
    """What goes wrong now, and every call that was made."""

    planned: list[Fault] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def plan(self, where: str, **how: Any) -> Fault:
        """Add a fault; see ``Fault``."""
        fault = Fault(where, **how)
        self.planned.append(fault)
        return fault

    def clear(self) -> None:
        """Everything works again; the calls made are forgotten."""
        self.planned.clear()
        self.calls.clear()

    def made(self, where: str) -> int:
        """How many calls matched a regular expression."""
        return sum(re.search(where, call) is not None for call in self.calls)


def answer(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer with a JSON body."""
    return status, {"content-type": "application/json", **(headers or {})}, orjson.dumps(body)


def http_date(at: datetime) -> tuple[bytes, bytes]:
    """The header that tells the time at the server."""
    return b"date", format_datetime(at, usegmt=True).encode()


class Disturbed:
    """An ASGI application behind fault switches."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app, self._faults = app, faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Record the call, then disturb it or pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        call = f"{scope['method']} {scope['path']}"
        self._faults.calls.append(call)
        for fault in [fault for fault in self._faults.planned if fault.strikes(call)]:
            if fault.first is not None:
                fault.first()
            if fault.answer is not None:
                await _read(receive)
                await _answer(fault.answer, send)
                return
            if fault.lose:
                await self._app(scope, receive, _nowhere)
                await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
                return  # nine bytes were promised: the server closes the connection instead
        await self._app(scope, receive, send)


async def _read(receive: Receive) -> None:
    while (await receive()).get("more_body"):
        pass


async def _answer(given: Answer, send: Send) -> None:
    status, headers, body = given
    wire = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send(
        {"type": "http.response.start", "status": status, "headers": [*wire, (b"content-length", b"%d" % len(body))]}
    )
    await send({"type": "http.response.body", "body": body})


async def _nowhere(_: Message) -> None:
    return
