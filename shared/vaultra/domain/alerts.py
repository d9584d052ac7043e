"""When an alert tells something: what is new, what was told already, and what is too old to be news."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from vaultra.domain.network_watch import Pressure, step_near
from vaultra.domain.readiness import TierKey

# What is older is history: it arrives with the first reading of an account, and nobody can do much about it.
NEWS_FOR = dt.timedelta(days=3)
# A payout fails at most five business days after it was to arrive. Shorter than sent mails are kept, which is what
# keeps a second alert about the same payout away.
PAYOUT_FAILS_WITHIN = dt.timedelta(days=14)
# A score at the edge of a tier goes back and forth; what lasts is told, at most once a day.
AT_MOST_EVERY = dt.timedelta(hours=24)
# A ratio that falls below a limit and passes it again within a week is the same trouble.
REMEMBERED_FOR = dt.timedelta(days=7)


class Alert(StrEnum):
    """The kinds of alerts; each is a kind of mail."""

    DISPUTE_OPENED = "dispute_opened"
    PAYOUT_FAILED = "payout_failed"
    TIER_CHANGED = "tier_changed"
    NETWORK_NEAR = "network_near"


@dataclass(frozen=True)
class Told:
    """What an alert last told, and when; `at` is None when it only was so when we first looked."""

    what: str
    at: dt.datetime | None


@dataclass(frozen=True)
class Standing:
    """How a business stands now, and what was told of it; a `told_…` is None before the first look."""

    tier: TierKey
    score: int
    pressure: Pressure
    told_tier: Told | None
    told_network: Told | None


@dataclass(frozen=True)
class Telling:
    """What to remember as told; `mail` says whether a mail tells it."""

    told: Told
    mail: bool


def tell_tier(standing: Standing, now: dt.datetime) -> Telling | None:
    """What to tell of the tier: that it is another than was last told, at most once a day.

    One that comes and goes within a day is told only if it is still there when the day is over. The first look tells
    nothing.
    """
    told, tier = standing.told_tier, standing.tier
    if told is None:
        return Telling(Told(tier, None), mail=False)
    if told.what == tier or _just_told(told, now):
        return None
    return Telling(Told(tier, now), mail=True)


def tell_network(standing: Standing, now: dt.datetime) -> Telling | None:
    """What to tell of the card networks: that a higher limit is near than was last told, at most once a day.

    A limit that is further away again is forgotten after a week. The first look tells nothing.
    """
    told, step = standing.told_network, step_near(standing.pressure)
    rank = 0 if step is None else step.rank
    if told is None:
        return Telling(Told(str(rank), None), mail=False)
    if rank > int(told.what):
        return None if _just_told(told, now) else Telling(Told(str(rank), now), mail=True)
    remembered = told.at is not None and now - told.at < REMEMBERED_FOR
    if rank == int(told.what) or remembered:
        return None
    return Telling(Told(str(rank), told.at), mail=False)


def _just_told(told: Told, now: dt.datetime) -> bool:
    return told.at is not None and now - told.at < AT_MOST_EVERY
