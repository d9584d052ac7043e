"""Writing a history in the order in which it happens."""

import datetime as dt
import heapq
from calendar import monthrange
from collections.abc import Callable

from vaultra_local.stripe_sim.account import DAY

Act = Callable[[int], object]


def seconds(day: dt.date) -> int:
    """The first second of a UTC day, since 1970."""
    return int(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp())


def months_later(start: int, months: int) -> int:
    """The same time of day that many months on, on the same day of the month or else on its last."""
    begun = dt.datetime.fromtimestamp(start, dt.UTC)
    year, month = divmod(begun.year * 12 + begun.month - 1 + months, 12)
    day = min(begun.day, monthrange(year, month + 1)[1])
    return int(begun.replace(year=year, month=month + 1, day=day).timestamp())


class Timeline:
    """What is to happen, done in order of time; what falls on `end` or later never happens."""

    def __init__(self, end: int) -> None:
        self.end = end
        self._queue: list[tuple[int, int, Act]] = []
        self._sequence = 0

    def at(self, moment: int, act: Act) -> None:
        """Let `act` be called with its moment."""
        if moment < self.end:
            self._sequence += 1
            heapq.heappush(self._queue, (moment, self._sequence, act))

    def every(self, days: int, start: int, act: Act) -> None:
        """Let `act` be called at `start` and every so many days after it."""
        for moment in range(start, self.end, days * DAY):
            self.at(moment, act)

    def run(self) -> None:
        """Do it all, what is added on the way included."""
        while self._queue:
            moment, _, act = heapq.heappop(self._queue)
            act(moment)
