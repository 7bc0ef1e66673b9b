"""One at a time, many at once: concurrent requests share a transaction.

While one group is at work on its thread, the requests that arrive wait and form the next group. Under
load a single fsync then pays for dozens of deliveries; a lone request waits for nobody.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Grouping(Generic[Item, Result]):
    """Runs ``work`` over groups of items on ``executor``, never two groups at a time.

    ``work`` takes the items of a group and returns, in their order, a result or the exception meant for
    that item alone; when it raises, every item of the group fails with that exception.
    """

    def __init__(
        self,
        work: Callable[[list[Item]], Sequence[Result | Exception]],
        executor: Executor,
        largest: int = 512,
        observe: Callable[[int], None] | None = None,
    ) -> None:
        self._work = work
        self._executor = executor
        self._largest = largest
        self._observe = observe
        self._pending: list[tuple[Item, asyncio.Future[Result]]] = []
        self._runner: asyncio.Task[None] | None = None

    @property
    def pending(self) -> int:
        """Items that no group has taken yet."""
        return len(self._pending)

    async def submit(self, item: Item) -> Result:
        """Wait until the item's group is done; raises what ``work`` had for this item."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._pending.append((item, future))
        if self._runner is None:
            self._runner = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await asyncio.sleep(0)  # lets requests that are already readable join the first group
            while self._pending:
                group, self._pending = self._pending[: self._largest], self._pending[self._largest :]
                if self._observe is not None:
                    self._observe(len(group))
                items = [item for item, _ in group]
                try:
                    results = await loop.run_in_executor(self._executor, self._work, items)
                except Exception as error:  # handed to every waiter, none of whom is told that all went well
                    results = [error] * len(group)
                _settle([future for _, future in group], results)
        finally:
            self._runner = None


def _settle(futures: Sequence["asyncio.Future[Result]"], results: Sequence[Result | Exception]) -> None:
    """Hand each waiter its result; one that gave up (its client hung up) is passed over."""
    for future, result in zip(futures, results, strict=True):
        if future.done():
            continue
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)
