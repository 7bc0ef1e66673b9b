"""Cutting records into batches."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
ENVELOPE = 2  # the brackets of a JSON array


def batches(items: Iterable[T], weigh: Callable[[T], int], count: int, size: int | None) -> Iterator[list[T]]:
    """The items in order, so many at most and so many bytes at most; a larger one goes alone.

    ``size`` is that of a JSON array of the items, commas included; None is no limit.
    """
    held: list[T] = []
    weight = ENVELOPE
    for each in items:
        more = weigh(each) + 1
        if held and (len(held) >= count or (size is not None and weight + more > size)):
            yield held
            held, weight = [], ENVELOPE
        held.append(each)
        weight += more
    if held:
        yield held
