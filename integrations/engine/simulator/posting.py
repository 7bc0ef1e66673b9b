"""Plays a simulation to a gateway over HTTP, in the order in which it would really arrive."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import orjson

ROUTES = {
    "webhook": "/v1/engine/webhook",
    "objective": "/v1/engine/objectives",
    "guardrail": "/v1/engine/guardrails",
    "tool": "/v1/engine/tools",
    "relay": "/v1/engine/relay",
    "launch": "/v1/launches",
}
LAUNCH_BATCH = 200
TRIES = 5
PAUSE_S = 0.2
TIMEOUT_S = 30.0


class PostError(RuntimeError):
    """The gateway cannot be reached or does not let us in; the text says what to check."""


@dataclass
class Sent:
    """What the gateway answered: requests by route and status. ``not_sent`` are pull rows, which are fetched."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    retries: int = 0
    not_sent: int = 0

    @property
    def accepted(self) -> int:
        """Requests answered with 2xx."""
        return sum(count for (_, status), count in self.answers.items() if 200 <= status < 300)

    @property
    def refused(self) -> int:
        """Requests answered with 4xx: the broken ones that a simulation holds on purpose."""
        return sum(count for (_, status), count in self.answers.items() if 400 <= status < 500)

    def __str__(self) -> str:
        return f"{self.accepted:,} accepted and {self.refused:,} refused"


@dataclass(frozen=True)
class Parcel:
    """One request: route, raw body, extra headers."""

    channel: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def post(
    out: Path,
    url: str,
    tokens: Mapping[str, str],
    *,
    concurrency: int = 16,
    progress: Callable[[int, int], None] | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Sent:
    """Send everything below ``out`` to the gateway at ``url``; ``tokens`` maps the tenant to its bearer token.

    Launches go first but for the late ones, which come when the deliveries are through. An answer of 429 or 5xx is
    tried again; a refusal is counted, since a simulation holds deliveries that have to be refused.

    Raises:
        PostError: no token for the simulation's tenant, the gateway is away, or refuses the token.
    """
    if not (out / "truth.json").is_file():
        raise PostError(f"{out} holds no simulation: truth.json is missing; run `rolecall simulate` first")
    truth = orjson.loads((out / "truth.json").read_bytes())
    tenant = truth["tenant"]
    if tenant not in tokens:
        raise PostError(f"there is no token for tenant {tenant!r}; set ROLECALL_GATEWAY_TOKENS={tenant}=…")
    sender = _Sender(url, tokens[tenant], concurrency, progress, transport)
    return asyncio.run(sender.run(out, set(truth["late_launches"])))


class _Sender:
    """One client with a bounded number of requests in flight."""

    def __init__(
        self, url: str, token: str, concurrency: int, progress: Callable[[int, int], None] | None,
        transport: httpx.AsyncBaseTransport | None,
    ) -> None:  # fmt: skip
        self.url, self.token, self.concurrency, self.progress = url.rstrip("/"), token, concurrency, progress
        self.transport = transport
        self.sent = Sent()
        self.done = self.total = 0

    async def run(self, out: Path, late: set[str]) -> Sent:
        launches = [orjson.loads(line) for line in (out / "launches.jsonl").read_bytes().splitlines()]
        early = [
            _launches(batch) for batch in _batches([one for one in launches if one["conversation_id"] not in late])
        ]
        after = [_launches(batch) for batch in _batches([one for one in launches if one["conversation_id"] in late])]
        main = list(self._deliveries(out))
        self.total = len(early) + len(main) + len(after)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        limits = httpx.Limits(max_connections=self.concurrency, max_keepalive_connections=self.concurrency)
        async with httpx.AsyncClient(
            base_url=self.url, headers=headers, limits=limits, timeout=TIMEOUT_S, transport=self.transport
        ) as client:
            for stage in (early, main, after):
                await self._stage(client, stage)
        return self.sent

    def _deliveries(self, out: Path) -> Iterator[Parcel]:
        for line in (out / "deliveries.jsonl").read_bytes().splitlines():
            try:
                entry = orjson.loads(line)
            except orjson.JSONDecodeError:
                yield Parcel("webhook", line)
                continue
            if entry["channel"] == "pull":
                self.sent.not_sent += 1
                continue
            body = entry["body"]
            raw = body.encode() if isinstance(body, str) else orjson.dumps(body)
            yield Parcel(entry["channel"], raw, entry.get("headers") or {})
        for path in sorted((out / "relay").glob("*.jsonl")):
            yield Parcel("relay", path.read_bytes())

    async def _stage(self, client: httpx.AsyncClient, parcels: list[Parcel]) -> None:
        """Workers take from one queue, so that order is kept but for what is in flight together."""
        queue = iter(parcels)
        workers = [asyncio.create_task(self._work(client, queue)) for _ in range(min(self.concurrency, len(parcels)))]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()

    async def _work(self, client: httpx.AsyncClient, queue: Iterator[Parcel]) -> None:
        for parcel in queue:
            status = await self._send(client, parcel)
            self.sent.answers[parcel.channel, status] += 1
            self.done += 1
            if self.progress and (self.done % 50 == 0 or self.done == self.total):
                self.progress(self.done, self.total)

    async def _send(self, client: httpx.AsyncClient, parcel: Parcel) -> int:
        problem = ""
        for attempt in range(TRIES):
            if attempt:
                self.sent.retries += 1
                await asyncio.sleep(PAUSE_S * 2**attempt)
            try:
                answer = await client.post(ROUTES[parcel.channel], content=parcel.body, headers=parcel.headers)
            except httpx.TransportError as error:
                problem = f"{type(error).__name__}: {error}"
                continue
            if answer.status_code in (401, 403):
                raise PostError(f"the gateway refuses the token ({answer.status_code}): {answer.text[:200]}")
            if answer.status_code != 429 and answer.status_code < 500:
                return answer.status_code
            problem = f"answer {answer.status_code}: {answer.text[:200]}"
        raise PostError(f"{self.url}{ROUTES[parcel.channel]} does not take deliveries after {TRIES} tries: {problem}")


def _batches(launches: list[dict[str, object]]) -> Iterator[list[dict[str, object]]]:
    for start in range(0, len(launches), LAUNCH_BATCH):
        yield launches[start : start + LAUNCH_BATCH]


def _launches(batch: list[dict[str, object]]) -> Parcel:
    return Parcel("launch", orjson.dumps(batch))
