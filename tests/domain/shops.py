"""Shops that several tests of the domain start from."""

import datetime as dt
from dataclasses import replace
from typing import Any

from vaultra.domain.metric_facts import MetricFacts, PayerTotals, Payout, Standing, Totals

AS_OF = dt.datetime(2026, 11, 20, 15, 30, tzinfo=dt.UTC)
TODAY = AS_OF.date()
# Swings of a quarter around the mean, without a direction: its variation is 0.33.
FLAT = (1_000_000, 1_600_000, 900_000, 1_700_000, 1_500_000, 800_000)
GROWING = (900_000, 1_000_000, 1_100_000, 1_200_000, 1_400_000, 1_800_000)


def days_ago(days: int) -> dt.date:
    return TODAY - dt.timedelta(days=days)


def month(revenue_minor: int, **more: Any) -> Totals:
    return Totals(**{"charge_count": 500, "revenue_minor": revenue_minor, "dispute_count": 1, **more})


def paid(count: int, failed: int = 0) -> tuple[Payout, ...]:
    one = Payout(500_000, days_ago(20), "paid", False, False, None)
    return (one,) * count + (one._replace(status="failed"),) * failed


def shop(latest: tuple[int, ...] = FLAT, **changes: Any) -> MetricFacts:
    """A two-year-old shop with 0.2 % disputes, all payouts paid and about 12,000 dollars a month."""
    buckets = {index: month(1_200_000) for index in range(24)}
    buckets |= {index: month(revenue) for index, revenue in enumerate(reversed(latest))}
    whole = MetricFacts(
        settlement_currency="usd",
        history_complete=True,
        first_charge_on=days_ago(730),
        window=month(1_200_000),
        last_90_days=Totals(charge_count=1500, revenue_minor=3_600_000, refund_count=20, refunded_minor=50_000),
        buckets=buckets,
        active_days=frozenset(days_ago(age) for age in range(0, 183, 2)),
        payers=PayerTotals(3000, 7_200_000, 7_200_000, 900, 70_000, 2_000_000, 0),
        payouts=paid(26),
        standing=Standing(charges_enabled=True, payouts_enabled=True, past_due=False),
    )
    return replace(whole, **changes)
