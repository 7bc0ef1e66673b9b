"""The launch registry over HTTP: records launches and hands out each conversation's own addresses."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from pydantic import ValidationError

from governance.inbox import honest_errors
from governance.launches import Launch, Launches
from integrations.engine import callers, intake
from integrations.engine.callers import Caller
from integrations.engine.refusals import Refusal


@dataclass
class LaunchDesk:
    """Records launches on ``executor``, whose one thread also commits deliveries: SQLite has one writer."""

    launches: Launches
    secret: bytes
    executor: Executor

    async def record(self, body: bytes, caller: Caller) -> tuple[int, dict[str, Any]]:
        """Status and answer for a body of one launch or many; good ones are recorded, bad ones named by line."""
        if caller.session_id is not None or caller.delivers_only:
            raise Refusal("token_too_narrow", "a conversation's token cannot record launches")
        outcomes = [read(document, caller.tenant) for document in intake.split(body)]
        good = [outcome for outcome in outcomes if not isinstance(outcome, Refusal)]
        refused = [(line, outcome) for line, outcome in enumerate(outcomes, 1) if isinstance(outcome, Refusal)]
        if refused and len(outcomes) == 1:
            raise refused[0][1]
        recorded = await asyncio.get_running_loop().run_in_executor(self.executor, self._write, good)
        answer = {"recorded": recorded, "refused": len(refused), "launches": [self._addresses(one) for one in good]}
        answer |= {"refusals": intake.shown(refused)} if refused else {}
        return (200 if good or not refused else refused[0][1].status), answer

    def _write(self, launches: Sequence[Launch]) -> dict[str, int]:
        if not launches:
            return {"new": 0, "changed": 0, "same": 0}
        with honest_errors():
            recorded = self.launches.record(launches, datetime.now(UTC))
        return {name: count for name, count in asdict(recorded).items() if name != "erased" or count}

    def _addresses(self, launch: Launch) -> dict[str, str]:
        token = quote(callers.issue(self.secret, launch.tenant, launch.session_id))
        return {
            "conversation_id": launch.conversation_id,
            "session_id": launch.session_id,
            "callback_url": f"/v1/engine/webhook?t={token}",
            "relay_url": f"/v1/engine/relay?t={token}",
        }


def read(document: Any, tenant: str) -> Launch | Refusal:
    """One launch of the caller's tenant, which may be left out; the reason names fields, never their values."""
    try:
        content = intake.parse(document) if isinstance(document, bytes) else document
    except Refusal as refusal:
        return refusal
    if not isinstance(content, dict):
        return Refusal("invalid_launch", "a launch is a JSON object")
    if content.get("tenant") not in (None, tenant):
        return Refusal("wrong_tenant", "the launch names another tenant than its token")
    try:
        return Launch.model_validate(content | {"tenant": tenant})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"] if first["type"] != "extra_forbidden")
        return Refusal("invalid_launch", f"{field + ': ' if field else ''}{first['msg']}")
