"""Every rule that gives advice, on one page, and the one function that asks them all."""

from __future__ import annotations

from vaultra.domain import advice_on_losses as losses
from vaultra.domain import advice_on_warnings as warnings
from vaultra.domain.advice import Advice, AdviceRule, Situation, advice_of

# fmt: off
ADVICE_RULES: tuple[AdviceRule, ...] = (
    # The seeds' four.
    AdviceRule("chargebacks", "Reduce chargebacks", "chargebacks", "reducing-chargebacks",
               ("chargeback_ratio", "chargeback_count", "transaction_count"), losses.chargebacks),
    AdviceRule("volatility", "Stabilize revenue streams", "revenue", "revenue-stability",
               ("revenue_volatility",), losses.volatility),
    AdviceRule("payouts", "Improve payout timing", "cash-flow", "payout-timing",
               ("payout_reliability",), losses.payouts),
    AdviceRule("core_metrics", "Focus on core metrics", "readiness", "readiness-score-explained",
               ("revenue_trend", "revenue_volatility", "chargeback_ratio", "payout_reliability"), losses.core_metrics),
    # Whatever else takes points.
    AdviceRule("falling_revenue", "Stop the fall in revenue", "revenue", "revenue-stability",
               ("revenue_trend", "revenue_slope"), losses.falling_revenue),
    AdviceRule("track_record", "Build a track record", "readiness", "funding-readiness-factors",
               ("track_record", "history_days"), losses.track_record),
    AdviceRule("scale", "Raise the monthly volume", "revenue", "funding-readiness-factors",
               ("monthly_net_volume",), losses.scale),
    AdviceRule("continuity", "Sell in every week", "revenue", "revenue-stability",
               ("active_weeks_ratio", "longest_gap_days"), losses.continuity),
    AdviceRule("concentration", "Depend less on one customer", "customers", "customer-concentration",
               ("top_customer_share", "payer_count"), losses.concentration),
    AdviceRule("refunds", "Refund less", "cash-flow", "refunds-and-negative-balances",
               ("refund_volume_ratio", "refund_count"), losses.refunds),
    AdviceRule("churn", "Keep more subscribers", "customers", "recurring-revenue-and-churn",
               ("subscriber_churn_rate", "subscription_revenue_share"), losses.churn),
    AdviceRule("network_pressure", "Get below the card networks' limits", "chargebacks", "network-monitoring-programs",
               ("chargeback_count", "fraud_warnings", "transaction_count"), losses.network_pressure),
    AdviceRule("disabled_account", "Get your Stripe account switched on again", "account", "payout-timing",
               ("account_standing",), losses.disabled_account),
    AdviceRule("negative_balance", "Keep the Stripe balance above zero", "account", "refunds-and-negative-balances",
               ("negative_balance_days",), losses.negative_balance),
    # Before it takes anything.
    AdviceRule("rising_disputes", "Stop disputes before they count", "chargebacks", "network-monitoring-programs",
               ("chargeback_count", "fraud_warnings", "transaction_count"), warnings.rising_disputes),
    AdviceRule("failed_payout", "Look into payouts that did not arrive", "cash-flow", "payout-timing",
               ("payout_reliability",), warnings.failed_payout),
    AdviceRule("revenue_drop", "Find out why revenue dropped", "revenue", "revenue-stability",
               ("revenue_total", "revenue_trend"), warnings.revenue_drop),
    AdviceRule("large_customer", "Watch your largest customer", "customers", "customer-concentration",
               ("top_customer_share", "payer_count"), warnings.large_customer),
)
# Only when none of the others has anything to say.
ALL_IS_WELL = AdviceRule("stay_ready", "Stay ready", "readiness", "funding-readiness-factors", (), warnings.stay_ready)
# fmt: on


def advise(situation: Situation) -> tuple[Advice, ...]:
    """What there is to say about a business now, in the order of the catalogue; nothing without a charge ever."""
    if not situation.metrics.has_charges:
        return ()
    return _ask(ADVICE_RULES, situation) or _ask((ALL_IS_WELL,), situation)


def _ask(rules: tuple[AdviceRule, ...], situation: Situation) -> tuple[Advice, ...]:
    seen = ((rule, rule.look(situation)) for rule in rules)
    return tuple(advice_of(rule, what, situation) for rule, what in seen if what is not None)
