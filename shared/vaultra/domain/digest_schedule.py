"""When a digest is due: in the morning of its reader's own day, once a day or once a week."""

import datetime as dt
from collections.abc import Iterable
from zoneinfo import ZoneInfo

# The hour in which it comes.
FROM = dt.time(7)
# Until then a digest that an outage held up is still sent; after that it would tell of yesterday.
UNTIL = dt.time(12)
MONDAY = 1
"""The weekly digest's day, as `date.isoweekday` counts."""


def local_day(time_zone: str, now: dt.datetime) -> dt.date | None:
    """The day whose digest is due in this zone; None before seven and after noon.

    Args:
        time_zone: An IANA name.

    Raises:
        ZoneInfoNotFoundError: there is no such zone.
    """
    local = now.astimezone(ZoneInfo(time_zone))
    return local.date() if FROM <= local.time() < UNTIL else None


def days_due(time_zones: Iterable[str], now: dt.datetime) -> dict[str, dt.date]:
    """The zones in which it is the time for digests, and the day each has."""
    days = {zone: local_day(zone, now) for zone in time_zones}
    return {zone: day for zone, day in days.items() if day is not None}
