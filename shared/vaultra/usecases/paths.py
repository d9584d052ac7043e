"""What comes: the path to a tier, and the days on which the score changes by itself."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from vaultra.db import daily_history, metrics
from vaultra.db import moved_objects as objects
from vaultra.domain.metric_facts import MetricFacts
from vaultra.domain.moved_objects import (
    FRAMES,
    Moment,
    MovedObjects,
    moved_negative_days,
    moved_payouts,
    negative_days,
)
from vaultra.domain.outlook import HORIZON_DAYS, Outlook
from vaultra.domain.paths import Path, find_path, next_tier
from vaultra.domain.period import ONE_DAY, utc_date
from vaultra.domain.readiness import TIERS, Tier, TierKey, tier_of
from vaultra.domain.roll_off import Leaving, Turn, calendar, coming_days
from vaultra.errors import NoData


@dataclass(frozen=True)
class Prospects:
    """What the coming 90 days hold, computed from what is stored at this moment.

    Attributes:
        score: The score now; its stored twin may be an hour old.
        target: The tier the path leads to; None when there is none above.
        path: None without a target, and when the target can't be reached within 90 days.
        leaving: What ceases to count and when, the soonest first, bounded for each rule and kind.
        leaving_count: How many there are altogether.
    """

    as_of: dt.datetime
    score: int
    tier: Tier
    target: Tier | None
    path: Path | None
    turns: list[Turn]
    leaving: list[Leaving]
    leaving_count: int


def prospects(conn: Connection, business_id: UUID, target: TierKey | None, now: dt.datetime) -> Prospects:
    """The path to a tier, the next one when none is named, and the calendar of what rolls off.

    Raises:
        NoData: no Stripe account is connected.
    """
    account = objects.find_account(conn, business_id)
    facts = metrics.metric_facts(conn, [business_id], now).get(business_id)
    if account is None or facts is None:
        raise NoData("There is nothing to look ahead from. Connect Stripe, and the path appears within minutes.")
    outlook = Outlook(facts, daily_history.list_daily_totals(conn, account, utc_date(now)), now)
    days = coming_days(outlook)
    tier = tier_of(days[0].score)
    wanted = next_tier(tier) if target is None else next(one for one in TIERS if one.key == target)
    leaving = list(_leaving(conn, account, facts, now))
    listed = sorted(_listed(leaving), key=lambda one: (one.leaves_on, one.rule, one.object.id or ""))
    return Prospects(
        as_of=now,
        score=days[0].score,
        tier=tier,
        target=wanted,
        path=None if wanted is None else find_path(outlook, days, wanted),
        turns=calendar(days, listed),
        leaving=listed,
        leaving_count=sum(moved.left for _, moved in leaving),
    )


def _leaving(
    conn: Connection, account: UUID, facts: MetricFacts, now: dt.datetime
) -> Iterable[tuple[str, MovedObjects]]:
    """For each rule, what counts for it today and no more after the horizon."""
    today = Moment(utc_date(now), now)
    then = Moment(today.scored_on + ONE_DAY * HORIZON_DAYS, now)
    for key, frame in FRAMES.items():
        for kind in frame.kinds:
            if kind == "missed_payout":
                payouts = objects.list_payouts_in_doubt(conn, account, frame.days(today.scored_on))
                yield key, moved_payouts(payouts, today, then)
            elif kind == "negative_day":
                yield key, moved_negative_days(negative_days(facts.balance, today.scored_on), ())
            else:
                yield key, objects.moved(conn, account, kind, frame, today, then, oldest_first=True)


def _listed(leaving: Iterable[tuple[str, MovedObjects]]) -> Iterable[Leaving]:
    for key, moved in leaving:
        for one in moved.objects:
            if one.movement == "left":
                yield Leaving(key, FRAMES[key].leaves_on(one.on), one)
