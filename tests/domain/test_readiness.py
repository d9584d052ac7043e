"""The score: both sides of every threshold, the worked profiles, and what must always hold."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.shops import AS_OF, FLAT, GROWING, days_ago, paid, shop
from vaultra.domain.extra_signals import EXTRA_SIGNALS
from vaultra.domain.metric_facts import BalanceHistory, MetricFacts, PayerTotals, Standing, Totals
from vaultra.domain.metric_set import Bucket, Measure, MetricSet, Value
from vaultra.domain.metrics import compute_metrics
from vaultra.domain.readiness import (
    RULES,
    TIERS,
    Component,
    components_json,
    score,
    tier_of,
    trend_between,
)
from vaultra.domain.rules import Rule
from vaultra.domain.seed_rules import SEED_RULES
from vaultra.domain.thresholds import HIGH_CHARGEBACKS

METRICS = compute_metrics(shop(), AS_OF)
EXAMPLE = Path(__file__).parents[2] / "frontend" / "src" / "lib" / "example.json"


def component(metrics: MetricSet, key: str) -> Component:
    return next(part for part in score(metrics).components if part.key == key)


def points(rule: str, values: Mapping[str, Value], samples: Mapping[str, int] | None = None) -> int:
    """What a rule gives when these metrics have these values."""
    metrics = METRICS.with_values(values)
    resized = {key: replace(metrics[key], sample=sample) for key, sample in (samples or {}).items()}
    return component(replace(metrics, measures={**metrics.measures, **resized}), rule).points


# --- Worked profiles ------------------------------------------------------------------------


def test_the_best_of_every_rule_is_exactly_a_hundred() -> None:
    def best(rules: Sequence[Rule]) -> int:
        return sum(max(band.points for band in rule.bands) for rule in rules)

    assert (50 + best(SEED_RULES), best(EXTRA_SIGNALS)) == (80, 20)


def test_a_steady_two_year_shop() -> None:
    readiness = score(METRICS)
    assert (readiness.seed_score, readiness.score, readiness.tier.key) == (65, 83, "funding_ready")


def test_the_landing_page_shows_what_the_formula_gives() -> None:
    shown, readiness = json.loads(EXAMPLE.read_text()), score(METRICS)
    assert shown["components"] == components_json(readiness)
    assert (shown["score"], shown["seed_score"], shown["tier"]) == (
        readiness.score,
        readiness.seed_score,
        readiness.tier.key,
    )
    assert shown["confidence"] == {"low": readiness.confidence_low, "high": readiness.confidence_high}
    assert shown["formula_version"] == readiness.formula_version


def test_the_same_shop_growing() -> None:
    readiness = score(compute_metrics(shop(GROWING), AS_OF))
    assert (readiness.seed_score, readiness.score, readiness.tier.key) == (75, 93, "highly_attractive")


def test_a_two_month_old_shop() -> None:
    young = shop(
        first_charge_on=days_ago(61),
        window=Totals(charge_count=20, revenue_minor=800_00),
        last_90_days=Totals(charge_count=40, revenue_minor=1_600_00),
        buckets={0: Totals(20, 800_00), 1: Totals(20, 800_00)},
        payers=PayerTotals(40, 1_600_00, 1_600_00, 3, 900_00, 100_00, 0),
        active_days=frozenset(days_ago(age) for age in range(0, 62, 3)),
        payouts=paid(8),
    )
    readiness = score(compute_metrics(young, AS_OF))
    assert (readiness.seed_score, readiness.score) == (65, 56)
    assert {part.key: part.points for part in readiness.components if part.points} == {
        "chargeback_ratio": 5,
        "payout_reliability": 10,
        "track_record": -5,
        "scale": -5,
        "account_standing": 1,
    }


def test_without_a_charge_ever_nothing_is_measured() -> None:
    silent = MetricFacts(settlement_currency="usd", payouts=paid(30), standing=Standing(True, True, False))
    readiness = score(compute_metrics(silent, AS_OF))
    assert (readiness.score, readiness.seed_score, readiness.confidence_low, readiness.confidence_high) == (50,) * 4
    assert {part.effect for part in readiness.components} == {"not_measured"}
    assert set(readiness.gauges.values()) == {None}


# --- Both sides of every threshold ----------------------------------------------------------

TINY = Fraction(1, 10**9)


def around(threshold: str) -> tuple[Fraction, Fraction, Fraction]:
    middle = Fraction(threshold)
    return middle - TINY, middle, middle + TINY


@pytest.mark.parametrize(
    ("rule", "metric", "threshold", "expected"),
    [
        ("revenue_volatility", "revenue_volatility", "0.5", (0, 0, -10)),
        ("revenue_volatility", "revenue_volatility", "0.2", (5, 0, 0)),
        ("chargeback_ratio", "chargeback_ratio", "0.02", (0, 0, -15)),
        ("chargeback_ratio", "chargeback_ratio", "0.005", (5, 0, 0)),
        ("payout_reliability", "payout_reliability", "0.95", (0, 0, 10)),
        ("payout_reliability", "payout_reliability", "0.8", (-10, 0, 0)),
        ("scale", "monthly_net_volume", "1000000", (0, 4, 4)),
        ("scale", "monthly_net_volume", "100000", (-5, 0, 0)),
        ("concentration", "top_customer_share", "0.2", (3, 3, 0)),
        ("concentration", "top_customer_share", "0.25", (0, 0, -2)),
        ("concentration", "top_customer_share", "0.5", (-2, -2, -5)),
        ("concentration", "identified_volume_share", "0.8", (0, 3, 3)),
        ("refunds", "refund_volume_ratio", "0.03", (2, 2, 0)),
        ("refunds", "refund_volume_ratio", "0.05", (0, 0, -2)),
        ("refunds", "refund_volume_ratio", "0.1", (-2, -2, -5)),
        ("continuity", "active_weeks_ratio", "0.95", (0, 3, 3)),
        ("continuity", "active_weeks_ratio", "0.8", (-4, 0, 0)),
        ("durable_revenue", "repeat_revenue_share", "0.5", (0, 2, 2)),
    ],
)
def test_thresholds_of_ratios(rule: str, metric: str, threshold: str, expected: tuple[int, int, int]) -> None:
    assert tuple(points(rule, {metric: value}) for value in around(threshold)) == expected


@pytest.mark.parametrize(
    ("rule", "metric", "value", "expected"),
    [
        ("revenue_trend", "revenue_trend", "increasing", 10),
        ("revenue_trend", "revenue_trend", "stable", 0),
        ("revenue_trend", "revenue_trend", "declining", -5),
        ("track_record", "track_record", 12, 4),
        ("track_record", "track_record", 11, 2),
        ("track_record", "track_record", 6, 2),
        ("track_record", "track_record", 5, 0),
        ("track_record", "track_record", 3, 0),
        ("track_record", "track_record", 2, -5),
        ("track_record", "track_record", 0, -5),
        ("continuity", "longest_gap_days", 14, 3),
        ("continuity", "longest_gap_days", 15, 0),
        ("continuity", "longest_gap_days", 30, 0),
        ("continuity", "longest_gap_days", 31, -4),
        ("concentration", "payer_count", 5, 3),
        ("concentration", "payer_count", 4, 0),
        ("account_standing", "account_standing", "good", 1),
        ("account_standing", "account_standing", "past_due", 0),
        ("account_standing", "account_standing", "disabled", -10),
        ("account_standing", "negative_balance_days", 1, 0),
        ("account_standing", "negative_balance_days", 3, 0),
        ("account_standing", "negative_balance_days", 4, -3),
    ],
)
def test_thresholds_of_counts_and_words(rule: str, metric: str, value: Value, expected: int) -> None:
    assert points(rule, {metric: value}) == expected


def test_the_first_match_decides_about_standing() -> None:
    assert points("account_standing", {"account_standing": "disabled", "negative_balance_days": 9}) == -10
    assert points("account_standing", {"account_standing": "past_due", "negative_balance_days": 4}) == -3


def test_without_a_balance_only_a_disabled_account_is_judged() -> None:
    unread = shop(balance=BalanceHistory(None))
    assert component(compute_metrics(unread, AS_OF), "account_standing").effect == "not_measured"
    disabled = replace(unread, standing=Standing(charges_enabled=False, payouts_enabled=True, past_due=False))
    found = component(compute_metrics(disabled, AS_OF), "account_standing")
    assert (found.points, "negative balance" in found.sentence) == (-10, False)


@pytest.mark.parametrize(
    ("rule", "metric", "least", "expected"),
    [("continuity", "active_weeks_ratio", 12, 3), ("refunds", "refund_volume_ratio", 50, 2)],
)
def test_least_samples(rule: str, metric: str, least: int, expected: int) -> None:
    assert points(rule, {}, {metric: least}) == expected
    assert points(rule, {}, {metric: least - 1}) == 0


@pytest.mark.parametrize(
    ("subscribed", "returning", "churn", "ever", "expected"),
    [
        ("0.6", "0", "0.05", 9, 2),
        ("0.6", "0", "0.06", 9, 0),
        ("0.6", "0", "0.07", 9, 0),
        ("0.6", "0", "0.08", 9, -3),
        ("0.4", "0.6", "0.08", 9, 0),
        ("0.4", "0.6", "0.05", 9, 2),
        ("0.6", "0", None, 9, 0),
        ("0", "0.6", None, 9, 0),
        ("0", "0.6", None, 0, 2),
        ("0.4", "0.4", "0.01", 9, 0),
    ],
)
def test_durable_revenue(subscribed: str, returning: str, churn: str | None, ever: int, expected: int) -> None:
    metrics = METRICS.with_values(
        {
            "subscription_revenue_share": Fraction(subscribed),
            "repeat_revenue_share": Fraction(returning),
            "subscription_count": ever,
            **({} if churn is None else {"subscriber_churn_rate": Fraction(churn)}),
        }
    )
    assert component(metrics, "durable_revenue").points == expected


def pressed(*buckets: tuple[int, int, int]) -> int:
    """Points of network pressure for (charges, disputes, warnings) per bucket, oldest first."""
    made = tuple(
        Bucket(
            days_ago(30), days_ago(1), transaction_count=charges, dispute_count=disputes, fraud_warning_count=warnings
        )
        for charges, disputes, warnings in buckets
    )
    return component(replace(METRICS, buckets=made), "network_pressure").points


@pytest.mark.parametrize(
    ("buckets", "expected"),
    [
        ([(200, 0, 0)], 1),
        ([(199, 0, 0)], 0),
        ([(100, 0, 0), (0, 0, 0), (100, 0, 0)], 1),
        ([(1000, 2, 2), (1000, 0, 0)], 1),
        ([(1000, 3, 2), (1000, 0, 0)], 0),  # exactly 0.5 %
        ([(800, 6, 0)], -4),  # exactly 0.75 %
        ([(801, 6, 0)], 0),
        ([(500, 4, 0)], 0),  # 0.8 %, but four events
        ([(400, 6, 0)], -8),  # exactly 1.5 %
        ([(401, 6, 0)], -4),
        ([(400, 1, 5)], -8),  # the warnings bring it there
        ([(400, 3, 4)], -8),  # disputes alone are too few for activity, together they are enough
        ([(100, 0, 4)], 0),
        ([(10, 1, 0), (800, 6, 0)], -4),  # the worse ratio has too few events; the other still counts
        ([(400, 40, 0), (500, 0, 0), (500, 0, 0), (500, 0, 0)], 1),  # older than the last three
        ([(0, 0, 0)], 0),
    ],
)
def test_network_pressure(buckets: list[tuple[int, int, int]], expected: int) -> None:
    assert pressed(*buckets) == expected


def test_scale_speaks_dollars() -> None:
    def in_currency(currency: str, minor: int) -> Component:
        metrics = replace(METRICS.with_values({"monthly_net_volume": minor}), currency=currency)
        return component(metrics, "scale")

    assert in_currency("jpy", 1_440_923).points == 4
    assert in_currency("jpy", 1_440_922).points == 0
    assert in_currency("kwd", 305_810).points == -5
    assert in_currency("kwd", 305_811).points == 0
    unknown = in_currency("xyz", 10**9)
    assert (unknown.points, unknown.effect) == (0, "not_measured")
    just_below = METRICS.with_values({"monthly_net_volume": Fraction(999_999_999, 1000)})
    assert component(just_below, "scale").value == Fraction("9999.99")


@pytest.mark.parametrize(
    ("good", "bad", "expected"), [(19, 1, 0), (20, 1, 10), (3, 1, -10), (4, 1, 0), (9, 1, 0), (10, 0, 10)]
)
def test_payouts_of_the_worked_values(good: int, bad: int, expected: int) -> None:
    metrics = compute_metrics(shop(payouts=paid(good, bad)), AS_OF)
    assert component(metrics, "payout_reliability").points == expected


# --- What explains the score ----------------------------------------------------------------


def test_the_positives_reach_exactly_one_hundred() -> None:
    best = {group: sum(rule.bands[0].points for rule in RULES if rule.group == group) for group in ("seed", "extra")}
    assert best == {"seed": 30, "extra": 20}
    for rule in RULES:
        assert list(rule.bands) == sorted(rule.bands, key=lambda band: -band.points)


def test_sentences_quote_values_and_thresholds() -> None:
    metrics = METRICS.with_values({"chargeback_ratio": Fraction(13, 500)})
    assert component(metrics, "chargeback_ratio").sentence == (
        "Chargebacks in the last 30 days: 13 on 500 charges, which is 2.6%. "
        "This takes 15 points, for a chargeback ratio above 2%; a chargeback ratio below 0.5% would add 5."
    )
    assert component(METRICS, "payout_reliability").sentence == (
        "Of 26 payouts in 90 days, 26 arrived in time, which is 100%. "
        "This adds 10 points, for a payout reliability above 95%."
    )
    nearly = component(METRICS.with_values({"chargeback_ratio": HIGH_CHARGEBACKS + TINY}), "chargeback_ratio")
    assert "2.0000001%" in nearly.sentence
    silent = component(compute_metrics(shop(window=Totals()), AS_OF), "chargeback_ratio")
    assert silent.sentence == (
        "Not measured: there were no charges in the last 30 days. That neither adds nor takes points."
    )
    for part in score(METRICS).components:
        assert part.sentence.endswith(".")


def test_gauges() -> None:
    values = {"revenue_volatility": Fraction("0.3"), "chargeback_ratio": Fraction("0.005")}
    gauges = score(METRICS.with_values(values)).gauges
    assert gauges == {
        "revenue_stability": Fraction("0.7"),
        "risk_signals": Fraction("0.75"),
        "payout_reliability": Fraction(1),
    }
    extreme = {"revenue_volatility": Fraction(2), "chargeback_ratio": Fraction("0.03")}
    assert set(score(METRICS.with_values(extreme)).gauges.values()) == {Fraction(0), Fraction(1)}


def test_the_shape_that_is_stored() -> None:
    stored = components_json(score(METRICS))
    assert set(stored) == {"revenue_stability", "risk_signals", "payout_reliability", "rules"}
    fields = "key label group value unit currency sample points best_points worst_points band effect reason sentence"
    for rule in stored["rules"]:
        assert set(rule) == set(fields.split())
        assert rule["value"] is None or isinstance(rule["value"], float | str)
    assert [rule["key"] for rule in stored["rules"]] == [rule.key for rule in RULES]


def test_confidence_moves_chargebacks_and_payouts_together() -> None:
    # 1 of 500 disputed: 0.04–1.1 %, so +5 or 0; 26 of 26 payouts: 87–100 %, so 0 or +10.
    readiness = score(METRICS)
    assert (readiness.confidence_low, readiness.confidence_high) == (83 - 5 - 10, 83)
    many = score(compute_metrics(shop(payouts=paid(2600), window=Totals(50_000, 10**6, dispute_count=100)), AS_OF))
    assert many.confidence_low == many.confidence_high == many.score


@pytest.mark.parametrize(
    ("value", "tier"),
    [
        (0, "not_ready"),
        (40, "not_ready"),
        (41, "improving"),
        (70, "improving"),
        (71, "funding_ready"),
        (85, "funding_ready"),
        (86, "highly_attractive"),
        (100, "highly_attractive"),
    ],
)
def test_tiers(value: int, tier: str) -> None:
    assert tier_of(value).key == tier


def test_tier_labels() -> None:
    assert [tier.label for tier in TIERS] == ["Highly attractive", "Funding-ready", "Improving", "Not ready"]


@pytest.mark.parametrize(
    ("earlier", "latest", "expected"),
    [(None, 60, None), (60, 62, "stable"), (60, 63, "improving"), (60, 58, "stable"), (60, 57, "declining")],
)
def test_trend_of_a_score(earlier: int | None, latest: int, expected: str | None) -> None:
    assert trend_between(earlier, latest) == expected


def test_provisional_until_history_is_there() -> None:
    assert not score(METRICS).provisional
    assert score(compute_metrics(shop(history_complete=False), AS_OF)).provisional


# --- What always holds ----------------------------------------------------------------------

TOTALS = st.builds(Totals, *[st.integers(0, 3000)] * 9)
FACTS = st.builds(
    shop,
    latest=st.tuples(*[st.integers(0, 10**7)] * 6),
    window=TOTALS,
    last_90_days=TOTALS,
    first_charge_on=st.none() | st.integers(0, 800).map(days_ago),
    payouts=st.builds(paid, st.integers(0, 60), st.integers(0, 20)),
    settlement_currency=st.sampled_from(["usd", "jpy", "xyz", None]),
    standing=st.none() | st.builds(Standing, st.booleans(), st.booleans(), st.booleans()),
)


@given(FACTS)
def test_points_add_up_and_stay_in_bounds(facts: MetricFacts) -> None:
    readiness = score(compute_metrics(facts, AS_OF))
    total = 50 + sum(part.points for part in readiness.components)
    assert readiness.score == max(0, min(100, total))
    assert 0 <= readiness.confidence_low <= readiness.score <= readiness.confidence_high <= 100
    for part in readiness.components:
        assert part.worst_points <= part.points <= part.best_points
        if part.effect == "not_measured":
            assert (part.points, part.value) == (0, None)
            assert part.reason
        else:
            assert part.value is not None


@given(FACTS, st.sampled_from(["chargeback_ratio", "payout_reliability", "revenue_volatility", "refund_volume_ratio"]))
def test_losing_a_measurement_never_costs_and_never_earns(facts: MetricFacts, key: str) -> None:
    metrics = compute_metrics(facts, AS_OF)
    unmeasured = replace(metrics, measures={**metrics.measures, key: Measure(reason="nothing to go by")})
    rule = "refunds" if key == "refund_volume_ratio" else key
    assert component(unmeasured, rule).points == 0


@given(FACTS, st.integers(1, 500))
def test_a_clean_charge_never_hurts_the_chargeback_rule(facts: MetricFacts, more: int) -> None:
    if not facts.window.charge_count:
        return
    window = facts.window._replace(charge_count=facts.window.charge_count + more)
    before = component(compute_metrics(facts, AS_OF), "chargeback_ratio").points
    after = component(compute_metrics(replace(facts, window=window), AS_OF), "chargeback_ratio").points
    assert after >= before


def test_flat_is_neither_rising_nor_too_unsteady() -> None:
    assert METRICS.word("revenue_trend") == "stable"
    volatility = METRICS.number("revenue_volatility")
    assert volatility is not None
    assert Fraction("0.2") < volatility < Fraction("0.5")
    assert len(FLAT) == 6
