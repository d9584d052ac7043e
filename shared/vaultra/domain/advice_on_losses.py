"""Advice about what takes points now: one function per line of the catalogue."""

from __future__ import annotations

import math

from vaultra.domain.advice import LIFTS, Seen, Situation, least_volume_minor, without_loss
from vaultra.domain.components import Component
from vaultra.domain.money import format_money
from vaultra.domain.period import BUCKET_DAYS
from vaultra.domain.readiness import BASE_SCORE
from vaultra.domain.thresholds import (
    ERRATIC_VOLATILITY,
    EXCESSIVE_ACTIVITY,
    HIGH_CHARGEBACKS,
    HIGH_REFUNDS,
    LEAST_EVENTS,
    LEAST_MONTHLY_USD_CENTS,
    LEAST_RECORD,
    MANY_NEGATIVE_DAYS,
    PATCHY_WEEKS,
    POOR_CHURN,
    STOP_DAYS,
    TOLERATED_SHARE,
    UNRELIABLE_PAYOUTS,
)
from vaultra.domain.wording import counted, day_in_words, percent

# More than these at once is a list nobody works through.
MOST_NAMED = 3


def _loss(situation: Situation, key: str, advice: str) -> Seen | None:
    """The rule's own sentence and what to do about it, when the rule takes points."""
    part = situation.cost(key)
    if part is None:
        return None
    return Seen(f"{part.sentence} {advice}", better=without_loss(situation.metrics, key))


def chargebacks(situation: Situation) -> Seen | None:
    charges = situation.component("chargeback_ratio").sample or 0
    allowed = counted(math.floor(HIGH_CHARGEBACKS * charges), "chargeback")
    return _loss(
        situation,
        "chargeback_ratio",
        f"On as many charges, {allowed} in 30 days would be the most that takes none. Make your name on card "
        "statements easy to recognise, refund before an unhappy customer goes to the bank, and check risky orders. "
        "Answer every dispute, but do not count on that here: a dispute that is won counts all the same.",
    )


def volatility(situation: Situation) -> Seen | None:
    return _loss(
        situation,
        "revenue_volatility",
        f"A volatility of {percent(ERRATIC_VOLATILITY)} or less takes none. Retainers, subscriptions and billing "
        f"dates spread over the month make one period of {BUCKET_DAYS} days more like the next.",
    )


def payouts(situation: Situation) -> Seen | None:
    settled = situation.component("payout_reliability").sample or 0
    needed = math.ceil(UNRELIABLE_PAYOUTS * settled)
    return _loss(
        situation,
        "payout_reliability",
        f"Of as many payouts, {needed:,} in time would be enough. Look at the failed ones in your Stripe dashboard: "
        "each names a reason, and most are put right in the bank details.",
    )


def core_metrics(situation: Situation) -> Seen | None:
    costly = _costly(situation)
    if situation.readiness.score >= BASE_SCORE or not costly:
        return None
    better = situation.metrics
    for part in costly:
        better = without_loss(better, part.key)
    named = ", ".join(f"{part.label} ({counted(-part.points, 'point')})" for part in costly[:MOST_NAMED])
    before = situation.earlier
    moved = f", after {before.score} on {day_in_words(before.scored_on)}" if before is not None else ""
    return Seen(
        f"The score is {situation.readiness.score}{moved}, and {BASE_SCORE} is where nothing counts for or against "
        f"a business. What takes the most: {named}. Begin with these; the rest can wait.",
        better=better,
    )


def _costly(situation: Situation) -> list[Component]:
    """What takes points, the most first."""
    parts = [part for part in situation.readiness.components if part.points < 0 and part.key in LIFTS]
    return sorted(parts, key=lambda part: part.points)


def falling_revenue(situation: Situation) -> Seen | None:
    return _loss(
        situation,
        "revenue_trend",
        "Level revenue takes none. Find out which customers or products the fall comes from before you spend on "
        "new ones: winning back a customer costs less than finding one.",
    )


def track_record(situation: Situation) -> Seen | None:
    return _loss(
        situation,
        "track_record",
        f"From {LEAST_RECORD} in a row on, it takes none. Time does most of the work: a sale in every period of "
        f"{BUCKET_DAYS} days is all it needs.",
    )


def scale(situation: Situation) -> Seen | None:
    currency, least = situation.metrics.currency, least_volume_minor(situation.metrics)
    if currency is None or least is None:
        return None
    enough = format_money(LEAST_MONTHLY_USD_CENTS, "usd")
    if currency != "usd":
        enough = f"{format_money(math.ceil(least), currency)} (about {enough})"
    return _loss(
        situation,
        "scale",
        f"From {enough} a month on, it takes none. Many lenders do not look at less. Sales that you take outside "
        "Stripe are not seen here.",
    )


def continuity(situation: Situation) -> Seen | None:
    return _loss(
        situation,
        "continuity",
        f"Sales in {percent(PATCHY_WEEKS)} of the weeks and no gap over {STOP_DAYS} days take none. For a season "
        "that is quiet by nature, small regular sales such as vouchers, care plans or deposits fill the weeks.",
    )


def concentration(situation: Situation) -> Seen | None:
    return _loss(
        situation,
        "concentration",
        f"At {percent(TOLERATED_SHARE)} or less, it takes none. Lenders ask what is left if this customer leaves. "
        "More sales to the others bring the share down; there is no need to sell this one less.",
    )


def refunds(situation: Situation) -> Seen | None:
    return _loss(
        situation,
        "refunds",
        f"At {percent(HIGH_REFUNDS)} or less, it takes none. Look for the product or the promise behind most of the "
        "refunds. Keep refunding those who would otherwise dispute the charge: a dispute costs far more.",
    )


def churn(situation: Situation) -> Seen | None:
    return _loss(
        situation,
        "durable_revenue",
        f"A churn of {percent(POOR_CHURN)} or less takes none. Begin with cards that fail: automatic retries and a "
        "reminder before a card expires bring back subscribers who never meant to leave.",
    )


def network_pressure(situation: Situation) -> Seen | None:
    return _loss(
        situation,
        "network_pressure",
        f"Fewer than {LEAST_EVENTS} disputes in a period, or less than {percent(EXCESSIVE_ACTIVITY)} of its charges, "
        "take none. Refund a charge as soon as an early fraud warning names it, before it becomes a dispute. A bad "
        f"period counts until three newer ones of {BUCKET_DAYS} days are complete.",
    )


def disabled_account(situation: Situation) -> Seen | None:
    if situation.metrics.word("account_standing") != "disabled":
        return None
    return _loss(
        situation,
        "account_standing",
        "Open your Stripe dashboard: it says what Stripe waits for, mostly a document or a confirmation. Nothing else "
        "here matters as much while you can't charge or be paid out.",
    )


def negative_balance(situation: Situation) -> Seen | None:
    if situation.metrics.word("account_standing") == "disabled":
        return None
    return _loss(
        situation,
        "account_standing",
        f"Fewer than {MANY_NEGATIVE_DAYS} such days in 90 take none. Refunds and disputes are taken from the balance: "
        "pay out less often, or keep a reserve of a usual week's refunds.",
    )
