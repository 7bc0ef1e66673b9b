import asyncio
from collections.abc import AsyncIterator

import pytest

from integrations.engine import bodies
from integrations.engine.refusals import Refusal


async def stream(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def read(*chunks: bytes, declared: str | None = None, limit: int = 10, budget: bodies.Budget | None = None) -> bytes:
    return asyncio.run(bodies.read(stream(*chunks), declared, limit, budget or bodies.Budget(100)))


def test_joins_the_chunks() -> None:
    assert read(b"ab", b"", b"cd") == b"abcd"
    assert read() == b""


@pytest.mark.parametrize("declared", [None, "11", "3", "x"])
def test_too_large_is_found_whatever_the_header_says(declared: str | None) -> None:
    budget = bodies.Budget(100)
    with pytest.raises(Refusal) as caught:
        read(b"123456", b"789012", declared=declared, budget=budget)
    assert caught.value.rule == "too_large"
    assert budget.used == 0


def test_a_refused_body_is_read_to_its_end_so_that_the_answer_arrives() -> None:
    left = iter([b"x" * 11, b"y", b"z"])

    async def go() -> None:
        async def chunks() -> AsyncIterator[bytes]:
            for chunk in left:
                yield chunk

        with pytest.raises(Refusal):
            await bodies.read(chunks(), None, 10, bodies.Budget(100))

    asyncio.run(go())
    assert list(left) == []


def test_bodies_in_memory_are_limited() -> None:
    budget = bodies.Budget(15)
    assert read(b"0123456789", budget=budget)
    with pytest.raises(Refusal) as caught:
        read(b"0123456789", budget=budget)
    assert caught.value.rule == "busy"
    assert caught.value.status == 503
    budget.give_back(10)
    assert read(b"0123456789", budget=budget)


def test_a_body_that_does_not_arrive_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_TIMEOUT_S", 0.02)

    async def slow() -> AsyncIterator[bytes]:
        yield b"a"
        await asyncio.sleep(5)

    budget = bodies.Budget(100)
    with pytest.raises(Refusal) as caught:
        asyncio.run(bodies.read(slow(), None, 10, budget))
    assert caught.value.rule == "slow_body"
    assert budget.used == 0
