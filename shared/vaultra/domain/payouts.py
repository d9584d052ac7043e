"""Whether payouts reach the bank, and in time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from vaultra.domain.metric_facts import Payout
from vaultra.domain.period import add_business_days, utc_date

# A payout that arrives on its own day may be booked on the next business day.
ON_TIME_BUSINESS_DAYS = 1
# Stripe tells a failure within five business days of arrival; what is still on its way after that is late.
OVERDUE_BUSINESS_DAYS = 5
SETTLED = frozenset({"paid", "failed"})
ON_ITS_WAY = frozenset({"pending", "in_transit"})


def is_judged(payout: Payout, today: dt.date) -> bool:
    """Whether a payout counts at all: money out, and settled or overdue. A canceled one does not."""
    if payout.amount_minor <= 0:
        return False
    if payout.status in SETTLED:
        return True
    return payout.status in ON_ITS_WAY and today > add_business_days(payout.arrival_on, OVERDUE_BUSINESS_DAYS)


def is_on_time(payout: Payout) -> bool:
    """Whether it was paid in time, and stayed paid; without the event of its payment, on time is presumed."""
    if payout.status != "paid" or payout.reversed or payout.failed_back:
        return False
    if payout.paid_at is None:
        return True
    return utc_date(payout.paid_at) <= add_business_days(payout.arrival_on, ON_TIME_BUSINESS_DAYS)


def count_on_time(payouts: Iterable[Payout], today: dt.date) -> tuple[int, int]:
    """How many payouts were on time, and how many count."""
    judged = [payout for payout in payouts if is_judged(payout, today)]
    return len([payout for payout in judged if is_on_time(payout)]), len(judged)
