"""Metrics from facts: definitions, samples and reasons."""

import datetime as dt
import random
import re
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.shops import AS_OF, TODAY, days_ago, paid, shop
from vaultra.domain.metric_facts import (
    BalanceHistory,
    DisputeStates,
    MetricFacts,
    PayerTotals,
    Standing,
    Totals,
    Unconverted,
)
from vaultra.domain.metric_set import MetricSet, Value
from vaultra.domain.metrics import METRICS, compute_metrics
from vaultra.domain.subscriptions import Item, Subscription


def value(key: str, **changes: Any) -> Value | None:
    return compute_metrics(shop(**changes), AS_OF)[key].value


def test_every_metric_says_what_it_is() -> None:
    assert len({metric.key for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert metric.label
        assert metric.meaning.endswith(".")
        assert metric.formula
        assert metric.source


def test_what_a_metric_means_names_its_period() -> None:
    for metric in METRICS:
        told = set(re.findall(r"(?:last|,) (\d+) (?:days|weeks)\b", metric.formula))
        assert told <= set(re.findall(r"\d+", metric.meaning)), metric.key
        if "30-day periods" in metric.formula:
            assert "periods" in metric.meaning or "last six" in metric.meaning, metric.key


def test_a_metric_is_either_measured_or_says_why_not() -> None:
    for facts in (MetricFacts(), shop(), shop(settlement_currency=None), shop(first_charge_on=days_ago(3))):
        for measure in compute_metrics(facts, AS_OF).measures.values():
            assert (measure.value is None) == (measure.reason is not None)


def test_the_window() -> None:
    window = Totals(200, 1_000_000, 50, 4, 30_000, 3, 20_000, 5_000, 2)
    metrics = compute_metrics(shop(window=window), AS_OF)
    assert (metrics.period_start, metrics.period_end) == (days_ago(29), TODAY)
    expected: dict[str, Value] = {
        "revenue_total": 1_000_000,
        "net_volume": 955_000,
        "transaction_count": 200,
        "average_transaction_size": Fraction(5000),
        "chargeback_count": 3,
        "chargeback_ratio": Fraction(3, 200),
        "refund_count": 4,
        "refund_ratio": Fraction(1, 50),
        "payment_failure_rate": Fraction(1, 5),
        "fraud_warnings": 2,
    }
    assert {key: metrics[key].value for key in expected} == expected


def test_a_zero_denominator_is_not_measured() -> None:
    metrics = compute_metrics(shop(window=Totals(dispute_count=2, refund_count=1)), AS_OF)
    for key in ("chargeback_ratio", "refund_ratio", "average_transaction_size", "payment_failure_rate"):
        assert metrics[key].value is None
        assert metrics[key].sample == 0
    assert metrics["chargeback_count"].value == 2
    assert metrics["revenue_total"].value == 0


def test_small_samples_are_marked() -> None:
    def low(charges: int, payouts: int) -> set[str]:
        metrics = compute_metrics(shop(window=Totals(charge_count=charges), payouts=paid(payouts)), AS_OF)
        return {key for key, measure in metrics.measures.items() if measure.low_sample}

    assert low(99, 9) == {"chargeback_ratio", "refund_ratio", "payment_failure_rate", "payout_reliability"}
    assert low(100, 10) == set()


def test_one_charge() -> None:
    facts = MetricFacts(
        settlement_currency="usd",
        first_charge_on=TODAY,
        window=Totals(charge_count=1, revenue_minor=4200),
        active_days=frozenset({TODAY}),
    )
    metrics = compute_metrics(facts, AS_OF)
    assert metrics["average_transaction_size"].value == 4200
    assert metrics["revenue_volatility"].value is None
    assert metrics["revenue_trend"].value is None
    assert metrics["history_days"].value == 0
    assert metrics["longest_gap_days"].value == 0


def test_volatility_reads_six_buckets_and_counts_empty_ones() -> None:
    buckets = {0: Totals(1, 100), 2: Totals(1, 100), 4: Totals(1, 100), 7: Totals(1, 10**9)}
    assert float(value("revenue_volatility", buckets=buckets)) == pytest.approx(1.0954, abs=0.00005)  # type: ignore[arg-type]
    young = compute_metrics(shop(buckets=buckets, first_charge_on=days_ago(89)), AS_OF)
    assert young["revenue_volatility"].value is None
    assert young["revenue_volatility"].sample == 2


def test_the_track_record_ends_at_the_first_empty_bucket() -> None:
    buckets = {index: Totals(1, 100) for index in (0, 1, 2, 4, 5)}
    assert value("track_record", buckets=buckets) == 3
    assert value("track_record", buckets={1: Totals(1, 100)}) == 0
    assert value("track_record", first_charge_on=days_ago(59)) == 1


def test_monthly_net_volume_divides_by_three_even_when_young() -> None:
    assert value("monthly_net_volume", first_charge_on=days_ago(60), latest=(800_00, 800_00)) == Fraction(160_000, 3)
    assert value("monthly_net_volume", first_charge_on=days_ago(5)) == 0


def test_weeks_and_gaps() -> None:
    weekly = frozenset(days_ago(1 + 7 * week) for week in range(26))
    assert value("active_weeks_ratio", active_days=weekly) == 1
    assert value("longest_gap_days", active_days=weekly) == 6
    assert value("active_weeks_ratio", active_days=weekly - {days_ago(8)}) == Fraction(25, 26)
    assert value("longest_gap_days", active_days=weekly - {days_ago(8)}) == 13
    assert value("longest_gap_days", active_days=frozenset()) == 183
    assert value("longest_gap_days", active_days=frozenset({days_ago(10)}), first_charge_on=days_ago(10)) == 10


def test_today_alone_makes_no_week() -> None:
    assert value("active_weeks_ratio", active_days=frozenset({TODAY})) == 0
    assert value("active_weeks_ratio", first_charge_on=TODAY) is None


def test_payers() -> None:
    payers = PayerTotals(10, 1000, 900, 4, 250, 600, 100)
    assert value("top_customer_share", payers=payers) == Fraction(1, 4)
    assert value("identified_volume_share", payers=payers) == Fraction(9, 10)
    assert value("repeat_revenue_share", payers=payers) == Fraction(3, 5)
    assert value("subscription_revenue_share", payers=payers) == Fraction(1, 10)
    anonymous = PayerTotals(10, 1000)
    assert value("top_customer_share", payers=anonymous) is None
    assert value("repeat_revenue_share", payers=anonymous) == 0
    assert value("top_customer_share", payers=PayerTotals()) is None


def test_refunds_by_value_over_ninety_days() -> None:
    totals = Totals(charge_count=80, revenue_minor=1000, refunded_minor=30)
    assert value("refund_volume_ratio", last_90_days=totals) == Fraction(3, 100)


def test_disputes() -> None:
    disputes = DisputeStates(open_count=2, won_count=1, lost_count=3)
    assert value("open_disputes", disputes=disputes) == 2
    assert value("dispute_win_rate", disputes=disputes) == Fraction(1, 4)
    assert value("dispute_win_rate") is None


def test_negative_days_run_from_the_opening_balance() -> None:
    movements = {days_ago(89): -600, days_ago(87): 200, days_ago(0): -101}
    assert value("negative_balance_days", balance=BalanceHistory(500, movements)) == 3
    assert value("negative_balance_days", balance=BalanceHistory(-1, {})) == 90
    assert value("negative_balance_days", balance=BalanceHistory(0, {days_ago(90): -5})) == 0
    assert value("negative_balance_days", balance=BalanceHistory(None, movements)) is None


@pytest.mark.parametrize(
    ("standing", "state"),
    [
        (Standing(True, True, False), "good"),
        (Standing(True, True, True), "past_due"),
        (Standing(False, True, True), "disabled"),
        (Standing(True, False, False), "disabled"),
        (None, None),
    ],
)
def test_standing(standing: Standing | None, state: str | None) -> None:
    assert value("account_standing", standing=standing) == state


def test_recurring_revenue() -> None:
    started = AS_OF - dt.timedelta(days=200)
    plan = (Item("usd", "month", Fraction(99_99)),)
    subscriptions = tuple(Subscription(f"s{n}", "active", plan, f"c{n}", started) for n in range(3))
    ended = replace(subscriptions[0], status="canceled", ended_at=AS_OF - dt.timedelta(days=2))
    metrics = compute_metrics(shop(subscriptions=(ended, *subscriptions[1:]), subscriptions_ever=3), AS_OF)
    expected: dict[str, Value] = {
        "mrr": 199_98,
        "arr": 2399_76,
        "active_subscribers": 2,
        "arpu": Fraction(99_99),
        "subscriber_churn_rate": Fraction(1, 3),
        "net_revenue_retention": Fraction(2, 3),
        "subscription_count": 3,
    }
    assert {key: metrics[key].value for key in expected} == expected
    all_gone = compute_metrics(shop(subscriptions=(ended,), subscriptions_ever=1), AS_OF)
    assert (all_gone["mrr"].value, all_gone["arpu"].value) == (0, None)
    assert compute_metrics(shop(), AS_OF)["mrr"].value is None


def test_who_never_had_a_subscription_has_no_subscribers() -> None:
    metrics = compute_metrics(shop(), AS_OF)
    assert metrics["active_subscribers"].value == 0
    assert [metrics[key].value for key in ("mrr", "arr", "arpu")] == [None, None, None]


def test_retention_counts_upgrades_of_those_who_stay_only() -> None:
    # 20 subscribers at 10 then; now 5 pay 25 and 8 pay 10: 205 of 200, whatever three new ones bring.
    def one(name: str, cents: int, age: int, **more: Any) -> Subscription:
        plan = (Item("usd", "month", Fraction(cents)),)
        return Subscription(name, "active", plan, f"c{name[1:]}", AS_OF - dt.timedelta(days=age), **more)

    ended = {"ended_at": AS_OF - dt.timedelta(days=1)}
    then = [replace(one(f"t{n}", 10_00, 90, **ended), status="canceled") for n in range(20)]
    upgraded = [one(f"u{n}", 25_00, 1) for n in range(5)]
    kept = [one(f"k{n}", 10_00, 1) for n in range(5, 13)]
    new = [one(f"n{n}", 99_00, 1) for n in range(50, 53)]
    metrics = compute_metrics(shop(subscriptions=(*then, *upgraded, *kept, *new), subscriptions_ever=36), AS_OF)
    assert metrics["net_revenue_retention"].value == Fraction(205, 200)
    assert metrics["subscriber_churn_rate"].value == Fraction(7, 20)


def test_activity_counts_disputes_of_the_window_not_of_its_charges() -> None:
    assert value("chargeback_ratio", window=Totals(charge_count=1000, dispute_count=10)) == Fraction(1, 100)


def test_what_could_not_be_converted_is_listed() -> None:
    charge = Unconverted("ch_1", 500, "sek")
    plan = (Item("nok", "month", Fraction(10_00)),)
    metrics = compute_metrics(
        shop(unconverted=(charge,), subscriptions=(Subscription("sub_1", "active", plan, "c"),), subscriptions_ever=1),
        AS_OF,
    )
    assert metrics.unconverted == (charge, Unconverted("sub_1", 1000, "nok"))


def test_without_a_settlement_currency_no_amount_is_told() -> None:
    metrics = compute_metrics(shop(settlement_currency=None), AS_OF)
    amounts = [metric.key for metric in METRICS if metric.unit == "money"]
    assert {metrics[key].value for key in amounts} == {None}


@given(st.integers(0, 2**32))
def test_the_order_of_the_facts_is_irrelevant(seed: int) -> None:
    shuffle = random.Random(seed)
    facts = shop(payouts=paid(12, 3))
    buckets = list(facts.buckets.items())
    payouts = list(facts.payouts)
    shuffle.shuffle(buckets)
    shuffle.shuffle(payouts)
    shuffled = replace(facts, buckets=dict(buckets), payouts=tuple(payouts))
    assert compute_metrics(shuffled, AS_OF) == compute_metrics(facts, AS_OF)


TOTALS = st.builds(Totals, *[st.integers(0, 10**6)] * 9)


@given(TOTALS, st.dictionaries(st.integers(0, 23), TOTALS), st.integers(0, 800))
def test_shares_stay_within_their_range(window: Totals, buckets: dict[int, Totals], age: int) -> None:
    metrics: MetricSet = compute_metrics(shop(window=window, buckets=buckets, first_charge_on=days_ago(age)), AS_OF)
    for key in ("payout_reliability", "payment_failure_rate", "active_weeks_ratio", "top_customer_share"):
        number = metrics.number(key)
        assert number is None or 0 <= number <= 1
    assert len(metrics.buckets) == age // 30


def test_charging_more_never_raises_the_chargeback_ratio() -> None:
    ratios = [value("chargeback_ratio", window=Totals(charge_count=count, dispute_count=3)) for count in range(1, 400)]
    assert ratios == sorted(ratios, reverse=True)  # type: ignore[type-var]
