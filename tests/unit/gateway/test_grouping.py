import asyncio
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from governance.grouping import Grouping


def run(work, items: Sequence[int], largest: int = 512) -> tuple[list[object], list[int]]:
    sizes: list[int] = []

    async def go() -> list[object]:
        with ThreadPoolExecutor(1) as pool:
            front = Grouping(work, pool, largest, sizes.append)
            return list(await asyncio.gather(*(front.submit(item) for item in items), return_exceptions=True))

    return asyncio.run(go()), sizes


def test_each_waiter_gets_its_own_result_in_order() -> None:
    results, sizes = run(lambda items: [item * 2 for item in items], range(100))
    assert results == [item * 2 for item in range(100)]
    assert sum(sizes) == 100
    assert len(sizes) == 1


def test_groups_are_limited() -> None:
    results, sizes = run(list, range(25), largest=10)
    assert results == list(range(25))
    assert sizes == [10, 10, 5]


def test_an_exception_meant_for_one_reaches_that_one_alone() -> None:
    results, _ = run(lambda items: [ValueError("odd") if item % 2 else item for item in items], range(4))
    assert results[0] == 0
    assert isinstance(results[1], ValueError)
    assert results[2] == 2


def test_when_the_work_fails_nobody_is_told_that_all_went_well() -> None:
    def work(_items: list[int]) -> list[int]:
        raise OSError("disk")

    results, _ = run(work, range(5))
    assert all(isinstance(result, OSError) for result in results)


def test_never_two_groups_at_once_and_later_requests_form_the_next() -> None:
    busy = threading.Lock()

    def work(items: list[int]) -> list[int]:
        assert busy.acquire(blocking=False)
        time.sleep(0.02)
        busy.release()
        return items

    async def go() -> list[int]:
        with ThreadPoolExecutor(4) as pool:
            front: Grouping[int, int] = Grouping(work, pool)
            first = asyncio.create_task(front.submit(0))
            await asyncio.sleep(0.005)
            rest = [asyncio.create_task(front.submit(item)) for item in range(1, 10)]
            return [await task for task in (first, *rest)]

    assert asyncio.run(go()) == list(range(10))


def test_a_waiter_that_gave_up_does_not_disturb_the_others() -> None:
    async def go() -> int:
        with ThreadPoolExecutor(1) as pool:
            front: Grouping[int, int] = Grouping(lambda items: (time.sleep(0.02), items)[1], pool)
            gone = asyncio.create_task(front.submit(1))
            stays = asyncio.create_task(front.submit(2))
            await asyncio.sleep(0.005)
            gone.cancel()
            with pytest.raises(asyncio.CancelledError):
                await gone
            return await stays

    assert asyncio.run(go()) == 2
