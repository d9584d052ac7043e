"""The mails a person wants, and where on earth they read them."""

import functools
import zoneinfo
from dataclasses import dataclass
from enum import StrEnum

# The machine's own zone, which some systems list among the named ones.
_NO_PLACE = {"localtime", "Factory"}


class Digest(StrEnum):
    """How often the digest of one's businesses comes."""

    DAILY = "daily"
    WEEKLY = "weekly"
    OFF = "off"


@dataclass(frozen=True)
class Preferences:
    """The digest, whether a mail comes at once when something is wrong, and the IANA time zone of their mornings."""

    digest: Digest
    alerts: bool
    time_zone: str


def is_time_zone(name: str) -> bool:
    """Whether this is the IANA name of a time zone, in its own case: `Europe/Berlin`."""
    return name in _time_zones()


@functools.cache
def _time_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones() - _NO_PLACE)
