"""The owner's numbers against published minimums: both sides of each, and what can't be told."""

from dataclasses import replace
from fractions import Fraction

import pytest

from tests.domain.shops import AS_OF, FLAT, TODAY, days_ago, shop
from vaultra.domain.criteria import BOUNDS, NAMES, UNITS, Comparison, compare
from vaultra.domain.disclaimer import DISCLAIMER, NOT_OFFERS
from vaultra.domain.lender_criteria import CRITERIA, Criterion
from vaultra.domain.metric_facts import MetricFacts
from vaultra.domain.metric_set import MetricSet
from vaultra.domain.metrics import compute_metrics
from vaultra.domain.period import ONE_DAY

METRICS = compute_metrics(shop(), AS_OF)
RISING = (700_000, 740_000, 780_000, 820_000, 860_000, 900_000)


def compared(key: str, metrics: MetricSet = METRICS) -> Comparison:
    return next(one for one in compare(metrics) if one.criterion.key == key)


@pytest.mark.parametrize(
    ("key", "metric", "on_the_edge", "status"),
    [
        ("stripe_capital_history", "history_days", 90, "met"),
        ("stripe_capital_history", "history_days", 89, "not_met"),
        ("stripe_capital_month", "monthly_net_volume", 100_000, "met"),
        ("stripe_capital_month", "monthly_net_volume", 99_999, "not_met"),
        ("stripe_disputes", "chargeback_ratio", Fraction(75, 10_000), "met"),
        ("stripe_disputes", "chargeback_ratio", Fraction(76, 10_000), "not_met"),
        ("clearco_month", "monthly_net_volume", 1_000_000, "not_met"),
        ("clearco_month", "monthly_net_volume", 1_000_001, "met"),
        ("cash_advance_negative", "negative_balance_days", 3, "met"),
        ("cash_advance_negative", "negative_balance_days", 4, "not_met"),
        ("concentration_low", "top_customer_share", Fraction(1, 5), "met"),
        ("concentration_low", "top_customer_share", Fraction(21, 100), "not_met"),
    ],
    ids=lambda one: str(one),
)
def test_both_sides_of_a_minimum(key: str, metric: str, on_the_edge: int | Fraction, status: str) -> None:
    found = compared(key, METRICS.with_values({metric: on_the_edge}))
    assert found.status == status
    assert found.headroom is not None
    assert (found.headroom >= 0) is (status == "met" or found.headroom == 0)


def test_a_minimum_that_is_met() -> None:
    found = compared("clearco_history")
    assert (found.value, found.headroom, found.projected_on) == (730, 365, None)
    assert found.sentence == (
        "Clearco: at least 365 days since the first charge (twelve months). Yours: 730, so this is met."
    )


def test_history_grows_by_a_day_each_day() -> None:
    found = compared("clearco_history", METRICS.with_values({"history_days": 300}))
    assert (found.status, found.headroom, found.projected_on) == ("not_met", -65, TODAY + ONE_DAY * 65)
    assert found.sentence.endswith("so this is not met; if it goes on as it does, it is from 24 January 2027 on.")


def test_volume_is_projected_along_a_rising_trend_only() -> None:
    """860,000 a month in mean of three, rising 40,000 in each: 10,000 dollars are passed in the fourth."""
    rising = compute_metrics(shop(RISING), AS_OF)
    assert compared("clearco_month", rising).projected_on == TODAY + ONE_DAY * 120
    small = compute_metrics(shop(tuple(amount // 2 for amount in FLAT)), AS_OF)
    assert (compared("clearco_month", small).status, compared("clearco_month", small).projected_on) == ("not_met", None)
    uneven = compute_metrics(shop((700_000, 900_000, 600_000, 950_000, 650_000, 980_000)), AS_OF)
    assert uneven.word("revenue_trend") == "stable"
    assert (compared("clearco_month", uneven).status, compared("clearco_month", uneven).projected_on) == (
        "not_met",
        None,
    )
    far = compute_metrics(shop(tuple(amount // 20 for amount in RISING)), AS_OF)
    assert compared("clearco_month", far).projected_on is None


def test_a_year_is_twelve_periods() -> None:
    assert compared("wayflyer_year").value == sum(bucket.net_volume_minor for bucket in METRICS.buckets[-12:]) // 100


def test_another_currency_is_turned_into_the_lenders() -> None:
    euros = compute_metrics(shop(settlement_currency="eur"), AS_OF)
    found = compared("clearco_month", euros)
    assert found.currency == "usd"
    # 13,333.33 euros a month, at 1.18 dollars each.
    assert found.value == Fraction(40_000, 3) * Fraction(118, 100)
    own = compared("stripe_capital_month", euros)
    assert (own.currency, own.value) == ("eur", Fraction(40_000, 3))
    assert "Yours: €13,333.33, so this is met." in own.sentence


def test_a_currency_without_a_rate_is_not_measured() -> None:
    francs = compute_metrics(shop(settlement_currency="xaf"), AS_OF)
    assert compared("clearco_month", francs).reason == "there is no reference rate for XAF"
    assert compared("stripe_capital_month", francs).status == "met"


def test_what_is_not_measured_says_why() -> None:
    found = compared("lighter_mrr")
    assert (found.status, found.value, found.reason) == ("not_measured", None, "there never was a subscription")
    assert found.sentence.endswith("Yours is not measured: there never was a subscription.")


def test_a_business_without_anything_meets_only_what_asks_for_nothing() -> None:
    nothing = compute_metrics(MetricFacts(), AS_OF)
    assert [one.criterion.key for one in compare(nothing) if one.status == "met"] == ["cash_advance_negative"]
    assert {one.status for one in compare(nothing)} == {"met", "not_measured", "not_visible"}


def test_what_stripe_does_not_know_is_said_to_be_out_of_sight() -> None:
    found = compared("fundbox_credit")
    assert (found.status, found.headroom) == ("not_visible", None)
    assert found.sentence == (
        "Fundbox: a personal credit score of 600 or more. We can't tell, because it is not in Stripe's data."
    )


def test_what_is_shown_never_looks_like_what_is_asked() -> None:
    just_below = METRICS.with_values({"monthly_net_volume": Fraction(99_999_999, 100)})
    found = compared("clearco_month", replace(just_below, currency="usd"))
    assert "Yours: $9,999.99, so this is not met" in found.sentence


def test_every_minimum_has_its_source_and_the_day_it_was_read() -> None:
    assert len({one.key for one in CRITERIA}) == len(CRITERIA)
    for one in CRITERIA:
        assert one.source.startswith("https://")
        assert days_ago(400) < one.as_of <= TODAY
        assert one.subject in UNITS
        assert one.bound in BOUNDS
        assert (one.threshold is None) == (one.subject == "outside_stripe") == (not NAMES[one.subject])


def test_no_sentence_offers_anything() -> None:
    texts = [one.sentence for one in compare(METRICS)] + [NOT_OFFERS, DISCLAIMER]
    words = ("qualif", "approv", "guarantee", "apply", "eligib")
    assert [text for text in texts if any(word in text.lower() for word in words)] == []
    assert "not offers" in NOT_OFFERS
    assert "not financial, legal or tax advice" in DISCLAIMER
    assert "not a credit score" in DISCLAIMER


def test_another_list_can_be_compared() -> None:
    one = Criterion("x", "A Lender", "history_days", "at_least", Fraction(1), None, "lender", "https://x", TODAY)
    assert [found.status for found in compare(METRICS, [one])] == ["met"]
