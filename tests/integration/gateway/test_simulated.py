"""A simulation with all its ugly cases, played over HTTP: every answer is kept, every accepted delivery is there."""

from datetime import date
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from governance.catalog import Catalog
from governance.inbox import Inbox
from governance.settings import PROJECT, Settings
from governance.state import State
from governance.state.inbox_model import InboxRecord
from integrations.engine import simulator
from integrations.engine.simulator import posting
from integrations.engine.simulator.generate import TENANT, TOOL_SECRET
from pipelines import gateway


@pytest.fixture(scope="module")
def simulation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("simulation")
    catalog = Catalog.load(PROJECT / "config")
    simulator.generate(catalog, 12, 5, date(2026, 10, 1), date(2026, 10, 20), out, videos=0, generic=0.0)
    return out


def test_a_simulation_goes_through_the_gateway(simulation: Path, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, config=PROJECT / "config", gateway_tokens={TENANT: "t"}, tool_secret=TOOL_SECRET)
    transport = httpx.ASGITransport(gateway.create_app(settings))
    sent = posting.post(simulation, "http://gateway", {TENANT: "t"}, transport=transport)
    assert sent.accepted > 50
    assert sent.retries == 0
    assert {status for _, status in sent.answers} <= {200, 400, 422}
    state = State.open(settings.database_url)
    rows = Inbox(state).waiting(100_000)
    assert {row.tenant for row in rows} == {TENANT}
    assert len({row.session_id for row in rows}) >= 10
    assert {"webhook", "relay"} <= {row.channel for row in rows}

    again = posting.post(simulation, "http://gateway", {TENANT: "t"}, transport=transport)
    assert again.answers == sent.answers
    with state.reading() as session:
        repeats = session.scalar(sa.select(sa.func.sum(InboxRecord.repeats)))
    timed = [row for row in rows if row.engine_at is not None]
    assert repeats >= len(timed)  # what carries no time may count anew in another minute
    assert len([row for row in Inbox(state).waiting(100_000) if row.engine_at is not None]) == len(timed)
    state.close()
