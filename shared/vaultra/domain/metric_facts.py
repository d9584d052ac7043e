"""What the database gathers about one business, before anything is judged."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from vaultra.domain.subscriptions import Subscription


class Totals(NamedTuple):
    """Sums over some days. Amounts are minor units of the settlement currency, none of them negative.

    `charge_count` counts succeeded and captured charges, `dispute_count` chargebacks by the day they began to
    count; `withdrawn_minor` and `reinstated_minor` are what disputes took and gave back.
    """

    charge_count: int = 0
    revenue_minor: int = 0
    failed_count: int = 0
    refund_count: int = 0
    refunded_minor: int = 0
    dispute_count: int = 0
    withdrawn_minor: int = 0
    reinstated_minor: int = 0
    fraud_warning_count: int = 0

    @property
    def net_volume_minor(self) -> int:
        """Revenue less refunds and dispute withdrawals, plus reinstatements."""
        return self.revenue_minor - self.refunded_minor - self.withdrawn_minor + self.reinstated_minor


NOTHING = Totals()


@dataclass(frozen=True)
class CurrencyTotals:
    """The window's charges made in one currency; `settled_minor` is in the settlement currency."""

    currency: str
    charge_count: int
    captured_minor: int
    settled_minor: int
    unconverted_count: int


@dataclass(frozen=True)
class PayerTotals:
    """Who paid the captured volume of 180 days, in the settlement currency; unconverted charges are not in it.

    A payer is a customer, else a card fingerprint. `repeat_minor` came from payers with a charge at least 30 days
    before, `subscription_minor` from charges that paid for a subscription.
    """

    charge_count: int = 0
    volume_minor: int = 0
    identified_minor: int = 0
    payer_count: int = 0
    top_payer_minor: int = 0
    repeat_minor: int = 0
    subscription_minor: int = 0


class Payout(NamedTuple):
    """A payout of the last 90 days. `paid_at` is its `payout.paid` event's time, None where it was not to be had."""

    amount_minor: int
    arrival_on: dt.date
    status: str
    reversed: bool
    failed_back: bool
    paid_at: dt.datetime | None


@dataclass(frozen=True)
class BalanceHistory:
    """The Stripe balance over the last 90 days: what it was before them, and each day's net movement.

    `opening_minor` is None while /v1/balance has not been read: movements alone don't tell where they began.
    """

    opening_minor: int | None = 0
    movements: Mapping[dt.date, int] = field(default_factory=dict)


@dataclass(frozen=True)
class DisputeStates:
    """Disputes that are open now, and those created within 365 days that were won or lost."""

    open_count: int = 0
    won_count: int = 0
    lost_count: int = 0


@dataclass(frozen=True)
class Standing:
    """What Stripe's account object says."""

    charges_enabled: bool
    payouts_enabled: bool
    past_due: bool


class Unconverted(NamedTuple):
    """An amount that could not be converted to the settlement currency, and is therefore in no sum."""

    id: str
    amount_minor: int
    currency: str


@dataclass(frozen=True)
class MetricFacts:
    """One business, one account, as stored when it was read.

    Attributes:
        settlement_currency: The account's default currency; None while the account has not been read.
        history_complete: Whether the 24 months of history have arrived.
        first_charge_on: The UTC date of the first charge ever; None when there is none.
        window: The 30 days that end today.
        last_90_days: The 90 days that end today.
        buckets: Totals by bucket index, 0 the latest; a bucket in which nothing happened is absent.
        active_days: Days with at least one charge, within the last 26 weeks and today.
        subscriptions: Those that can bring recurring revenue now or did 30 days ago.
        subscriptions_ever: How many there ever were, ended ones included.
        rates: Settlement-currency minor units per minor unit of another currency, the account's latest.
    """

    settlement_currency: str | None = None
    history_complete: bool = False
    first_charge_on: dt.date | None = None
    window: Totals = NOTHING
    last_90_days: Totals = NOTHING
    buckets: Mapping[int, Totals] = field(default_factory=dict)
    active_days: frozenset[dt.date] = frozenset()
    by_currency: tuple[CurrencyTotals, ...] = ()
    payers: PayerTotals = PayerTotals()
    payouts: tuple[Payout, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()
    subscriptions_ever: int = 0
    rates: Mapping[str, Fraction] = field(default_factory=dict)
    balance: BalanceHistory = BalanceHistory()
    disputes: DisputeStates = DisputeStates()
    standing: Standing | None = None
    unconverted: tuple[Unconverted, ...] = ()
