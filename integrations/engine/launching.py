"""The launch registry over HTTP: records launches and hands out each conversation's own addresses."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from pydantic import ValidationError

from governance.inbox import honest_errors
from governance.launches import Launch, Launches
from governance.state import State
from governance.state.models import LaunchRow
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
        if caller.session_id is not None:
            raise Refusal("token_too_narrow", "a conversation's token cannot record launches")
        outcomes = [_launch(document, caller.tenant) for document in intake.split(body)]
        good = [outcome for outcome in outcomes if not isinstance(outcome, Refusal)]
        refused = [(line, outcome) for line, outcome in enumerate(outcomes, 1) if isinstance(outcome, Refusal)]
        if not good:
            return refused[0][1].status if refused else 200, _refused_alone(refused)
        recorded = await asyncio.get_running_loop().run_in_executor(self.executor, self._write, good)
        answer: dict[str, Any] = {
            "recorded": recorded,
            "refused": len(refused),
            "launches": [self._addresses(launch) for launch in good],
        }
        if refused:
            answer["refusals"] = intake.shown(refused)
        return 200, answer

    def _write(self, launches: Sequence[Launch]) -> dict[str, int]:
        with honest_errors():
            recorded = self.launches.record(launches, datetime.now(UTC))
        return {"new": recorded.new, "changed": recorded.changed, "same": recorded.same}

    def _addresses(self, launch: Launch) -> dict[str, str]:
        token = quote(callers.issue(self.secret, launch.tenant, launch.session_id))
        return {
            "session_id": launch.session_id,
            "callback_url": f"/v1/engine/webhook?t={token}",
            "relay_url": f"/v1/engine/relay?t={token}",
        }
