"""From a request to a durable delivery: who calls, what came, what the gate keeps, then the commit.

Nothing is answered with 2xx before the inbox has it on disk, and nothing reaches the inbox before the gate.
"""

import asyncio
import logging
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import orjson
from starlette.requests import Request

from governance.gate import SignalPolicy
from governance.grouping import Grouping
from governance.inbox import Accepted, Parcel, UnstorableError
from integrations.engine import bodies, callers, delivery
from integrations.engine.callers import Caller
from integrations.engine.meters import Meters
from integrations.engine.refusals import Refusal

LOG = logging.getLogger("rolecall.gateway")
INLINE_BYTES = 32_000  # larger bodies are parsed on a worker thread, so that small ones need not wait
LINES_A_BATCH = 20_000
REFUSALS_SHOWN = 100

Outcome = delivery.Delivery | Refusal
Returned = TypeVar("Returned")


@dataclass
class Answer:
    """What became of the deliveries of one request; ``refused`` names lines counted from 1."""

    accepted: int = 0
    repeated: int = 0
    refused: list[tuple[int, Refusal]] = field(default_factory=list)

    @property
    def status(self) -> int:
        """2xx as soon as one delivery is durable: the refused ones would be refused again."""
        if self.accepted or self.repeated or not self.refused:
            return 200
        return self.refused[0][1].status

    @property
    def body(self) -> dict[str, Any]:
        """The JSON answer."""
        if self.status != 200 and len(self.refused) == 1:
            return self.refused[0][1].line
        counts = {"accepted": self.accepted, "repeated": self.repeated, "refused": len(self.refused)}
        return counts | ({"refusals": shown(self.refused)} if self.refused else {})


@dataclass
class Intake:
    """Everything a delivery needs on its way in. ``places`` answers the jurisdiction of (tenant, session)."""

    tokens: Mapping[str, bytes]
    secret: bytes
    tool_secret: str | None
    policy: SignalPolicy
    inbox: Grouping[Sequence[Parcel], list[Accepted]]
    places: Grouping[tuple[str, str], str | None]
    owners: Grouping[str, str | None]
    worker: Executor
    meters: Meters
    max_body_bytes: int
    budget: bodies.Budget
    heard: Callable[[Sequence[Parcel]], None] = lambda _: None  # told of parcels that are new, once they are durable

    def caller(self, request: Request) -> Caller:
        """Who calls, by the token in the address or in the header."""
        return callers.identify(token_of(request), self.tokens, self.secret)

    async def body(self, request: Request) -> bytes:
        """The body within its limits; give its length back to ``budget`` afterwards."""
        declared = request.headers.get("content-length")
        return await bodies.read(request.stream(), declared, self.max_body_bytes, self.budget)

    def complain(self, error: Exception) -> Refusal:
        """The inbox's complaint in the gateway's words; what the database said names hosts, so it goes to the log."""
        if isinstance(error, UnstorableError):
            return Refusal("unstorable", str(error))
        LOG.warning("nothing is stored at the moment: %s", error)
        return Refusal("unavailable", "the state database takes nothing at the moment; nothing was stored")

    def fail(self, error: Exception) -> Refusal:
        """Our own fault: logged by place and type, since messages of such errors may quote the body."""
        places = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-6:]]
        LOG.error("%s at %s", type(error).__name__, " < ".join(reversed(places)))
        return Refusal("internal", "the gateway failed on this request; nothing was stored")

    async def receive(self, request: Request, channel: str) -> Answer:
        """Take a request's deliveries; raises ``Refusal`` when the request as a whole is not taken."""
        caller = None if channel == "tool" and token_of(request) is None else self.caller(request)
        body = await self.body(request)
        try:
            if channel == "tool":
                self._check_signature(request, body)
            hint = request.query_params.get("conversation_id")
            return await self._take(body, channel, caller, hint)
        finally:
            self.budget.give_back(len(body))

    def _check_signature(self, request: Request, body: bytes) -> None:
        """A tool delivery is signed; without a secret to check against, its token has to do."""
        if self.tool_secret is None:
            if token_of(request) is None:
                raise Refusal("missing_token", "no token, and no ROLECALL_TOOL_SECRET to check a signature with")
            return
        if not callers.signed(self.tool_secret, body, request.headers.get("x-tavus-signature")):
            raise Refusal("wrong_signature", "X-Tavus-Signature is missing or not that of this body")

    async def _take(self, body: bytes, channel: str, caller: Caller | None, hint: str | None) -> Answer:
        received_at = datetime.now(UTC)
        outcomes = await self._run(len(body), lambda: read_all(body, channel, received_at, hint))
        answer = Answer()
        good: list[tuple[int, delivery.Delivery, str]] = []
        for line, outcome in outcomes:
            owner = await self._owner(outcome, caller)
            if isinstance(outcome, Refusal):
                answer.refused.append((line, outcome))
            elif isinstance(owner, Refusal):
                answer.refused.append((line, owner))
            else:
                good.append((line, outcome, owner))
        await self._store(len(body), good, answer)
        for _, refusal in answer.refused:
            self.meters.refused.labels(channel, refusal.rule).inc()
        return answer

    async def _owner(self, outcome: Outcome, caller: Caller | None) -> str | Refusal:
        """The tenant that a delivery belongs to, if its caller may deliver it."""
        if isinstance(outcome, Refusal):
            return outcome
        if caller is not None:
            if caller.session_id not in (None, outcome.session_id):
                return Refusal("wrong_conversation", "the token was issued for another conversation")
            return caller.tenant
        if len(self.tokens) == 1:
            return next(iter(self.tokens))
        tenant = await self.owners.submit(outcome.session_id)
        if tenant is None:
            return Refusal("unknown_tenant", "no launch says whose conversation this is, and no token came with it")
        return tenant

    async def _store(self, size: int, good: Sequence[tuple[int, delivery.Delivery, str]], answer: Answer) -> None:
        """Gate, commit, count."""
        if not good:
            return
        pairs = list(dict.fromkeys((tenant, read.session_id) for _, read, tenant in good))
        found = await asyncio.gather(*(self.places.submit(pair) for pair in pairs))
        places = dict(zip(pairs, found, strict=True))
        prepared = await self._run(size, lambda: prepare_all(good, places, self.policy))
        parcels = [outcome for _, outcome in prepared if not isinstance(outcome, Refusal)]
        answer.refused += [(line, outcome) for line, outcome in prepared if isinstance(outcome, Refusal)]
        started = time.perf_counter()
        stored = await self.inbox.submit(parcels) if parcels else []
        self.meters.commit.observe(time.perf_counter() - started)
        for parcel, result in zip(parcels, stored, strict=True):
            self._count(parcel, result, answer)
        self.heard([parcel for parcel, result in zip(parcels, stored, strict=True) if result.new])

    def _count(self, parcel: Parcel, result: Accepted, answer: Answer) -> None:
        if not result.new:
            answer.repeated += 1
            self.meters.repeated.labels(parcel.channel).inc()
            return
        answer.accepted += 1
        self.meters.accepted.labels(parcel.channel).inc()
        self.meters.withhold(parcel.dropped)
        if not parcel.known:
            self.meters.unknown.labels(parcel.channel).inc()

    async def _run(self, size: int, work: Callable[[], Returned]) -> Returned:
        if size <= INLINE_BYTES:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self.worker, work)


def shown(refused: Sequence[tuple[int, Refusal]]) -> list[dict[str, Any]]:
    """The first refusals of a batch, one line each."""
    return [{"line": line, **refusal.line} for line, refusal in sorted(refused, key=_line)[:REFUSALS_SHOWN]]


def _line(refused: tuple[int, Refusal]) -> int:
    return refused[0]


def token_of(request: Request) -> str | None:
    """The token in the address, else the one in the header."""
    return request.query_params.get("t") or callers.bearer(request.headers.get("authorization"))


def read_all(body: bytes, channel: str, received_at: datetime, hint: str | None) -> list[tuple[int, Outcome]]:
    """Each delivery in the body, or why it is none, with the line of a relay batch it stood on."""
    documents = split(body) if channel == "relay" else [parse(body)]
    return [
        (line, outcome)
        for line, document in enumerate(documents, start=1)
        for outcome in _read(document, channel, received_at, hint)
    ]


def split(body: bytes) -> list[Any]:
    """The events of a relay request: one object, an array of them, or one object a line."""
    try:
        whole = parse(body)
        documents = whole if isinstance(whole, list) else [whole]
    except Refusal:
        lines = [line for line in body.split(b"\n") if line.strip()]
        if len(lines) < 2:
            raise
        documents = lines
    if len(documents) > LINES_A_BATCH:
        raise Refusal("too_many", f"a batch has at most {LINES_A_BATCH} events")
    return documents


def parse(body: bytes) -> Any:
    """JSON, whatever the content type says."""
    if not body.strip():
        raise Refusal("empty_body", "the body is empty")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refusal("malformed_json", f"no JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None


def _read(document: Any, channel: str, received_at: datetime, hint: str | None) -> Sequence[Outcome]:
    try:
        content = parse(document) if isinstance(document, bytes) else document
        return delivery.read_all(content, channel, received_at, hint)
    except delivery.Refused as refused:
        return [Refusal(refused.rule, refused.reason)]
    except Refusal as refusal:
        return [refusal]
    except RecursionError:
        return [Refusal("too_deep", "the body is nested too deeply")]


def prepare_all(
    good: Sequence[tuple[int, delivery.Delivery, str]],
    places: Mapping[tuple[str, str], str | None],
    policy: SignalPolicy,
) -> list[tuple[int, Parcel | Refusal]]:
    """The gate at work: what may be stored of each delivery."""
    prepared: list[tuple[int, Parcel | Refusal]] = []
    for line, read, tenant in good:
        try:
            place = places[tenant, read.session_id]
            prepared.append((line, delivery.seal(read, tenant, place, policy)))
        except delivery.Refused as refused:
            prepared.append((line, Refusal(refused.rule, refused.reason)))
        except RecursionError:
            prepared.append((line, Refusal("too_deep", "the body is nested too deeply")))
    return prepared
