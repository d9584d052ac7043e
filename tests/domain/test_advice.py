"""Which advice a business gets, what it says, and how many points hang on it."""

import datetime as dt
import random
import re
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from tests.domain.shops import AS_OF, days_ago, month, paid, shop
from vaultra.domain.advice import LIFTS, Advice, Earlier, Situation, evidence_of, priority_of, without_loss
from vaultra.domain.advice_catalogue import ADVICE_RULES, ALL_IS_WELL, advise
from vaultra.domain.metric_facts import BalanceHistory, MetricFacts, PayerTotals, Standing, Totals
from vaultra.domain.metrics import METRICS, compute_metrics
from vaultra.domain.readiness import RULES, score
from vaultra.domain.recommendations import Priority
from vaultra_local.catalogue import ROOT

STEADY = (1_200_000, 1_250_000, 1_150_000, 1_220_000, 1_180_000, 1_210_000)
CALM = shop(STEADY)
DISABLED = Standing(charges_enabled=False, payouts_enabled=True, past_due=False)
ARTICLES = {path.stem for path in (ROOT / "knowledge").glob("*.md")}


def situation(facts: MetricFacts, earlier: Earlier | None = None) -> Situation:
    metrics = compute_metrics(facts, AS_OF)
    return Situation(metrics, score(metrics), earlier)


def advice(facts: MetricFacts, earlier: Earlier | None = None) -> dict[str, Advice]:
    """What is said, by rule."""
    return {said.rule_key: said for said in advise(situation(facts, earlier))}


def only(facts: MetricFacts, earlier: Earlier | None = None) -> Advice:
    [said] = advice(facts, earlier).values()
    return said


def payers(top_minor: int, repeat_minor: int = 2_000_000, **more: int) -> PayerTotals:
    return replace(PayerTotals(3000, 7_200_000, 7_200_000, 900, top_minor, repeat_minor, 0), **more)


def random_facts(seed: int) -> MetricFacts:
    """A shop of any fortune, the same for the same seed."""
    chance = random.Random(seed)
    revenue = [chance.choice([0, 30_000, 500_000, 1_200_000, 3_000_000]) for _ in range(8)]
    if chance.random() < 0.5:
        revenue = [round(1_200_000 * (1 + chance.uniform(-0.3, 0.3))) for _ in range(8)]
    buckets = {
        index: Totals(
            charge_count=(charges := chance.choice([0, 20, 400, 1000]) if minor else 0),
            revenue_minor=minor,
            dispute_count=min(charges, chance.choice([0, 0, 1, 5, 12, 30])),
            fraud_warning_count=min(charges, chance.choice([0, 0, 3, 9])),
        )
        for index, minor in enumerate(revenue)
    }
    volume = 6_000_000
    return MetricFacts(
        settlement_currency=chance.choice(["usd", "eur", "jpy", "xaf", None]),
        history_complete=True,
        first_charge_on=chance.choice([days_ago(700), days_ago(200), days_ago(40), days_ago(1), None]),
        window=month(1_000_000, charge_count=chance.choice([0, 30, 800]), dispute_count=chance.choice([0, 1, 4, 20]),
                     fraud_warning_count=chance.choice([0, 1, 6])),
        last_90_days=Totals(charge_count=300, revenue_minor=3_000_000,
                            refunded_minor=chance.choice([0, 100_000, 160_000, 400_000])),
        buckets=buckets,
        active_days=frozenset(days_ago(age) for age in range(0, 183, chance.choice([2, 10, 20, 45]))),
        payers=PayerTotals(500, volume, volume, chance.choice([2, 300]), round(volume * chance.random()), 0,
                           chance.choice([0, volume])),
        payouts=paid(chance.choice([0, 3, 26]), failed=chance.choice([0, 0, 1, 5])),
        balance=BalanceHistory(0, {days_ago(30): chance.choice([-5, 5]), days_ago(20): 10}),
        standing=chance.choice([CALM.standing, DISABLED, None]),
    )  # fmt: skip


RANDOM_SHOPS = [random_facts(seed) for seed in range(400)]


# --- the catalogue -------------------------------------------------------------------------


def test_keys_are_unique_and_everything_a_rule_names_exists() -> None:
    rules = (*ADVICE_RULES, ALL_IS_WELL)
    assert len({rule.key for rule in rules}) == len(rules)
    assert {key for rule in rules for key in rule.metric_refs} <= {metric.key for metric in METRICS}
    assert {rule.article for rule in rules} <= ARTICLES


def test_whatever_takes_points_is_advised_on_and_can_be_lifted() -> None:
    costly = {rule.key for rule in RULES if rule.bands[-1].points < 0}
    assert costly == LIFTS.keys()


def test_of_400_shops_everyone_who_loses_points_hears_why_and_nobody_else() -> None:
    """For each rule of the score that takes points there is advice whose better numbers no longer lose them."""
    heard: set[str] = set()
    for facts in RANDOM_SHOPS:
        now = situation(facts)
        said = {item.rule_key: item for item in advise(now)}
        losing = {part.key for part in now.readiness.components if part.points < 0}
        by_name = {"chargeback_ratio": "chargebacks", "revenue_volatility": "volatility", "durable_revenue": "churn"}
        by_name |= {"payout_reliability": "payouts", "revenue_trend": "falling_revenue"}
        standing = "disabled_account" if now.metrics["account_standing"].value == "disabled" else "negative_balance"
        expected = {by_name.get(key, key) for key in losing - {"account_standing"}}
        expected |= {standing} if "account_standing" in losing else set()
        warnings = {"rising_disputes", "failed_payout", "revenue_drop", "large_customer", "core_metrics", "stay_ready"}
        assert said.keys() - warnings == expected
        assert ("core_metrics" in said) == (now.readiness.score < 50)
        for key in losing:
            lifted = score(without_loss(now.metrics, key))
            assert next(part.points for part in lifted.components if part.key == key) >= 0, key
        heard |= said.keys()
    everything = {rule.key for rule in (*ADVICE_RULES, ALL_IS_WELL)}
    assert everything - heard <= {"churn", "large_customer", "stay_ready"}  # these have tests of their own
    print(f"{len(RANDOM_SHOPS)} shops heard {len(heard)} of {len(everything)} rules")


def test_no_advice_promises_less_than_nothing_and_each_is_plain_text() -> None:
    for facts in RANDOM_SHOPS:
        for said in advise(situation(facts)):
            assert said.estimated_impact >= 0, said
            assert len(said.description) <= 900
            assert not re.search(r"None|Fraction|nan|\{|  |\.\.", said.description), said.description


def test_the_same_shop_gets_the_same_advice() -> None:
    for facts in RANDOM_SHOPS[:50]:
        assert advise(situation(facts)) == advise(situation(facts))


def test_without_a_charge_ever_there_is_nothing_to_say() -> None:
    assert advice(MetricFacts(settlement_currency="usd", history_complete=True, standing=DISABLED)) == {}


# --- the seeds' four -----------------------------------------------------------------------


def test_chargebacks_above_two_percent() -> None:
    said = only(replace(CALM, window=month(1_200_000, dispute_count=11)))
    assert (said.rule_key, said.title, said.priority, said.estimated_impact) == (
        "chargebacks", "Reduce chargebacks", Priority.HIGH, 15)  # fmt: skip
    assert said.description.startswith("Chargebacks in the last 30 days: 11 on 500 charges, which is 2.2%.")
    assert "On as many charges, 10 chargebacks in 30 days would be the most that takes none." in said.description
    assert said.article == "reducing-chargebacks"
    assert "chargebacks" not in advice(replace(CALM, window=month(1_200_000, dispute_count=10)))


def test_volatility_above_a_half() -> None:
    said = advice(shop((100_000, 2_000_000, 400_000, 1_800_000, 200_000, 1_500_000)))["volatility"]
    assert (said.title, said.priority, said.estimated_impact) == ("Stabilize revenue streams", Priority.MEDIUM, 10)


def test_payouts_below_eighty_percent() -> None:
    said = only(replace(CALM, payouts=paid(3, failed=1)))
    assert (said.title, said.priority, said.estimated_impact) == ("Improve payout timing", Priority.MEDIUM, 10)
    assert "Of as many payouts, 4 in time would be enough." in said.description
    assert "payouts" not in advice(replace(CALM, payouts=paid(4, failed=1)))


def test_a_score_below_fifty_names_what_takes_the_most() -> None:
    bad = replace(
        shop((1_800_000, 1_000_000, 500_000, 300_000, 100_000, 50_000)),
        window=month(50_000, dispute_count=20), payouts=paid(3, failed=3), standing=DISABLED,
    )  # fmt: skip
    before = Earlier(dt.date(2026, 10, 21), 61, None)
    said = advice(bad, before)["core_metrics"]
    assert (said.title, said.priority) == ("Focus on core metrics", Priority.HIGH)
    assert "after 61 on 21 October 2026" in said.description
    assert "What takes the most: Chargebacks (15 points), Revenue stability (10 points), Payouts" in said.description
    now = situation(bad)
    lost = sum(part.points for part in now.readiness.components if part.points < 0)
    # All of it comes back, and what the account's good standing adds.
    assert said.estimated_impact == -lost + 1


def test_fifty_itself_is_not_below_fifty() -> None:
    facts = replace(CALM, window=month(1_200_000, dispute_count=20), payouts=paid(3, failed=3), standing=DISABLED)
    found = situation(facts)
    for value, told in ((50, False), (49, True)):
        there = replace(found.readiness, score=value)
        assert ("core_metrics" in {said.rule_key for said in advise(Situation(found.metrics, there))}) is told


# --- what takes points beyond them ---------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "rule", "impact", "words"),
    [
        ({"payers": payers(2_000_000)}, "concentration", 2, "At 25% or less, it takes none."),
        ({"payers": payers(4_000_000)}, "concentration", 5, "brought 55.56% of the volume"),
        ({"last_90_days": Totals(300, 3_000_000, refunded_minor=310_000)}, "refunds", 5, "At 5% or less"),
        ({"last_90_days": Totals(300, 3_000_000, refunded_minor=200_000)}, "refunds", 2, "6.67% was refunded"),
        ({"standing": DISABLED}, "disabled_account", 11, "Stripe has switched off charges or payouts"),
        (
            {"balance": BalanceHistory(0, {days_ago(30): -5, days_ago(20): 10})},
            "negative_balance", 3, "10 days of the last 90 ended with a negative balance",
        ),
        (
            {"buckets": {**CALM.buckets, 1: month(1_180_000, dispute_count=5)}},
            "network_pressure", 4, "less than 0.75% of its charges",
        ),
        (
            {"buckets": {**CALM.buckets, 1: month(1_180_000, dispute_count=1, fraud_warning_count=7)}},
            "network_pressure", 8, "takes 8 points",
        ),
        ({"active_days": CALM.active_days - {days_ago(a) for a in range(50, 90)}}, "continuity", 4, "no gap over 30"),
    ],
)  # fmt: skip
def test_what_takes_points(changes: dict[str, Any], rule: str, impact: int, words: str) -> None:
    said = only(replace(CALM, **changes))
    assert (said.rule_key, said.estimated_impact) == (rule, impact)
    assert words in said.description
    assert said.priority is priority_of(impact)


def test_a_young_small_shop_hears_of_its_record_and_its_volume_in_its_own_currency() -> None:
    young = replace(
        CALM, first_charge_on=days_ago(40), settlement_currency="eur", buckets={0: month(50_000)}, payouts=paid(5)
    )
    said = advice(young)
    assert said.keys() == {"track_record", "scale"}
    assert "From €847.46 (about $1,000.00) a month on" in said["scale"].description
    assert [item.estimated_impact for item in said.values()] == [5, 5]


def test_a_currency_without_a_reference_rate_is_not_advised_on() -> None:
    assert "scale" not in advice(replace(CALM, settlement_currency="xaf"))


def test_lost_subscribers() -> None:
    found = situation(replace(CALM, payers=payers(70_000, subscription_minor=6_000_000), subscriptions_ever=40))
    metrics = found.metrics.with_values({"subscriber_churn_rate": Fraction(9, 100)})
    [said] = advise(Situation(metrics, score(metrics)))
    assert (said.rule_key, said.estimated_impact) == ("churn", 3)
    assert "subscriber churn is 9%" in said.description


# --- before it takes anything --------------------------------------------------------------


@pytest.mark.parametrize(
    ("disputes", "warnings", "impact", "words"),
    [
        (4, 0, 5, "at 0.5%, Visa's monitoring (VAMP) begins"),
        (3, 2, 5, "That is 0.62%"),
        (6, 0, 9, "at 0.75%, Stripe calls disputes excessive"),
        (9, 0, 9, "at 1.5%, Visa and Mastercard treat an account as excessive"),
    ],
)
def test_disputes_that_near_a_limit(disputes: int, warnings: int, impact: int, words: str) -> None:
    window = month(1_200_000, charge_count=800, dispute_count=disputes, fraud_warning_count=warnings)
    said = only(replace(CALM, window=window))
    assert (said.rule_key, said.estimated_impact) == ("rising_disputes", impact)
    assert words in said.description


@pytest.mark.parametrize(
    ("charges", "disputes"), [(800, 2), (300, 3), (2000, 7)], ids=["few", "too few to tell", "far from every limit"]
)
def test_disputes_that_near_no_limit(charges: int, disputes: int) -> None:
    window = month(1_200_000, charge_count=charges, dispute_count=disputes)
    assert "rising_disputes" not in advice(replace(CALM, window=window))


def test_disputes_that_grow_less_need_no_warning() -> None:
    window = month(1_200_000, charge_count=800, dispute_count=4)
    before = month(1_210_000, charge_count=800, dispute_count=4)
    assert "rising_disputes" not in advice(replace(CALM, window=window, buckets={**CALM.buckets, 0: before}))


def test_disputes_that_cost_points_already_are_told_once() -> None:
    window = month(1_200_000, dispute_count=11)
    assert advice(replace(CALM, window=window)).keys() == {"chargebacks"}


@pytest.mark.parametrize(("good", "impact"), [(25, 10), (10, 10)], ids=["still in the best band", "no longer"])
def test_a_payout_that_failed(good: int, impact: int) -> None:
    said = only(replace(CALM, payouts=paid(good, failed=1)))
    assert (said.rule_key, said.priority, said.estimated_impact) == ("failed_payout", Priority.MEDIUM, impact)
    assert f"Of {good + 1} payouts in 90 days, {good} arrived in time" in said.description


@pytest.mark.parametrize(("latest", "told"), [(900_000, False), (899_999, True), (0, True)])
def test_a_quarter_less_revenue_than_before(latest: int, told: bool) -> None:
    facts = shop((1_200_000, 1_250_000, 1_150_000, 1_220_000, 1_200_000, latest))
    found = advice(facts)
    assert ("revenue_drop" in found) is told
    if told:
        assert found["revenue_drop"].estimated_impact == 5
        assert "From 21 October 2026 to 19 November 2026, revenue was $" in found["revenue_drop"].description


def test_a_drop_of_a_few_charges_is_chance() -> None:
    for charges, told in ((9, False), (10, True)):
        buckets = {**CALM.buckets, 0: month(800_000, charge_count=7), 1: month(1_200_000, charge_count=charges)}
        assert ("revenue_drop" in advice(replace(CALM, buckets=buckets))) is told


@pytest.mark.parametrize(("top", "told"), [(1_440_000, False), (1_440_001, True), (1_800_000, True)])
def test_a_customer_that_passes_a_fifth(top: int, told: bool) -> None:
    found = advice(replace(CALM, payers=payers(top)), Earlier(dt.date(2026, 10, 21), 83, 0.145))
    assert ("large_customer" in found) is told
    if told:
        assert found["large_customer"].estimated_impact == 3
        assert found["large_customer"].priority is Priority.LOW
        assert "On 21 October 2026, it was 14.5%." in found["large_customer"].description


# --- when all is well ----------------------------------------------------------------------


def test_when_nothing_is_wrong_the_advice_is_to_stay_ready() -> None:
    said = only(CALM)
    assert (said.rule_key, said.priority, said.estimated_impact) == ("stay_ready", Priority.LOW, 0)
    assert "The score is 88, Highly attractive, and nothing takes points." in said.description
    assert "What could still add points: Revenue trend (10), Durable revenue (2)." in said.description
    growing = replace(
        shop((1_000_000, 1_020_000, 1_050_000, 1_080_000, 1_100_000, 1_150_000)), payers=payers(70_000, 6_000_000)
    )
    assert "There is no point left to win." in only(growing).description


# --- weighing ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("points", "priority"),
    [(11, Priority.HIGH), (10, Priority.MEDIUM), (5, Priority.MEDIUM), (4, Priority.LOW), (0, Priority.LOW)],
)
def test_priority_goes_by_the_points_at_stake(points: int, priority: Priority) -> None:
    assert priority_of(points) is priority


def test_a_score_at_its_end_hides_some_of_the_impact_and_not_the_priority() -> None:
    ruined = replace(
        CALM,
        window=month(50_000, dispute_count=50),
        payouts=paid(1, failed=3),
        standing=DISABLED,
        payers=payers(7_000_000),
        last_90_days=Totals(300, 3_000_000, refunded_minor=900_000),
        buckets={0: month(10_000, dispute_count=60), 1: month(1_000_000), 2: month(5_000)},
        active_days=frozenset({days_ago(1)}),
    )
    found = advice(ruined)
    now = situation(ruined).readiness
    assert (now.score, sum(part.points for part in now.components)) == (0, -57)
    assert (found["chargebacks"].priority, found["chargebacks"].estimated_impact) == (Priority.HIGH, 8)


def test_evidence_is_the_score_and_the_metrics_in_major_units() -> None:
    found = evidence_of(situation(CALM), ("monthly_net_volume", "chargeback_ratio", "revenue_trend", "mrr", "gone"))
    assert found == {
        "score": 88,
        "currency": "usd",
        "metrics": {
            "monthly_net_volume": 12033.33333333,
            "chargeback_ratio": 0.002,
            "revenue_trend": "stable",
            "mrr": None,
        },
    }
