"""The mails a person wants."""

from dataclasses import dataclass
from enum import StrEnum


class Digest(StrEnum):
    """How often the digest of one's businesses comes."""

    DAILY = "daily"
    WEEKLY = "weekly"
    OFF = "off"


@dataclass(frozen=True)
class Preferences:
    """The digest, and whether a mail comes at once when something is wrong."""

    digest: Digest
    alerts: bool
