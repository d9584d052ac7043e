"""Rows of the statements in `metric_facts` turned into the facts that the domain judges.

JSON comes as text and is read here, when its business has its turn: read for a whole page at once, it would be tens of
thousands of objects for the garbage collector to look through again and again.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Row

from vaultra.db.kept_facts import KeptBalance
from vaultra.domain.metric_facts import NOTHING, BalanceHistory, CurrencyTotals, Payout, Standing, Totals
from vaultra.domain.period import BUCKET_DAYS, WINDOW_DAYS, Period
from vaultra.domain.subscriptions import Discount, Item, Subscription, Tier

# The frame of what was refunded, by value.
REFUND_DAYS = 90


class Part(NamedTuple):
    """Sums over the days of one currency that lie in the same frames; see `metric_facts_rollups.sql`."""

    bucket: int
    ends_frame: bool
    currency: str
    captured_minor: int
    unconverted_count: int
    totals: Totals
    active_ages: Sequence[int]


@dataclass(frozen=True)
class RollupFacts:
    """What an account's rollups say, in the words of `MetricFacts`."""

    first_charge_on: dt.date | None = None
    window: Totals = NOTHING
    last_90_days: Totals = NOTHING
    buckets: Mapping[int, Totals] = field(default_factory=dict)
    active_days: frozenset[dt.date] = frozenset()
    by_currency: tuple[CurrencyTotals, ...] = ()


def rollup_facts(period: Period, row: Row[Any]) -> RollupFacts:
    """The sums of each frame, added from its parts."""
    parts, days = [_part(*told) for told in orjson.loads(row.parts)], period.days
    window = _until(parts, WINDOW_DAYS)
    buckets: dict[int, list[Part]] = {}
    currencies: dict[str, list[Part]] = {}
    for part in parts:
        if part.bucket >= 0:
            buckets.setdefault(part.bucket, []).append(part)
    for part in window:
        currencies.setdefault(part.currency, []).append(part)
    totals = [_currency(currency, currencies[currency]) for currency in sorted(currencies)]
    return RollupFacts(
        first_charge_on=row.first_charge_on,
        window=_added(window),
        last_90_days=_added(_until(parts, REFUND_DAYS)),
        buckets={bucket: _added(inside) for bucket, inside in buckets.items()},
        active_days=frozenset([days[age] for part in parts for age in part.active_ages]),
        by_currency=tuple(one for one in totals if one.charge_count),
    )


def _part(
    bucket: int,
    ends_frame: bool,
    currency: str,
    captured_minor: int,
    unconverted_count: int,
    *told: Any,
) -> Part:
    *totals, active_ages = told
    return Part(bucket, ends_frame, currency, captured_minor, unconverted_count, Totals(*totals), active_ages or ())


def _until(parts: Sequence[Part], days: int) -> list[Part]:
    """The parts within a frame of whole buckets' length that ends today: of its oldest bucket all but the last day."""
    oldest = days // BUCKET_DAYS - 1
    return [part for part in parts if part.bucket < oldest or (part.bucket == oldest and not part.ends_frame)]


def _added(parts: Sequence[Part]) -> Totals:
    if len(parts) == 1:
        return parts[0].totals
    return Totals(*map(sum, zip(*(part.totals for part in parts), strict=True)))


def _currency(currency: str, parts: Sequence[Part]) -> CurrencyTotals:
    totals = _added(parts)
    return CurrencyTotals(
        currency=currency,
        charge_count=totals.charge_count,
        captured_minor=sum(part.captured_minor for part in parts),
        settled_minor=totals.revenue_minor,
        unconverted_count=sum(part.unconverted_count for part in parts),
    )


def payouts(period: Period, row: Row[Any]) -> tuple[Payout, ...]:
    """The payouts, which the statement lists attribute by attribute."""
    amounts, ages, statuses, reversals, failures, paid_at = orjson.loads(row.payouts)
    arrivals = map(period.days.__getitem__, ages)
    return tuple(map(Payout, amounts, arrivals, statuses, reversals, failures, map(_moment, paid_at)))


def balance(period: Period, kept: KeptBalance) -> BalanceHistory:
    """The balance with its movements by day; those after today are left out."""
    days = period.days
    movements = {days[age]: net for age, net in zip(kept.ages, kept.nets, strict=True) if age >= 0}
    return BalanceHistory(kept.opening_minor, movements)


def standing(stored: dict[str, Any] | None) -> Standing | None:
    """What the account object said; None while it has not been read."""
    if stored is None:
        return None
    return Standing(
        charges_enabled=stored["charges_enabled"],
        payouts_enabled=stored["payouts_enabled"],
        past_due=stored["past_due"],
    )


def subscriptions(row: Row[Any]) -> tuple[Subscription, ...]:
    """The subscriptions with their items and discounts."""
    return tuple([_subscription(*told) for told in orjson.loads(row.subscriptions)])


def _subscription(
    key: str,
    status: str,
    customer: str | None,
    moments: Sequence[str | None],
    pause: dict[str, Any] | None,
    items: Sequence[dict[str, Any]],
    discounts: Sequence[dict[str, Any]],
    customer_discount: dict[str, Any] | None,
) -> Subscription:
    started_at, trial_end_at, canceled_at, ended_at = map(_moment, moments)
    resumes_at = None if pause is None else pause.get("resumes_at")
    return Subscription(
        id=key,
        status=status,
        items=tuple([_item(item) for item in items]),
        customer=customer,
        started_at=started_at,
        trial_end_at=trial_end_at,
        canceled_at=canceled_at,
        ended_at=ended_at,
        paused=pause is not None,
        resumes_at=None if resumes_at is None else dt.datetime.fromtimestamp(resumes_at, dt.UTC),
        discounts=tuple([_discount(discount) for discount in discounts]),
        customer_discount=None if customer_discount is None else _discount(customer_discount),
    )


def _moment(told: str | None) -> dt.datetime | None:
    return None if told is None else dt.datetime.fromisoformat(told)


@lru_cache(maxsize=5000)  # prices repeat, and reading a fraction from text is slow
def _exact(stored: str) -> Fraction:
    return Fraction(stored)


def _item(stored: dict[str, Any]) -> Item:
    transform = stored["transform_quantity"] or {}
    quantity = stored["quantity"]
    return Item(
        currency=stored["currency"],
        interval=stored["interval"],
        unit_amount=_exact(stored["unit_amount"] or "0"),
        quantity=1 if quantity is None else quantity,
        interval_count=stored["interval_count"],
        metered=stored["usage_type"] == "metered",
        tiers_mode=stored["tiers_mode"] if stored["billing_scheme"] == "tiered" else None,
        tiers=tuple(
            Tier(tier["up_to"], _exact(tier["unit_amount"] or "0"), _exact(tier["flat_amount"] or "0"))
            for tier in stored["tiers"]
        ),
        divide_by=transform.get("divide_by"),
        round_up=transform.get("round") == "up",
        discounts=tuple([_discount(discount) for discount in stored["discounts"]]),
    )


def _discount(stored: dict[str, Any]) -> Discount:
    percent_off, amount_off = stored["percent_off"], stored["amount_off"]
    return Discount(
        duration=stored["duration"],
        percent_off=None if percent_off is None else _exact(percent_off),
        amount_off=None if amount_off is None else _exact(amount_off),
        currency=stored["currency"],
        starts_at=stored["start"],
        ends_at=stored["end"],
    )
