"""Which of several states of one object is the true one, whatever the order in which they arrived."""

import datetime as dt
from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """What to do with a state that arrived."""

    WRITE = "write"
    KEEP = "keep"
    READ = "read"


@dataclass(frozen=True)
class Version:
    """When a state was true (Stripe's clock, whole seconds for events) and a hash of its content."""

    at: dt.datetime
    content_hash: str


@dataclass(frozen=True)
class Reading:
    """A state read from the API because two of the same second differed; `instead_of` is what was stored then.

    Its time is that of the newest state that made us ask, or later: the API was asked after all of them.
    """

    version: Version
    instead_of: Version | None


def judge(stored: Version | None, arrived: Version) -> Verdict:
    """Newest wins. Two different states of the same second can't be told apart: read the object again."""
    if stored is None or arrived.at > stored.at:
        return Verdict.WRITE
    if arrived.at < stored.at or arrived.content_hash == stored.content_hash:
        return Verdict.KEEP
    return Verdict.READ


def judge_reading(stored: Version | None, reading: Reading) -> Verdict:
    """A reading settles a tie, unless somebody wrote another state of that second since it was asked for."""
    if stored is None or reading.version.at > stored.at or stored == reading.instead_of:
        return Verdict.WRITE
    return judge(stored, reading.version)
