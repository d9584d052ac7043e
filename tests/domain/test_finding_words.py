"""What a rule found, as a sentence."""

from fractions import Fraction
from typing import Any

import pytest

from vaultra.domain.readiness import CATALOGUES, FORMULA_VERSION
from vaultra.domain.rules import Finding

RULES = CATALOGUES[FORMULA_VERSION]
SAID: list[tuple[str, str, Fraction | str, int | None, dict[str, Any], str]] = [
    (
        "revenue_trend",
        "increasing",
        "increasing",
        6,
        {"slope": "193/10000"},
        "Over 6 periods, revenue changes by about +1.93% from one 30-day period to the next.",
    ),
    (
        "revenue_trend",
        "declining",
        "declining",
        6,
        {"slope": "-9/250"},
        "Over 6 periods, revenue changes by about -3.6% from one 30-day period to the next.",
    ),
    (
        "revenue_volatility",
        "uneven",
        Fraction(1, 3),
        6,
        {},
        "Revenue swings by 33.33% around its mean over 6 periods of 30 days.",
    ),
    (
        "chargeback_ratio",
        "high",
        Fraction(3, 100),
        1500,
        {},
        "Chargebacks in the last 30 days: 45 on 1,500 charges, which is 3%.",
    ),
    (
        "payout_reliability",
        "mixed",
        Fraction(19, 20),
        20,
        {},
        "Of 20 payouts in 90 days, 19 arrived in time, which is 95%.",
    ),
    (
        "track_record",
        "new",
        Fraction(1),
        None,
        {},
        "Counted back from now, 1 full 30-day period in a row had sales.",
    ),
    (
        "scale",
        "medium",
        Fraction(155_223, 100),
        2,
        {},
        "Over the last three 30-day periods, net volume was $1,552.23 a month.",
    ),
    (
        "continuity",
        "some_gaps",
        Fraction(12, 13),
        13,
        {"gap": 9},
        "There were sales in 12 of the last 13 weeks; the longest gap was 9 days.",
    ),
    (
        "continuity",
        "unbroken",
        Fraction(1),
        26,
        {"gap": 0},
        "There were sales in 26 of the last 26 weeks; no day went without one.",
    ),
    (
        "concentration",
        "spread",
        Fraction(1, 10),
        41,
        {},
        "The largest of 41 customers brought 10% of the volume of 180 days.",
    ),
    ("refunds", "usual", Fraction(1, 25), 129, {}, "Of the volume of 90 days, 4% was refunded."),
    (
        "durable_revenue",
        "durable",
        Fraction(3, 5),
        129,
        {},
        "Of the volume of 180 days, 60% came from customers who came back.",
    ),
    (
        "durable_revenue",
        "leaking",
        Fraction(3, 5),
        129,
        {"more": "subscriptions", "churn": "2/25"},
        "Of the volume of 180 days, 60% came from subscriptions, and subscriber churn is 8%.",
    ),
    (
        "durable_revenue",
        "one_off",
        Fraction(3, 5),
        129,
        {"more": "returning", "churn": None},
        "Of the volume of 180 days, 60% came from customers who came back, and subscriber churn is not measured.",
    ),
    (
        "network_pressure",
        "noticed",
        Fraction(1, 250),
        150,
        {"periods": 3},
        "At worst, over 3 periods, disputes and fraud warnings were 0.4% of charges. "
        "The bonus needs 200 charges and there were 150.",
    ),
    (
        "network_pressure",
        "calm",
        Fraction(1, 250),
        950,
        {"periods": 3},
        "At worst, over 3 periods, disputes and fraud warnings were 0.4% of charges.",
    ),
    (
        "account_standing",
        "often_negative",
        "good",
        None,
        {"negative_days": 4},
        "Stripe lets the account charge and pay out, and 4 days of the last 90 ended with a negative balance.",
    ),
    (
        "account_standing",
        "minor_marks",
        "past_due",
        None,
        {"negative_days": 0},
        "Stripe waits for information that is past due, and no days of the last 90 ended with a negative balance.",
    ),
    ("account_standing", "disabled", "disabled", None, {}, "Stripe has switched off charges or payouts."),
]


@pytest.mark.parametrize(
    ("key", "band", "value", "sample", "figures", "said"), SAID, ids=[f"{key}, {band}" for key, band, *_ in SAID]
)
def test_what_was_found_is_said(
    key: str, band: str, value: Fraction | str, sample: int | None, figures: dict[str, Any], said: str
) -> None:
    rule = RULES[key]
    reached = next(one for one in rule.bands if one.key == band)
    assert rule.say(Finding(reached, value, sample, figures=figures)) == said


def test_an_amount_in_another_currency_is_said_in_both() -> None:
    rule = RULES["scale"]
    found = Finding(rule.bands[1], Fraction(13_179, 100), 3, "usd", {"own": "€111.69"})
    assert rule.say(found).startswith(
        "Over the last three 30-day periods, net volume was $131.79 a month (€111.69, by the reference rate of "
    )


def test_every_rule_says_something() -> None:
    assert {key for key, *_ in SAID} == RULES.keys()
