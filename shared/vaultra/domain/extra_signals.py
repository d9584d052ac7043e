"""The eight signals beyond the seed formula; their best bands add up to exactly 20 points."""

from __future__ import annotations

from fractions import Fraction

from vaultra.domain.finding_words import (
    say_concentration,
    say_continuity,
    say_durable_revenue,
    say_pressure,
    say_record,
    say_refunds,
    say_scale,
    say_standing,
)
from vaultra.domain.metric_set import Bucket, MetricSet
from vaultra.domain.money import format_money
from vaultra.domain.period import BUCKET_DAYS
from vaultra.domain.reference_rates import usd_cents
from vaultra.domain.rules import Band, Finding, NotMeasured, Rule, missing
from vaultra.domain.thresholds import (
    DEPENDENT_SHARE,
    DURABLE_SHARE,
    EXCESSIVE_ACTIVITY,
    EXCESSIVE_NETWORK,
    FULL_YEAR_RECORD,
    GOOD_MONTHLY_USD_CENTS,
    HALF_YEAR_RECORD,
    HIGH_REFUNDS,
    HOLIDAY_DAYS,
    LEAST_EVENTS,
    LEAST_IDENTIFIED,
    LEAST_MONTHLY_USD_CENTS,
    LEAST_NETWORK_CHARGES,
    LEAST_PAYERS,
    LEAST_RECORD,
    LEAST_REFUND_CHARGES,
    LEAST_WEEKS,
    MANY_NEGATIVE_DAYS,
    PATCHY_WEEKS,
    POOR_CHURN,
    PRESSURE_BUCKETS,
    REVIEWED_REFUNDS,
    SPREAD_SHARE,
    STEADY_WEEKS,
    STOP_DAYS,
    TOLERATED_SHARE,
    USUAL_CHURN,
    USUAL_REFUNDS,
    VAMP_START,
)
from vaultra.domain.wording import percent

FULL_YEAR = Band("full_year", 4, f"sales in {FULL_YEAR_RECORD} or more {BUCKET_DAYS}-day periods in a row")
HALF_YEAR = Band(
    "half_year", 2, f"sales in {HALF_YEAR_RECORD} to {FULL_YEAR_RECORD - 1} {BUCKET_DAYS}-day periods in a row"
)
QUARTER = Band("quarter", 0, f"sales in {LEAST_RECORD} to {HALF_YEAR_RECORD - 1} {BUCKET_DAYS}-day periods in a row")
NEW = Band("new", -5, f"sales in fewer than {LEAST_RECORD} {BUCKET_DAYS}-day periods in a row")


def track_record(metrics: MetricSet) -> Finding | NotMeasured:
    value = metrics.number("track_record")
    if value is None:
        return missing(metrics, "track_record")
    band = FULL_YEAR if value >= FULL_YEAR_RECORD else HALF_YEAR if value >= HALF_YEAR_RECORD else QUARTER
    band = NEW if value < LEAST_RECORD else band
    return Finding(band, value)


def _usd(cents: int) -> str:
    return format_money(cents, "usd").removesuffix(".00")


LARGE = Band("large", 4, f"{_usd(GOOD_MONTHLY_USD_CENTS)} a month or more")
MEDIUM = Band("medium", 0, f"{_usd(LEAST_MONTHLY_USD_CENTS)} to {_usd(GOOD_MONTHLY_USD_CENTS)} a month")
SMALL = Band("small", -5, f"less than {_usd(LEAST_MONTHLY_USD_CENTS)} a month")


def scale(metrics: MetricSet) -> Finding | NotMeasured:
    minor, sample = metrics.number("monthly_net_volume"), metrics["monthly_net_volume"].sample
    if minor is None or metrics.currency is None:
        return missing(metrics, "monthly_net_volume")
    cents = usd_cents(minor, metrics.currency)
    if cents is None:
        return NotMeasured(f"there is no reference rate for {metrics.currency.upper()}", sample)
    band = LARGE if cents >= GOOD_MONTHLY_USD_CENTS else SMALL if cents < LEAST_MONTHLY_USD_CENTS else MEDIUM
    # Rounded down, so that what is shown never looks like the next band.
    shown = Fraction(cents.numerator // cents.denominator, 100)
    own = {} if metrics.currency == "usd" else {"own": format_money(minor, metrics.currency)}
    return Finding(band, shown, sample, currency="usd", figures=own)


UNBROKEN = Band(
    "unbroken", 3, f"sales in at least {percent(STEADY_WEEKS)} of the weeks and no gap over {HOLIDAY_DAYS} days"
)
SOME_GAPS = Band("some_gaps", 0, "a few quiet weeks")
BROKEN = Band("broken", -4, f"sales in less than {percent(PATCHY_WEEKS)} of the weeks or a gap over {STOP_DAYS} days")


def continuity(metrics: MetricSet) -> Finding | NotMeasured:
    share, weeks = metrics.number("active_weeks_ratio"), metrics["active_weeks_ratio"].sample or 0
    gap = metrics.number("longest_gap_days")
    if share is None or gap is None:
        return missing(metrics, "active_weeks_ratio")
    if weeks < LEAST_WEEKS:
        return NotMeasured(f"it needs {LEAST_WEEKS} weeks of history and there are {weeks}", weeks)
    band = SOME_GAPS
    if share >= STEADY_WEEKS and gap <= HOLIDAY_DAYS:
        band = UNBROKEN
    elif share < PATCHY_WEEKS or gap > STOP_DAYS:
        band = BROKEN
    return Finding(band, share, weeks, figures={"gap": int(gap)})


SPREAD = Band("spread", 3, f"at most {percent(SPREAD_SHARE)} from the largest customer")
TOLERATED = Band("tolerated", 0, f"{percent(SPREAD_SHARE)} to {percent(TOLERATED_SHARE)} from the largest customer")
CONCENTRATED = Band(
    "concentrated", -2, f"{percent(TOLERATED_SHARE)} to {percent(DEPENDENT_SHARE)} from the largest customer"
)
DEPENDENT = Band("dependent", -5, f"more than {percent(DEPENDENT_SHARE)} from the largest customer")


def concentration(metrics: MetricSet) -> Finding | NotMeasured:
    share, identified = metrics.number("top_customer_share"), metrics.number("identified_volume_share")
    payers = metrics.number("payer_count")
    if share is None or identified is None or payers is None:
        return missing(metrics, "top_customer_share")
    if identified < LEAST_IDENTIFIED:
        known, needed = percent(identified, beside=(LEAST_IDENTIFIED,)), percent(LEAST_IDENTIFIED)
        return NotMeasured(f"the payer of only {known} of the volume is known, and it needs {needed}", int(payers))
    if payers < LEAST_PAYERS:
        return NotMeasured(f"it needs {LEAST_PAYERS} payers in 180 days and there are {int(payers)}", int(payers))
    band = SPREAD if share <= SPREAD_SHARE else TOLERATED if share <= TOLERATED_SHARE else CONCENTRATED
    band = DEPENDENT if share > DEPENDENT_SHARE else band
    return Finding(band, share, int(payers))


FEW_REFUNDS = Band("low", 2, f"at most {percent(USUAL_REFUNDS)} refunded")
SOME_REFUNDS = Band("usual", 0, f"{percent(USUAL_REFUNDS)} to {percent(HIGH_REFUNDS)} refunded")
MANY_REFUNDS = Band("high", -2, f"{percent(HIGH_REFUNDS)} to {percent(REVIEWED_REFUNDS)} refunded")
TOO_MANY_REFUNDS = Band("very_high", -5, f"more than {percent(REVIEWED_REFUNDS)} refunded")


def refunds(metrics: MetricSet) -> Finding | NotMeasured:
    share, charges = metrics.number("refund_volume_ratio"), metrics["refund_volume_ratio"].sample or 0
    if share is None:
        return missing(metrics, "refund_volume_ratio")
    if charges < LEAST_REFUND_CHARGES:
        return NotMeasured(f"it needs {LEAST_REFUND_CHARGES} charges in 90 days and there are {charges}", charges)
    band = FEW_REFUNDS if share <= USUAL_REFUNDS else SOME_REFUNDS if share <= HIGH_REFUNDS else MANY_REFUNDS
    band = TOO_MANY_REFUNDS if share > REVIEWED_REFUNDS else band
    return Finding(band, share, charges)


DURABLE = Band(
    "durable",
    2,
    f"at least {percent(DURABLE_SHARE)} coming back (and, with subscriptions, churn of at most {percent(USUAL_CHURN)})",
)
ONE_OFF = Band("one_off", 0, f"less than {percent(DURABLE_SHARE)} coming back, or churn above {percent(USUAL_CHURN)}")
LEAKING = Band(
    "leaking", -3, f"subscriptions of at least {percent(DURABLE_SHARE)} with churn above {percent(POOR_CHURN)}"
)


def durable_revenue(metrics: MetricSet) -> Finding | NotMeasured:
    subscribed, returning = metrics.number("subscription_revenue_share"), metrics.number("repeat_revenue_share")
    if subscribed is None or returning is None:
        return missing(metrics, "repeat_revenue_share")
    sample = metrics["repeat_revenue_share"].sample
    share, churn = max(subscribed, returning), metrics.number("subscriber_churn_rate")
    has_subscriptions = metrics.number("subscription_count") != 0
    band = ONE_OFF
    if share >= DURABLE_SHARE and (not has_subscriptions or (churn is not None and churn <= USUAL_CHURN)):
        band = DURABLE
    elif subscribed >= DURABLE_SHARE and churn is not None and churn > POOR_CHURN:
        band = LEAKING
    if not has_subscriptions:
        return Finding(band, share, sample)
    more = "subscriptions" if subscribed >= returning else "returning"
    return Finding(band, share, sample, figures={"more": more, "churn": None if churn is None else str(churn)})


CALM = Band("calm", 1, f"less than {percent(VAMP_START)} in disputes and fraud warnings")
NOTICED = Band("noticed", 0, "less than the card networks act on")
ACTIVE = Band("active", -4, f"disputes on {percent(EXCESSIVE_ACTIVITY)} of charges or more")
EXCESSIVE = Band("excessive", -8, f"disputes and warnings on {percent(EXCESSIVE_NETWORK)} of charges or more")


def _vamp(bucket: Bucket) -> Fraction:
    return Fraction(bucket.dispute_count + bucket.fraud_warning_count, bucket.transaction_count)


def _pressure(bucket: Bucket) -> Band:
    """The band of one bucket with charges; too few events say nothing against it."""
    if bucket.dispute_count + bucket.fraud_warning_count < LEAST_EVENTS:
        return NOTICED
    activity, vamp = Fraction(bucket.dispute_count, bucket.transaction_count), _vamp(bucket)
    enough_disputes = bucket.dispute_count >= LEAST_EVENTS
    if vamp >= EXCESSIVE_NETWORK or (activity >= EXCESSIVE_NETWORK and enough_disputes):
        return EXCESSIVE
    return ACTIVE if activity >= EXCESSIVE_ACTIVITY and enough_disputes else NOTICED


def network_pressure(metrics: MetricSet) -> Finding | NotMeasured:
    buckets = [bucket for bucket in metrics.buckets[-PRESSURE_BUCKETS:] if bucket.transaction_count]
    if not buckets:
        return NotMeasured(f"no full {BUCKET_DAYS}-day period of the last three had charges", 0)
    charges = sum(bucket.transaction_count for bucket in buckets)
    band = min(map(_pressure, buckets), key=lambda band: band.points)
    worst = max(map(_vamp, buckets))
    if band is NOTICED and worst < VAMP_START and charges >= LEAST_NETWORK_CHARGES:
        band = CALM
    return Finding(band, worst, charges, figures={"periods": len(buckets)})


GOOD_STANDING = Band("good", 1, "an account in good standing with no negative day")
MINOR_MARKS = Band("minor_marks", 0, f"up to {MANY_NEGATIVE_DAYS - 1} negative days or something past due")
OFTEN_NEGATIVE = Band("often_negative", -3, f"{MANY_NEGATIVE_DAYS} or more days with a negative balance in 90")
DISABLED = Band("disabled", -10, "charges or payouts switched off by Stripe")


def account_standing(metrics: MetricSet) -> Finding | NotMeasured:
    state, negative_days = metrics.word("account_standing"), metrics.number("negative_balance_days")
    if state is None:
        return missing(metrics, "account_standing")
    # The first match decides, so without a balance a disabled account is one all the same.
    if negative_days is None and state != "disabled":
        return missing(metrics, "negative_balance_days")
    days = int(negative_days or 0)
    if state == "disabled":
        band = DISABLED
    elif days >= MANY_NEGATIVE_DAYS:
        band = OFTEN_NEGATIVE
    else:
        band = MINOR_MARKS if days or state == "past_due" else GOOD_STANDING
    return Finding(band, state, figures={} if negative_days is None else {"negative_days": days})


EXTRA_SIGNALS: tuple[Rule, ...] = (
    Rule(
        "track_record", "Track record", "extra", "count", (FULL_YEAR, HALF_YEAR, QUARTER, NEW), track_record, say_record
    ),
    Rule("scale", "Monthly volume", "extra", "money", (LARGE, MEDIUM, SMALL), scale, say_scale),
    Rule("continuity", "Continuity", "extra", "ratio", (UNBROKEN, SOME_GAPS, BROKEN), continuity, say_continuity),
    Rule(
        "concentration",
        "Customer concentration",
        "extra",
        "ratio",
        (SPREAD, TOLERATED, CONCENTRATED, DEPENDENT),
        concentration,
        say_concentration,
    ),
    Rule(
        "refunds",
        "Refunds",
        "extra",
        "ratio",
        (FEW_REFUNDS, SOME_REFUNDS, MANY_REFUNDS, TOO_MANY_REFUNDS),
        refunds,
        say_refunds,
    ),
    Rule(
        "durable_revenue",
        "Durable revenue",
        "extra",
        "ratio",
        (DURABLE, ONE_OFF, LEAKING),
        durable_revenue,
        say_durable_revenue,
    ),
    Rule(
        "network_pressure",
        "Card network pressure",
        "extra",
        "ratio",
        (CALM, NOTICED, ACTIVE, EXCESSIVE),
        network_pressure,
        say_pressure,
    ),
    Rule(
        "account_standing",
        "Account standing",
        "extra",
        "state",
        (GOOD_STANDING, MINOR_MARKS, OFTEN_NEGATIVE, DISABLED),
        account_standing,
        say_standing,
    ),
)
