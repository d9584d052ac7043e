"""How often an account's data may be asked for, and how long we wait when Stripe does not answer."""

import datetime as dt
import math
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

from vaultra.domain.limits import Limit
from vaultra.errors import RateLimited, VaultraError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

T = TypeVar("T")

# Stripe's SDK does not retry 429. We wait as long as Stripe says, but never so long that the broker thinks us
# dead: a longer wait goes back to the broker, and `hold` keeps every instance from asking meanwhile.
ATTEMPTS = 4
LONGEST_WAIT_SECONDS = 8.0
# Of one read with all its waits: a step reads for two minutes, and its function may run for five.
LONGEST_READ_SECONDS = 60.0
FIRST_BACKOFF_SECONDS = 0.5
# Requests sent at even distances arrive at less even ones. So much less than the limit is asked that Stripe counts
# none too many while each is late by no more than a twentieth of a second; half of that is left to the network.
MARGIN = 0.05
LATE_SECONDS = MARGIN / 2


class Pace(Protocol):
    """Spaces the requests about each account."""

    def wait_turn(self, account_id: str) -> None:
        """Return when the account may be asked again; raise `RateLimited` when that is too far away to wait here."""

    def hold(self, account_id: str, seconds: float) -> None:
        """Let nobody ask the account for so long."""


class Unpaced:
    """For whoever asks too seldom to be in anyone's way, and for simulators."""

    def wait_turn(self, account_id: str) -> None:
        """Return at once."""

    def hold(self, account_id: str, seconds: float) -> None:
        """Do nothing."""


class SharedPace:
    """At most so many requests per account in any second, over all instances together.

    Turns are given by the database's clock alone, because instances' clocks differ by more than a turn; each is
    one short transaction on a connection of its own, so that no lock is held while waiting.

    Args:
        engine: Gives the connections; asked for on first use.
        per_second: Most requests per account and second, 1 or more.
    """

    def __init__(self, engine: Callable[[], "Engine"], per_second: float) -> None:
        self._engine = engine
        self._limit = Limit("stripe_by_account", 1, dt.timedelta(seconds=(1 + MARGIN) / per_second))

    def wait_turn(self, account_id: str) -> None:
        began = time.monotonic()
        while True:
            late = self._sleep_until_turn(account_id)
            if late <= LATE_SECONDS:
                return
            # Who wakes up after its turn would come too close to the next one, and so gives it up.
            if time.monotonic() - began > LONGEST_WAIT_SECONDS:
                raise RateLimited("This machine is too busy to keep to its turns", retry_after=1)

    def _sleep_until_turn(self, account_id: str) -> float:
        """Take a turn and sleep until it comes; gives how many seconds after it we woke up."""
        from vaultra.db import rate_limits

        with self._connect() as conn:
            asked = time.monotonic()
            wait = rate_limits.reserve(conn, self._limit.of(account_id), LONGEST_WAIT_SECONDS)
        if wait > LONGEST_WAIT_SECONDS:
            raise RateLimited("Stripe asked us to wait with this account", retry_after=math.ceil(wait))
        time.sleep(max(0.0, asked + wait - time.monotonic()))
        return time.monotonic() - asked - wait

    def hold(self, account_id: str, seconds: float) -> None:
        from vaultra.db import rate_limits

        with self._connect() as conn:
            rate_limits.hold(conn, self._limit.of(account_id), seconds)

    @contextmanager
    def _connect(self) -> Iterator["Connection"]:
        from vaultra.db.engine import commit_each_statement

        with self._engine().connect() as conn:
            commit_each_statement(conn)
            yield conn


def patiently(ask: Callable[[], T], account_id: str, pace: Pace) -> T:
    """Ask in the account's turn, and again after a pause while that may help.

    An error's `retry_after` is how long Stripe told us to wait; else pauses double, each with chance in it, so that
    those who failed together do not come back together.

    Raises:
        VaultraError: The last error, with `retry_after` set when a later call may succeed.
    """
    began = time.monotonic()
    for attempt in range(1, ATTEMPTS + 1):
        pace.wait_turn(account_id)
        try:
            return ask()
        except VaultraError as error:
            if not error.retry:
                raise
            wait = _pause(attempt) if error.retry_after is None else error.retry_after + random.uniform(0, 0.2)  # noqa: S311 - jitter, not a secret
            if error.retry_after is not None:
                pace.hold(account_id, error.retry_after)
            late = time.monotonic() - began + wait > LONGEST_READ_SECONDS
            if attempt == ATTEMPTS or wait > LONGEST_WAIT_SECONDS or late:
                error.retry_after = math.ceil(wait)
                raise
            time.sleep(wait)
    raise AssertionError("the last attempt returns or raises")


def _pause(attempt: int) -> float:
    return random.uniform(0.5, 1.0) * FIRST_BACKOFF_SECONDS * 2.0 ** (attempt - 1)  # noqa: S311


def told_wait(headers: Mapping[str, str] | None, now: dt.datetime) -> int | None:
    """How many seconds an answer's Retry-After asks us to wait, given as such or as a date; None when it does not.

    Args:
        now: Our clock, for an answer that names a date and does not say when it was made.
    """
    if not headers:
        return None
    told = headers.get("retry-after", "").strip()
    if told.isascii() and told.isdigit():
        return int(told)
    again, answered = _date(told), _date(headers.get("date", ""))
    if again is None:
        return None
    return max(0, math.ceil((again - (answered or now)).total_seconds()))


def _date(told: str) -> dt.datetime | None:
    try:
        moment = parsedate_to_datetime(told)
    except (ValueError, TypeError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)
