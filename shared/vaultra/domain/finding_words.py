"""What each rule of the score found, as a sentence: made when somebody reads it, of what was kept."""

from __future__ import annotations

from vaultra.domain.exact import exact
from vaultra.domain.money import format_money
from vaultra.domain.period import BUCKET_DAYS
from vaultra.domain.reference_rates import USD_REFERENCE_ON
from vaultra.domain.rules import Finding
from vaultra.domain.thresholds import (
    DEPENDENT_SHARE,
    DURABLE_SHARE,
    ERRATIC_VOLATILITY,
    EXCESSIVE_ACTIVITY,
    EXCESSIVE_NETWORK,
    HIGH_CHARGEBACKS,
    HIGH_REFUNDS,
    LEAST_NETWORK_CHARGES,
    LOW_CHARGEBACKS,
    POOR_CHURN,
    RELIABLE_PAYOUTS,
    REVIEWED_REFUNDS,
    SPREAD_SHARE,
    STEADY_VOLATILITY,
    TOLERATED_SHARE,
    UNRELIABLE_PAYOUTS,
    USUAL_CHURN,
    USUAL_REFUNDS,
    VAMP_START,
)
from vaultra.domain.wording import counted, day_in_words, percent, share_of


def say_trend(found: Finding) -> str:
    slope = exact(found.figures["slope"])
    change = f"changes by about {'+' if slope > 0 else ''}{percent(slope)}"
    periods = counted(found.sample or 0, "period")
    return f"Over {periods}, revenue {change} from one {BUCKET_DAYS}-day period to the next."


def say_volatility(found: Finding) -> str:
    share = percent(found.number, beside=(STEADY_VOLATILITY, ERRATIC_VOLATILITY))
    return (
        f"Revenue swings by {share} around its mean over {counted(found.sample or 0, 'period')} of {BUCKET_DAYS} days."
    )


def say_chargebacks(found: Finding) -> str:
    share, charges = percent(found.number, beside=(LOW_CHARGEBACKS, HIGH_CHARGEBACKS)), found.sample or 0
    count = share_of(found.number, charges)
    return f"Chargebacks in the last 30 days: {count:,} on {counted(charges, 'charge')}, which is {share}."


def say_payouts(found: Finding) -> str:
    share, payouts = percent(found.number, beside=(UNRELIABLE_PAYOUTS, RELIABLE_PAYOUTS)), found.sample or 0
    count = share_of(found.number, payouts)
    return f"Of {counted(payouts, 'payout')} in 90 days, {count:,} arrived in time, which is {share}."


def say_record(found: Finding) -> str:
    periods = counted(int(found.number), f"full {BUCKET_DAYS}-day period")
    return f"Counted back from now, {periods} in a row had sales."


def say_scale(found: Finding) -> str:
    volume = format_money(int(found.number * 100), "usd")
    said = f"Over the last three {BUCKET_DAYS}-day periods, net volume was {volume} a month"
    if own := found.figures.get("own"):
        said += f" ({own}, by the reference rate of {day_in_words(USD_REFERENCE_ON)})"
    return f"{said}."


def say_continuity(found: Finding) -> str:
    gap, weeks = found.figures["gap"], found.sample or 0
    longest = f"the longest gap was {counted(gap, 'day')}" if gap else "no day went without one"
    return f"There were sales in {share_of(found.number, weeks)} of the last {weeks} weeks; {longest}."


def say_concentration(found: Finding) -> str:
    shown = percent(found.number, beside=(SPREAD_SHARE, TOLERATED_SHARE, DEPENDENT_SHARE))
    return f"The largest of {counted(found.sample or 0, 'customer')} brought {shown} of the volume of 180 days."


def say_refunds(found: Finding) -> str:
    shown = percent(found.number, beside=(USUAL_REFUNDS, HIGH_REFUNDS, REVIEWED_REFUNDS))
    return f"Of the volume of 90 days, {shown} was refunded."


def say_durable_revenue(found: Finding) -> str:
    shown, figures = percent(found.number, beside=(DURABLE_SHARE,)), found.figures
    who = "subscriptions" if figures.get("more") == "subscriptions" else "customers who came back"
    said = f"Of the volume of 180 days, {shown} came from {who}"
    if figures:
        churn = figures["churn"]
        lost = "is not measured" if churn is None else f"is {percent(exact(churn), beside=(USUAL_CHURN, POOR_CHURN))}"
        said += f", and subscriber churn {lost}"
    return f"{said}."


def say_pressure(found: Finding) -> str:
    shown = percent(found.number, beside=(VAMP_START, EXCESSIVE_ACTIVITY, EXCESSIVE_NETWORK))
    periods = counted(found.figures["periods"], "period")
    said = f"At worst, over {periods}, disputes and fraud warnings were {shown} of charges."
    if found.band.key == "noticed" and found.number < VAMP_START:
        said += f" The bonus needs {LEAST_NETWORK_CHARGES} charges and there were {found.sample}."
    return said


def say_standing(found: Finding) -> str:
    standing = {
        "disabled": "Stripe has switched off charges or payouts",
        "past_due": "Stripe waits for information that is past due",
    }.get(str(found.value), "Stripe lets the account charge and pay out")
    if "negative_days" not in found.figures:
        return f"{standing}."
    days = counted(found.figures["negative_days"], "day")
    return f"{standing}, and {days} of the last 90 ended with a negative balance."
