"""The same work in several threads at once."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def in_threads(work: Callable[[T], object], arguments: Iterable[T]) -> None:
    """Call it with each argument in a thread of its own, wait for all, and raise what the first that failed raised."""
    given = list(arguments)
    with ThreadPoolExecutor(len(given)) as pool:
        calls = [pool.submit(work, argument) for argument in given]
    for call in calls:
        call.result()
