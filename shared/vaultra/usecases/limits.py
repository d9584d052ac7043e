"""Keeping to the rate limits, across all instances."""

import datetime as dt
import math

from sqlalchemy import Connection

from vaultra.db import rate_limits
from vaultra.domain.limits import Use
from vaultra.errors import RateLimited


def take(conn: Connection, now: dt.datetime, *uses: Use) -> None:
    """Count one use of each limit. Commit soon after: the count then stays although the call fails later.

    Raises:
        RateLimited: one of them is used up; then none is counted. `retry_after` is when it can be tried again.
    """
    for use in sorted(uses, key=lambda use: use.key):  # in one order, so that two calls never wait for each other
        if not rate_limits.take(conn, use, now):
            full_at = rate_limits.find_full_at(conn, use) or now
            seconds = max(1, math.ceil((full_at + use.spacing - use.per - now).total_seconds()))
            raise RateLimited("That was too often. Try again in a while.", retry_after=seconds)


def forgive(conn: Connection, use: Use) -> None:
    """Give a limit's whole allowance back, because its user proved to be the right one."""
    rate_limits.delete_use(conn, use)
