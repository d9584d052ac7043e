"""What can be done for each rule: the exact target, and not a unit less."""

from dataclasses import replace
from fractions import Fraction

import pytest

from tests.domain.businesses import Business, Event, facts_on, outlook_of, steady_business
from tests.domain.shops import TODAY, days_ago
from vaultra.domain.growth import MOST_MORE, SALES_RULES, more_sales, sold_more
from vaultra.domain.metric_facts import PayerTotals, Standing
from vaultra.domain.metric_set import MetricSet
from vaultra.domain.readiness import RULES, judge
from vaultra.domain.roll_off import coming_days
from vaultra.domain.rules import NotMeasured
from vaultra.domain.steps import ACTIONS, KEEP, Prospect, Step, applied

RULE = {rule.key: rule for rule in RULES}


def on(business: Business, ahead: int) -> Prospect:
    outlook = outlook_of(business)
    return Prospect(outlook, ahead, coming_days(outlook)[ahead])


def points(metrics: MetricSet, key: str) -> int:
    finding = judge(RULE[key], metrics)
    return 0 if isinstance(finding, NotMeasured) else finding.band.points


def gains(prospect: Prospect, key: str) -> list[tuple[str, int]]:
    """Every step there is for a rule, and the points it then adds."""
    metrics = prospect.then.metrics
    return [(step.sentence, points(applied(metrics, step), key)) for step in ACTIONS[key](prospect)]


def event(kind: str, age: int, minor: int = 4000) -> Event:
    return Event(days_ago(age), kind, minor)


def test_clean_charges_thin_out_disputes() -> None:
    """Two disputes on 300 charges: 401 charges are needed to be below half a per cent, 101 more."""
    shop = steady_business(event("dispute", 4), event("dispute", 3))
    said = "101 more clean charges than in the last 30 days, and no new dispute, until 1 December 2026"
    assert gains(on(shop, 11), "chargeback_ratio") == [(said, 5)]
    assert gains(on(shop, 10), "chargeback_ratio") == []  # only 100 more than usual are possible until then


def test_one_clean_charge_less_is_not_enough() -> None:
    prospect = on(steady_business(event("dispute", 4), event("dispute", 3)), 11)
    (step,) = ACTIONS["chargeback_ratio"](prospect)
    measure = step.sets["chargeback_ratio"]
    assert measure.sample == 401
    less = replace(step, sets={"chargeback_ratio": replace(measure, value=Fraction(2, 400), sample=400)})
    assert points(applied(prospect.then.metrics, less), "chargeback_ratio") == 0


def test_sales_without_refunds_thin_out_refunds() -> None:
    """4 % of 36,000 dollars in 90 days refunded: 48,000 dollars make it three."""
    shop = steady_business(event("refund", 10, 1_440_00))
    (said, gained), *_ = gains(on(shop, 60), "refunds")
    assert said == "$12,000.00 more sold than usual, and no further refund, until 19 January 2027"
    assert gained == 2
    assert [one for one in gains(on(shop, 20), "refunds") if one[1] == 2] == []


def test_others_thin_out_the_largest_customer() -> None:
    """A fourth of 72,000 dollars from one customer: 90,000 dollars make it a fifth."""
    shop = steady_business(payers=PayerTotals(1800, 7_200_000, 7_200_000, 300, 1_800_000, 2_000_000, 0))
    said = "$18,000.00 more sold to others than the largest customer until 4 January 2027"
    assert gains(on(shop, 45), "concentration") == [(said, 3)]
    assert gains(on(shop, 44), "concentration") == []


def test_who_else_buys_is_known() -> None:
    """Of what the others buy the payer is known, so the share of known payers rises with it."""
    shop = steady_business(payers=PayerTotals(1800, 7_200_000, 6_000_000, 300, 1_800_000, 2_000_000, 0))
    (step,) = ACTIONS["concentration"](on(shop, 45))
    assert step.sets["identified_volume_share"].value == Fraction(7_800_000, 9_000_000)
    assert step.sets["top_customer_share"].value == Fraction(1, 5)


def test_customers_who_come_back_make_revenue_durable() -> None:
    """30,000 of 72,000 dollars came back: 12,000 more of them make it half."""
    shop = steady_business(payers=PayerTotals(1800, 7_200_000, 7_200_000, 300, 700_000, 3_000_000, 0))
    said = "$12,000.00 more sold to customers who bought 30 days before or earlier, until 20 December 2026"
    assert gains(on(shop, 30), "durable_revenue") == [(said, 2)]
    assert gains(on(shop, 29), "durable_revenue") == []


def test_enough_charges_earn_the_bonus_of_a_calm_record() -> None:
    shop = steady_business(per_day=2, minor=20_000)
    said = "20 more charges than usual, and no new dispute or fraud warning, until 1 December 2026"
    assert gains(on(shop, 11), "network_pressure") == [(said, 1)]
    assert gains(on(shop, 10), "network_pressure") == []
    noisy = replace(shop, events=(*shop.events, event("dispute", 40)))
    assert gains(on(noisy, 11), "network_pressure") == []


def test_a_sale_in_every_week_closes_the_gaps() -> None:
    kept = [one for one in steady_business(per_day=1).events if not 3 <= (TODAY - one.on).days <= 24]
    shop = replace(steady_business(per_day=1), events=tuple(kept))
    prospect = on(shop, 90)
    assert points(prospect.then.metrics, "continuity") < 0
    ((said, gained),) = gains(prospect, "continuity")
    assert said == "At least one sale in every seven days until 18 February 2027"
    assert gained == 0


@pytest.mark.parametrize(
    ("standing", "effort"),
    [
        (Standing(True, True, past_due=True), "paperwork"),
        (Standing(True, False, past_due=True), "stripe"),
    ],
    ids=["past due", "disabled"],
)
def test_stripe_can_be_given_what_it_waits_for(standing: Standing, effort: str) -> None:
    prospect = on(steady_business(standing=standing), 1)
    (step,) = ACTIONS["account_standing"](prospect)
    assert (step.effort, points(applied(prospect.then.metrics, step), "account_standing")) == (effort, 1)


def test_nothing_is_asked_of_a_business_in_good_order() -> None:
    prospect = on(steady_business(), 30)
    wanting = ("chargeback_ratio", "refunds", "concentration", "network_pressure", "account_standing")
    assert [gains(prospect, key) for key in wanting] == [[]] * len(wanting)


def test_every_rule_says_what_has_to_go_on() -> None:
    assert set(KEEP) == set(RULE)
    assert set(ACTIONS) <= set(RULE)


# --- More sales -----------------------------------------------------------------------------


def growth(prospect: Prospect) -> list[Step]:
    return list(more_sales(prospect))


def test_the_least_growth_for_each_gain() -> None:
    """8,100 dollars a month: 5 % more from tomorrow on is a trend after 90 days, 24 % more is 10,000 a month."""
    steps = growth(on(steady_business(minor=2700), 90))
    assert [(step.points, step.sentence) for step in steps] == [
        (
            15,
            "5% more sold than in the last 30 days until 18 February 2027: $8,505.00 in 30 days instead of $8,100.00, "
            "for rising revenue.",
        ),
        (
            19,
            "24% more sold than in the last 30 days until 18 February 2027: $10,044.00 in 30 days instead of "
            "$8,100.00, for rising revenue and $10,000 a month or more.",
        ),
    ]


@pytest.mark.parametrize(("share", "expected"), [(23, 15), (24, 19)])
def test_a_per_cent_less_is_not_enough(share: int, expected: int) -> None:
    prospect = on(steady_business(minor=2700), 90)
    known = prospect.then.metrics
    # Of the last three periods, all days but today are still to come.
    usual = [0] * (len(known.buckets) - 3) + [29 * 27_000, 30 * 27_000, 30 * 27_000]
    sets = sold_more(known, usual, share)
    grown = replace(known, measures={**known.measures, **sets})
    assert sum(points(grown, key) for key in SALES_RULES) == expected


def test_growth_is_seen_when_periods_are_full() -> None:
    shop = steady_business(minor=2700)
    assert [len(growth(on(shop, ahead))) for ahead in (31, 60, 61, 89, 90)] == [0, 0, 1, 0, 2]


def test_sales_move_all_three_rules_of_sales_together() -> None:
    """Twice the sales in the last of six level periods: volatility up, trend level, volume up."""
    known = on(steady_business(), 31).then.metrics
    usual = [0] * (len(known.buckets) - 1) + [known.buckets[-1].revenue_minor]
    sets = sold_more(known, usual, MOST_MORE)
    grown = replace(known, measures={**known.measures, **sets})
    assert [points(grown, key) for key in SALES_RULES] == [0, 0, 4]


def test_a_shop_that_sells_nothing_is_not_told_to_sell_more() -> None:
    shop = steady_business()
    silent = replace(shop, events=tuple(one for one in shop.events if (TODAY - one.on).days > 60))
    assert facts_on(silent, TODAY).window.revenue_minor == 0
    assert growth(on(silent, 90)) == []
