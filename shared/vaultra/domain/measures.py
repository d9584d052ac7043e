"""How each metric is taken from the facts: one function per line of the catalogue."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

from vaultra.domain.metric_facts import NOTHING, MetricFacts
from vaultra.domain.metric_set import Bucket, Measure
from vaultra.domain.payouts import count_on_time
from vaultra.domain.period import WEEK_DAYS, Period
from vaultra.domain.series import LEAST_BUCKETS, Trend, trend, variation
from vaultra.domain.subscriptions import RecurringRevenue, recurring_revenue

# Half a year of 30-day buckets: long enough to see a season's edge, short enough to be about now.
SERIES_BUCKETS = 6
SCALE_BUCKETS = 3
BALANCE_DAYS = 90

NO_CURRENCY = "the account's settlement currency is not known yet"
NO_CHARGES_EVER = "there is no charge yet"
NO_CHARGES = "there were no charges in the last 30 days"
NO_VOLUME = "no money was captured in the last 180 days"
NO_SUBSCRIPTIONS = "there never was a subscription"
FEW_BUCKETS = f"it needs {LEAST_BUCKETS} full 30-day periods since the first charge"


@dataclass(frozen=True)
class Reading:
    """The facts of one business read on one day; what several metrics share is computed once."""

    facts: MetricFacts
    as_of: dt.datetime

    @cached_property
    def period(self) -> Period:
        return Period.of(self.as_of)

    @cached_property
    def buckets(self) -> tuple[Bucket, ...]:
        """The buckets that count, oldest first, empty ones included."""
        ranges = self.period.buckets(self.facts.first_charge_on)
        indices = reversed(range(len(ranges)))
        totals = [self.facts.buckets.get(index, NOTHING) for index in indices]
        return tuple(
            Bucket(
                first=days.first,
                last=days.last,
                transaction_count=total.charge_count,
                revenue_minor=total.revenue_minor,
                net_volume_minor=total.net_volume_minor,
                dispute_count=total.dispute_count,
                fraud_warning_count=total.fraud_warning_count,
            )
            for days, total in zip(ranges, totals, strict=True)
        )

    @cached_property
    def active_ages(self) -> list[int]:
        """How many days ago there was a charge, the latest first, within the activity days."""
        first_charge_on = self.facts.first_charge_on
        if first_charge_on is None:
            return []
        days = self.period.activity_days(first_charge_on)
        last = days.last.toordinal()
        return sorted([last - day.toordinal() for day in self.facts.active_days if days.first <= day <= days.last])

    @cached_property
    def series(self) -> list[int]:
        """Revenue of up to six buckets, oldest first."""
        return [bucket.revenue_minor for bucket in self.buckets[-SERIES_BUCKETS:]]

    @cached_property
    def trend(self) -> Trend | None:
        return trend(self.series)

    @cached_property
    def recurring(self) -> RecurringRevenue | None:
        """None when there never was a subscription, or no currency to state it in."""
        facts = self.facts
        if not facts.subscriptions_ever or facts.settlement_currency is None:
            return None
        return recurring_revenue(facts.subscriptions, self.as_of, facts.settlement_currency, facts.rates)


def ratio(numerator: int, denominator: int, reason: str) -> Measure:
    """A share with its denominator as the sample; not measured when that is zero."""
    if denominator <= 0:
        return Measure(sample=0, reason=reason)
    return Measure(Fraction(numerator, denominator), sample=denominator)


def _money(reading: Reading, minor: int | Fraction, sample: int | None = None) -> Measure:
    if reading.facts.settlement_currency is None:
        return Measure(reason=NO_CURRENCY)
    return Measure(minor, sample=sample)


# --- The window ----------------------------------------------------------------------------


def revenue_total(reading: Reading) -> Measure:
    window = reading.facts.window
    return _money(reading, window.revenue_minor, window.charge_count)


def net_volume(reading: Reading) -> Measure:
    return _money(reading, reading.facts.window.net_volume_minor)


def transaction_count(reading: Reading) -> Measure:
    return Measure(reading.facts.window.charge_count)


def average_transaction_size(reading: Reading) -> Measure:
    window = reading.facts.window
    if not window.charge_count:
        return Measure(sample=0, reason=NO_CHARGES)
    return _money(reading, Fraction(window.revenue_minor, window.charge_count), window.charge_count)


def chargeback_count(reading: Reading) -> Measure:
    return Measure(reading.facts.window.dispute_count)


def chargeback_ratio(reading: Reading) -> Measure:
    return ratio(reading.facts.window.dispute_count, reading.facts.window.charge_count, NO_CHARGES)


def refund_count(reading: Reading) -> Measure:
    return Measure(reading.facts.window.refund_count)


def refund_ratio(reading: Reading) -> Measure:
    return ratio(reading.facts.window.refund_count, reading.facts.window.charge_count, NO_CHARGES)


def fraud_warnings(reading: Reading) -> Measure:
    return Measure(reading.facts.window.fraud_warning_count)


def payment_failure_rate(reading: Reading) -> Measure:
    window = reading.facts.window
    attempts = window.failed_count + window.charge_count
    return ratio(window.failed_count, attempts, "nobody tried to pay in the last 30 days")


# --- Buckets, weeks, days ------------------------------------------------------------------


def revenue_volatility(reading: Reading) -> Measure:
    count, value = len(reading.series), variation(reading.series)
    if value is None:
        return Measure(sample=count, reason=FEW_BUCKETS if count < LEAST_BUCKETS else "revenue was zero throughout")
    return _money(reading, value, count)


def revenue_trend(reading: Reading) -> Measure:
    return _trend(reading, None if reading.trend is None else reading.trend.direction)


def revenue_slope(reading: Reading) -> Measure:
    return _trend(reading, None if reading.trend is None else reading.trend.slope)


def _trend(reading: Reading, value: str | Fraction | None) -> Measure:
    count = len(reading.series)
    if reading.facts.settlement_currency is None:
        return Measure(sample=count, reason=NO_CURRENCY)
    if value is None:
        reason = FEW_BUCKETS if count < LEAST_BUCKETS else "revenue was zero in most of the periods"
        return Measure(sample=count, reason=reason)
    return Measure(value, sample=count)


def track_record(reading: Reading) -> Measure:
    if reading.facts.first_charge_on is None:
        return Measure(reason=NO_CHARGES_EVER)
    count = 0
    for bucket in reversed(reading.buckets):
        if not bucket.transaction_count:
            break
        count += 1
    return Measure(count)


def monthly_net_volume(reading: Reading) -> Measure:
    if reading.facts.first_charge_on is None:
        return Measure(reason=NO_CHARGES_EVER)
    latest = reading.buckets[-SCALE_BUCKETS:]
    total = sum(bucket.net_volume_minor for bucket in latest)
    return _money(reading, Fraction(total, SCALE_BUCKETS), len(latest))


def active_weeks_ratio(reading: Reading) -> Measure:
    weeks = reading.period.week_count(reading.facts.first_charge_on)
    # The latest week ended yesterday.
    active = {(age - 1) // WEEK_DAYS for age in reading.active_ages if 1 <= age <= weeks * WEEK_DAYS}
    return ratio(len(active), weeks, "there is no full week since the first charge")


def longest_gap_days(reading: Reading) -> Measure:
    first_charge_on = reading.facts.first_charge_on
    if first_charge_on is None:
        return Measure(reason=NO_CHARGES_EVER)
    before_first = reading.period.age(reading.period.activity_days(first_charge_on).first) + 1
    # As if there had been a charge tomorrow, and one the day before these days began.
    ages = [-1, *reading.active_ages, before_first]
    return Measure(max(older - newer for newer, older in pairwise(ages)) - 1)


def history_days(reading: Reading) -> Measure:
    first_charge_on = reading.facts.first_charge_on
    if first_charge_on is None:
        return Measure(reason=NO_CHARGES_EVER)
    return Measure(reading.period.age(first_charge_on))


# --- Payers, refunds, disputes -------------------------------------------------------------


def _share_of_volume(reading: Reading, part_minor: int) -> Measure:
    payers = reading.facts.payers
    if payers.volume_minor <= 0:
        return Measure(sample=payers.charge_count, reason=NO_VOLUME)
    return Measure(Fraction(part_minor, payers.volume_minor), sample=payers.charge_count)


def top_customer_share(reading: Reading) -> Measure:
    payers = reading.facts.payers
    if payers.volume_minor > 0 and not payers.payer_count:
        return Measure(sample=payers.charge_count, reason="no charge tells who paid it")
    return _share_of_volume(reading, payers.top_payer_minor)


def identified_volume_share(reading: Reading) -> Measure:
    return _share_of_volume(reading, reading.facts.payers.identified_minor)


def payer_count(reading: Reading) -> Measure:
    return Measure(reading.facts.payers.payer_count)


def repeat_revenue_share(reading: Reading) -> Measure:
    return _share_of_volume(reading, reading.facts.payers.repeat_minor)


def subscription_revenue_share(reading: Reading) -> Measure:
    return _share_of_volume(reading, reading.facts.payers.subscription_minor)


def refund_volume_ratio(reading: Reading) -> Measure:
    totals = reading.facts.last_90_days
    if totals.revenue_minor <= 0:
        return Measure(sample=totals.charge_count, reason="no money was captured in the last 90 days")
    return Measure(Fraction(totals.refunded_minor, totals.revenue_minor), sample=totals.charge_count)


def open_disputes(reading: Reading) -> Measure:
    return Measure(reading.facts.disputes.open_count)


def dispute_win_rate(reading: Reading) -> Measure:
    disputes = reading.facts.disputes
    return ratio(
        disputes.won_count, disputes.won_count + disputes.lost_count, "no dispute of the last year was decided"
    )


# --- Payouts, balance, standing ------------------------------------------------------------


def payout_reliability(reading: Reading) -> Measure:
    return ratio(*count_on_time(reading.facts.payouts, reading.period.end), "no payout was settled in the last 90 days")


def negative_balance_days(reading: Reading) -> Measure:
    balance, count = reading.facts.balance.opening_minor, 0
    if balance is None:
        return Measure(reason="the Stripe balance has not been read yet")
    movements = reading.facts.balance.movements
    for day in reversed(reading.period.days[:BALANCE_DAYS]):
        balance += movements.get(day, 0)
        count += balance < 0
    return Measure(count)


def account_standing(reading: Reading) -> Measure:
    standing = reading.facts.standing
    if standing is None:
        return Measure(reason="the account has not been read yet")
    if not (standing.charges_enabled and standing.payouts_enabled):
        return Measure("disabled")
    return Measure("past_due" if standing.past_due else "good")


# --- Subscriptions -------------------------------------------------------------------------


def subscription_count(reading: Reading) -> Measure:
    return Measure(reading.facts.subscriptions_ever)


def _unmeasured_recurring(reading: Reading) -> Measure:
    return Measure(reason=NO_CURRENCY if reading.facts.subscriptions_ever else NO_SUBSCRIPTIONS)


def mrr(reading: Reading) -> Measure:
    recurring = reading.recurring
    return _unmeasured_recurring(reading) if recurring is None else Measure(recurring.mrr_minor, len(recurring.now))


def arr(reading: Reading) -> Measure:
    recurring = reading.recurring
    return _unmeasured_recurring(reading) if recurring is None else Measure(12 * recurring.mrr_minor)


def active_subscribers(reading: Reading) -> Measure:
    # A count has no denominator: who never had a subscription has no subscribers.
    if not reading.facts.subscriptions_ever:
        return Measure(0)
    recurring = reading.recurring
    return _unmeasured_recurring(reading) if recurring is None else Measure(len(recurring.now))


def arpu(reading: Reading) -> Measure:
    recurring = reading.recurring
    if recurring is None:
        return _unmeasured_recurring(reading)
    return ratio(recurring.mrr_minor, len(recurring.now), "nobody subscribes now")


def subscriber_churn_rate(reading: Reading) -> Measure:
    recurring = reading.recurring
    if recurring is None:
        return _unmeasured_recurring(reading)
    return ratio(recurring.churned_count, len(recurring.then), "nobody subscribed 30 days ago")


def net_revenue_retention(reading: Reading) -> Measure:
    recurring = reading.recurring
    if recurring is None:
        return _unmeasured_recurring(reading)
    value = recurring.net_retention
    return Measure(value, len(recurring.then), None if value is not None else "nobody subscribed 30 days ago")
