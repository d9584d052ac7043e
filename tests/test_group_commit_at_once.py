"""Group commit with several flushes under way: no more than were allowed, nobody forgotten, each told its own."""

import asyncio

import pytest

from tests.test_group_commit import Disk, some_turns, within_seconds
from vaultra.group_commit import GroupCommit


class Busy(Disk):
    """A disk that remembers how many flushes were under way at once."""

    def __init__(self) -> None:
        super().__init__()
        self.under_way = 0
        self.most = 0

    async def flush(self, items: list[int]) -> None:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await super().flush(items)
        finally:
            self.under_way -= 1


def test_a_second_flush_begins_while_the_first_is_under_way_and_a_third_waits() -> None:
    async def run() -> Busy:
        disk = Busy()
        disk.open.clear()
        group = GroupCommit(disk.flush, at_once=2)
        tasks = []
        for numbers in ((0, 1), (2, 3), (4, 5), (6, 7)):
            tasks += [asyncio.create_task(group.add(n)) for n in numbers]
            await some_turns()
        disk.open.set()
        await asyncio.gather(*tasks)
        return disk

    disk = within_seconds(run())
    assert disk.flushes == [[0, 1], [2, 3], [4, 5, 6, 7]]
    assert disk.most == 2


def test_those_who_arrive_together_share_one_flush_although_more_are_allowed() -> None:
    async def run() -> Busy:
        disk = Busy()
        group = GroupCommit(disk.flush, at_once=4)
        await asyncio.gather(*(group.add(n) for n in range(20)))
        return disk

    assert within_seconds(run()).flushes == [list(range(20))]


def test_one_flush_that_fails_fails_nobody_elses() -> None:
    async def run() -> tuple[Busy, list[BaseException | None]]:
        disk = Busy()
        disk.open.clear()
        disk.bad = {1}
        group = GroupCommit(disk.flush, at_once=2)
        tasks = []
        for n in range(2):
            tasks.append(asyncio.create_task(group.add(n)))
            await some_turns()
        disk.open.set()
        return disk, await asyncio.gather(*tasks, return_exceptions=True)

    disk, answers = within_seconds(run())
    assert [type(answer) for answer in answers] == [type(None), ValueError]
    assert disk.kept == [0]


@pytest.mark.parametrize("at_once", [1, 2, 7])
def test_nobody_waits_for_ever(at_once: int) -> None:
    async def run() -> Busy:
        disk = Busy()
        group = GroupCommit(disk.flush, largest=3, at_once=at_once)

        async def one(n: int) -> None:
            await asyncio.sleep(0.001 * (n % 7))
            await group.add(n)

        await asyncio.gather(*(one(n) for n in range(300)))
        return disk

    disk = within_seconds(run())
    assert sorted(disk.kept) == list(range(300))
    assert disk.most <= at_once
