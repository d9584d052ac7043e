"""What the score would be: the same engine over changed metrics, and what is refused."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest

from tests.domain.shops import AS_OF, shop
from vaultra.domain.metric_facts import MetricFacts, Totals
from vaultra.domain.metric_set import Value
from vaultra.domain.metrics import METRICS, compute_metrics
from vaultra.domain.readiness import score
from vaultra.domain.what_if import MORE_THAN_SHARES, RANGES, WORDS, simulate
from vaultra.errors import Unprocessable

METRICS_NOW = compute_metrics(shop(), AS_OF)


@pytest.mark.parametrize(
    ("key", "given", "value", "difference"),
    [
        ("chargeback_ratio", Decimal("0.02"), Fraction(2, 100), -5),
        ("chargeback_ratio", Decimal("0.020001"), Fraction(20001, 1000000), -20),
        ("revenue_trend", "increasing", "increasing", 10),
        ("monthly_net_volume", Decimal(10_000), 1_000_000, 0),
        ("monthly_net_volume", Decimal("9999.99"), 999_999, -4),
        ("track_record", Decimal(2), 2, -9),
        ("account_standing", "disabled", "disabled", -11),
        ("mrr", Decimal(5), 500, 0),
    ],
    ids=lambda one: str(one),
)
def test_one_metric_changed(key: str, given: Decimal | str, value: Value, difference: int) -> None:
    assert simulate(METRICS_NOW, {key: given}) == score(METRICS_NOW.with_values({key: value}))
    assert simulate(METRICS_NOW, {key: given}).score - score(METRICS_NOW).score == difference


def test_several_metrics_changed_at_once() -> None:
    changed = simulate(METRICS_NOW, {"revenue_trend": "increasing", "chargeback_ratio": Decimal("0.03")})
    assert changed.score == 83 + 10 - 20


def test_what_rests_on_nothing_is_taken_to_rest_on_one_thing() -> None:
    quiet = compute_metrics(shop(window=Totals()), AS_OF)
    assert quiet["chargeback_ratio"].sample == 0
    with_ratio = simulate(quiet, {"chargeback_ratio": Decimal(0)})
    assert with_ratio.score == score(quiet).score + 5


def test_a_rule_that_needs_more_stays_not_measured() -> None:
    small = compute_metrics(shop(last_90_days=Totals(charge_count=10, revenue_minor=1000)), AS_OF)
    assert simulate(small, {"refund_volume_ratio": Decimal("0.01")}).score == score(small).score


def test_the_metrics_themselves_stay_as_they_are() -> None:
    before = dict(METRICS_NOW.measures)
    simulate(METRICS_NOW, {"chargeback_ratio": Decimal("0.5")})
    assert METRICS_NOW.measures == before


@pytest.mark.parametrize(
    ("key", "given", "reason"),
    [
        ("no_such", Decimal(1), "there is no such metric; see /metrics/definitions"),
        ("payout_reliability", Decimal("1.01"), "must be from 0 to 1"),
        ("chargeback_ratio", Decimal("-0.1"), "must be from 0 to 100"),
        ("track_record", Decimal("2.5"), "must be a whole number"),
        ("track_record", Decimal(-1), "must be from 0 to 1,000,000,000"),
        ("history_days", Decimal(10**6), "must be from 0 to 100,000"),
        ("mrr", Decimal(10) ** 13, "must be from -1,000,000,000,000 to 1,000,000,000,000"),
        ("revenue_trend", "sideways", "must be one of declining, increasing, stable"),
        ("revenue_trend", Decimal(1), "must be one of declining, increasing, stable"),
        ("chargeback_ratio", "low", "must be a number"),
    ],
    ids=lambda one: str(one)[:20],
)
def test_what_is_refused_by_name(key: str, given: Decimal | str, reason: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        simulate(METRICS_NOW, {key: given})
    assert refused.value.details == {"field": f"changes.{key}", "reason": reason}


def test_amounts_need_a_currency() -> None:
    unknown = compute_metrics(MetricFacts(), AS_OF)
    with pytest.raises(Unprocessable, match="currency is not known yet"):
        simulate(unknown, {"mrr": Decimal(1)})


def test_yen_have_no_hundredths() -> None:
    yen = replace(METRICS_NOW, currency="jpy")
    assert simulate(yen, {"monthly_net_volume": Decimal(1_500_000)}) == score(
        yen.with_values({"monthly_net_volume": 1_500_000})
    )


def test_every_metric_has_a_range_or_words() -> None:
    assert {metric.unit for metric in METRICS} == {*RANGES, *WORDS}
    assert set(MORE_THAN_SHARES) <= {metric.key for metric in METRICS if metric.unit == "ratio"}
