"""What subscriptions are worth a month: normalised, discounted and converted, now and 30 days ago."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from vaultra.domain.series import total

# Periods of a price's interval in one month.
PER_MONTH = {"year": Fraction(1, 12), "month": Fraction(1), "week": Fraction(52, 12), "day": Fraction(365, 12)}
CUSTOMER_PAYS = frozenset({"active", "past_due"})
# The objects tell no date for these two: an incomplete subscription never began to pay, and a paused one
# ended its trial without a payment method.
NEVER_PAID = frozenset({"incomplete", "incomplete_expired", "paused", "trialing"})
LOOKBACK = dt.timedelta(days=30)


@dataclass(frozen=True)
class Tier:
    """A price tier; amounts in minor units. `up_to` is inclusive, None for the last tier."""

    up_to: int | None
    unit_amount: Fraction = Fraction(0)
    flat_amount: Fraction = Fraction(0)


@dataclass(frozen=True)
class Discount:
    """A discount in force from `starts_at` until before `ends_at` (epoch seconds; None is unbounded).

    Either `percent_off` (0–100) or `amount_off` (minor units of `currency`) is set.
    """

    duration: str
    percent_off: Fraction | None = None
    amount_off: Fraction | None = None
    currency: str | None = None
    starts_at: int | None = None
    ends_at: int | None = None

    def lowers_mrr(self, at: dt.datetime) -> bool:
        """Whether it is `forever`, or `repeating`, and in force at this time; `once` never counts."""
        second = int(at.timestamp())
        return (
            self.duration in ("forever", "repeating")
            and (self.starts_at is None or self.starts_at <= second)
            and (self.ends_at is None or self.ends_at > second)
        )


@dataclass(frozen=True)
class Item:
    """A price and how many of it. `unit_amount` is in minor units and may be a fraction of one.

    `tiers_mode` is `graduated` or `volume` for a tiered price, else None. `divide_by` and `round_up` are the
    price's transform_quantity.
    """

    currency: str
    interval: str
    unit_amount: Fraction = Fraction(0)
    quantity: int = 1
    interval_count: int = 1
    metered: bool = False
    tiers_mode: str | None = None
    tiers: tuple[Tier, ...] = ()
    divide_by: int | None = None
    round_up: bool = False
    discounts: tuple[Discount, ...] = ()

    @property
    def per_month(self) -> Fraction:
        """Billing periods in one month."""
        return _per_month(self.interval, self.interval_count)


@lru_cache(maxsize=500)
def _per_month(interval: str, interval_count: int) -> Fraction:
    return PER_MONTH[interval] / interval_count


@dataclass(frozen=True)
class Subscription:
    """A subscription with what its monthly value needs. `resumes_at` None under a pause means no end is known."""

    id: str
    status: str
    items: tuple[Item, ...]
    customer: str | None = None
    started_at: dt.datetime | None = None
    trial_end_at: dt.datetime | None = None
    canceled_at: dt.datetime | None = None
    ended_at: dt.datetime | None = None
    paused: bool = False
    resumes_at: dt.datetime | None = None
    discounts: tuple[Discount, ...] = ()
    customer_discount: Discount | None = None

    @property
    def has_discounts(self) -> bool:
        """Whether anything is or was taken off its prices."""
        return bool(self.discounts or self.customer_discount or any(item.discounts for item in self.items))

    def pays_now(self, at: dt.datetime) -> bool:
        """Whether it brings recurring revenue at `at`, by the status it has."""
        return self.status in CUSTOMER_PAYS and not self._on_trial(at) and not self._paused(at)

    def paid_then(self, at: dt.datetime) -> bool:
        """Whether it brought recurring revenue at an earlier time, rebuilt from its own dates."""
        ended_at = self.ended_at or (self.canceled_at if self.status == "canceled" else None)
        return (
            self.status not in NEVER_PAID
            and self.started_at is not None
            and self.started_at <= at
            and (ended_at is None or ended_at > at)
            and not self._on_trial(at)
            and not self._paused(at)
        )

    def _on_trial(self, at: dt.datetime) -> bool:
        return self.trial_end_at is not None and self.trial_end_at > at

    def _paused(self, at: dt.datetime) -> bool:
        return self.paused and (self.resumes_at is None or self.resumes_at > at)


def price_of(item: Item) -> Fraction:
    """What one billing period of the item costs before discounts, in minor units, by Stripe's arithmetic."""
    quantity = item.quantity
    if item.tiers_mode == "volume":
        tier = next((tier for tier in item.tiers if tier.up_to is None or quantity <= tier.up_to), None)
        return Fraction(0) if tier is None else tier.flat_amount + tier.unit_amount * quantity
    if item.tiers_mode == "graduated":
        return _graduated(item.tiers, quantity)
    if item.divide_by:
        quantity = -(-quantity // item.divide_by) if item.round_up else quantity // item.divide_by
    return item.unit_amount * quantity


def _graduated(tiers: Iterable[Tier], quantity: int) -> Fraction:
    total, below = Fraction(0), 0
    for tier in tiers:
        in_tier = (quantity if tier.up_to is None else min(quantity, tier.up_to)) - below
        total += tier.flat_amount + tier.unit_amount * in_tier
        if tier.up_to is None or quantity <= tier.up_to:
            break
        below = tier.up_to
    return total


def monthly_value(subscription: Subscription, at: dt.datetime, rates: Mapping[str, Fraction]) -> Fraction | None:
    """What the subscription's own prices bring a month, less the discounts in force at `at`; never negative.

    Args:
        rates: Target-currency minor units per minor unit of each currency that can be converted, the target's
            own (1) included.

    Returns:
        Minor units of the target currency, not rounded; None when a currency in it cannot be converted.
    """
    licensed = [item for item in subscription.items if not item.metered]
    discounts = subscription.discounts or tuple(filter(None, [subscription.customer_discount]))
    if not licensed:
        return Fraction(0)
    if not {item.currency for item in licensed} <= rates.keys():
        return None
    values = (
        _discounted(_product(price_of(item), item.per_month, rates[item.currency]), item.discounts, item, at, rates)
        for item in licensed
    )
    whole = next(values) if len(licensed) == 1 else total(values)
    if not discounts:
        return whole
    # An amount off the whole invoice comes off each one: with several intervals, at the shortest.
    return _discounted(whole, discounts, max(licensed, key=lambda item: item.per_month), at, rates)


def _product(first: Fraction, second: Fraction, third: Fraction) -> Fraction:
    """Their exact product, reduced once."""
    (above, below), (factor, divisor), (times, per) = map(Fraction.as_integer_ratio, (first, second, third))
    return Fraction(above * factor * times, below * divisor * per)


def _discounted(
    value: Fraction, discounts: Iterable[Discount], item: Item, at: dt.datetime, rates: Mapping[str, Fraction]
) -> Fraction:
    for discount in discounts:
        if not discount.lowers_mrr(at):
            continue
        if discount.percent_off is not None:
            value *= 1 - discount.percent_off / 100
        elif discount.amount_off is not None and discount.currency in (None, item.currency):
            # Stripe takes an amount only off invoices in its own currency.
            value -= discount.amount_off * rates[item.currency] * item.per_month
        value = max(value, Fraction(0))
    return value


@dataclass(frozen=True)
class RecurringRevenue:
    """Monthly recurring revenue by customer, now and 30 days ago; customers without any are absent.

    `unconverted` are the subscriptions left out because a currency has no rate: (id, minor units a month, currency).
    """

    now: Mapping[str, Fraction]
    then: Mapping[str, Fraction]
    unconverted: tuple[tuple[str, int, str], ...] = ()

    @property
    def mrr_minor(self) -> int:
        """All of it, rounded once, half-even."""
        return round(total(self.now.values()))

    @property
    def churned_count(self) -> int:
        """Customers who had some 30 days ago and have none now."""
        return sum(1 for customer in self.then if customer not in self.now)

    @property
    def net_retention(self) -> Fraction | None:
        """What the customers of 30 days ago pay now ÷ what they paid then; None when there were none."""
        before = total(self.then.values())
        return total(self.now[customer] for customer in self.then if customer in self.now) / before if before else None


def recurring_revenue(
    subscriptions: Iterable[Subscription],
    as_of: dt.datetime,
    settlement_currency: str,
    rates: Mapping[str, Fraction],
) -> RecurringRevenue:
    """Recurring revenue in the settlement currency at `as_of`, and 30 days earlier at today's prices."""
    to_settlement = {**rates, settlement_currency: Fraction(1)}
    earlier = as_of - LOOKBACK
    now: dict[str, list[Fraction]] = {}
    then: dict[str, list[Fraction]] = {}
    unconverted: list[tuple[str, int, str]] = []
    for subscription in subscriptions:
        payer = subscription.customer or subscription.id
        value = None
        if pays_now := subscription.pays_now(as_of):
            value = monthly_value(subscription, as_of, to_settlement)
            if value is None:
                left_out = _in_own_currency(subscription, as_of)
                unconverted += [] if left_out is None else [left_out]
            elif value:
                now.setdefault(payer, []).append(value)
        if subscription.paid_then(earlier):
            # At the same prices, only discounts tell the two days apart.
            if not pays_now or subscription.has_discounts:
                value = monthly_value(subscription, earlier, to_settlement)
            if value:
                then.setdefault(payer, []).append(value)
    return RecurringRevenue(now=_by_payer(now), then=_by_payer(then), unconverted=tuple(sorted(unconverted)))


def _by_payer(values: Mapping[str, list[Fraction]]) -> dict[str, Fraction]:
    return {payer: total(parts) if len(parts) > 1 else parts[0] for payer, parts in values.items()}


def _in_own_currency(subscription: Subscription, at: dt.datetime) -> tuple[str, int, str] | None:
    """What cannot be converted; None when there is nothing to convert."""
    currency = next(item.currency for item in subscription.items if not item.metered)
    value = monthly_value(subscription, at, {currency: Fraction(1)})
    return (subscription.id, round(value), currency) if value else None
