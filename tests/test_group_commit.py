"""Group commit: few flushes, each caller told the truth about its own item."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from vaultra.errors import Unavailable
from vaultra.group_commit import STILL_TURNS, GroupCommit

T = TypeVar("T")


def within_seconds(work: Coroutine[Any, Any, T]) -> T:
    """Run it; a caller that is never answered fails the test instead of holding it up."""
    return asyncio.run(asyncio.wait_for(work, 10))


async def some_turns() -> None:
    """Long enough for whoever gathers to see that nobody new comes."""
    for _ in range(2 * STILL_TURNS):
        await asyncio.sleep(0)


class Disk:
    """Keeps what is flushed; `bad` items make their flush fail, `down` makes all fail."""

    def __init__(self) -> None:
        self.flushes: list[list[int]] = []
        self.kept: list[int] = []
        self.bad: set[int] = set()
        self.down = False
        self.open = asyncio.Event()
        self.open.set()

    async def flush(self, items: list[int]) -> None:
        self.flushes.append(items)
        await self.open.wait()
        if self.down:
            raise Unavailable("The database does not answer")
        if self.bad & set(items):
            raise ValueError("a bad item")
        self.kept += items


def test_while_one_flush_is_under_way_the_others_gather() -> None:
    async def run() -> Disk:
        disk = Disk()
        disk.open.clear()
        group = GroupCommit(disk.flush)
        first = asyncio.create_task(group.add(0))
        await some_turns()
        rest = [asyncio.create_task(group.add(n)) for n in range(1, 50)]
        await asyncio.sleep(0.01)
        assert not first.done()
        assert not any(task.done() for task in rest)
        disk.open.set()
        await asyncio.gather(first, *rest)
        return disk

    disk = within_seconds(run())
    assert disk.flushes == [[0], list(range(1, 50))]
    assert disk.kept == list(range(50))


def test_those_who_come_turn_after_turn_share_one_flush() -> None:
    async def run() -> Disk:
        disk = Disk()
        group = GroupCommit(disk.flush)
        tasks = []
        for n in range(20):
            tasks.append(asyncio.create_task(group.add(n)))
            for _ in range(STILL_TURNS - 1):
                await asyncio.sleep(0)
        await asyncio.gather(*tasks)
        return disk

    assert within_seconds(run()).flushes == [list(range(20))]


def test_a_full_group_waits_for_nobody() -> None:
    async def run() -> Disk:
        disk = Disk()
        group = GroupCommit(disk.flush, largest=5)
        tasks = []
        for n in range(12):
            tasks.append(asyncio.create_task(group.add(n)))
            await asyncio.sleep(0)
        assert disk.flushes[0] == list(range(5)), "while more still come"
        await asyncio.gather(*tasks)
        return disk

    assert [len(flush) for flush in within_seconds(run()).flushes] == [5, 5, 2]


def test_a_flush_has_a_largest_size() -> None:
    async def run() -> Disk:
        disk = Disk()
        group = GroupCommit(disk.flush, largest=10)
        await asyncio.gather(*(group.add(n) for n in range(25)))
        return disk

    assert [len(flush) for flush in within_seconds(run()).flushes] == [10, 10, 5]


def test_one_bad_item_fails_alone() -> None:
    async def run() -> tuple[Disk, list[BaseException | None]]:
        disk = Disk()
        disk.bad = {3}
        group = GroupCommit(disk.flush)
        return disk, await asyncio.gather(*(group.add(n) for n in range(6)), return_exceptions=True)

    disk, answers = within_seconds(run())
    assert [type(answer) for answer in answers] == [type(None)] * 3 + [ValueError] + [type(None)] * 2
    assert disk.kept == [0, 1, 2, 4, 5]


def test_an_outage_fails_the_group_at_once_and_the_next_group_tries_again() -> None:
    async def run() -> Disk:
        disk = Disk()
        disk.down = True
        group = GroupCommit(disk.flush)
        answers = await asyncio.gather(*(group.add(n) for n in range(50)), return_exceptions=True)
        assert all(isinstance(answer, Unavailable) for answer in answers)
        assert len(disk.flushes) == 1
        disk.down = False
        await group.add(99)
        return disk

    assert within_seconds(run()).kept == [99]


def test_a_caller_that_went_away_disturbs_nobody() -> None:
    async def run() -> Disk:
        disk = Disk()
        disk.open.clear()
        group = GroupCommit(disk.flush)
        tasks = [asyncio.create_task(group.add(n)) for n in range(3)]
        await asyncio.sleep(0.01)
        tasks[1].cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await tasks[1]
        disk.open.set()
        await asyncio.gather(tasks[0], tasks[2])
        await group.add(3)
        return disk

    assert within_seconds(run()).kept == [0, 1, 2, 3]


@pytest.mark.parametrize("gap", [0, 0.001])
def test_nobody_waits_for_ever(gap: float) -> None:
    async def run() -> int:
        disk = Disk()
        group = GroupCommit(disk.flush, largest=3)

        async def one(n: int) -> None:
            await asyncio.sleep(gap * (n % 7))
            await group.add(n)

        await asyncio.gather(*(one(n) for n in range(300)))
        return len(disk.kept)

    assert within_seconds(run()) == 300
