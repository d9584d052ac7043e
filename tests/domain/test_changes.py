"""What changed between two scores: the parts add up to the whole, and say what they are."""

import datetime as dt
import os
import time
import uuid
from dataclasses import replace
from typing import Any

from tests.domain.businesses import facts_on, random_business
from tests.domain.shops import AS_OF, GROWING, TODAY, shop
from vaultra.domain.changes import ScoreChange, attribute, summary
from vaultra.domain.metric_facts import MetricFacts, Totals
from vaultra.domain.metrics import compute_metrics
from vaultra.domain.period import ONE_DAY
from vaultra.domain.readiness import StoredScore, components_json, score

# More than the everyday run has time for: VAULTRA_BUSINESSES=5000 pytest tests/domain/test_changes.py
BUSINESSES = int(os.environ.get("VAULTRA_BUSINESSES", "500"))


def stored(facts: MetricFacts, as_of: dt.datetime = AS_OF, **changes: Any) -> StoredScore:
    """The score these facts give, as it is kept."""
    readiness = score(compute_metrics(facts, as_of))
    whole = StoredScore(
        id=uuid.uuid4(),
        business_id=uuid.UUID(int=1),
        snapshot_id=None,
        scored_on=as_of.date(),
        score=readiness.score,
        tier=readiness.tier.key,
        seed_score=readiness.seed_score,
        confidence_low=readiness.confidence_low,
        confidence_high=readiness.confidence_high,
        provisional=readiness.provisional,
        components=components_json(readiness),
        formula_version=readiness.formula_version,
        created_at=as_of,
    )
    return replace(whole, **changes)


def parts(change: ScoreChange) -> dict[str, int]:
    return {rule.key: rule.difference for rule in change.rules if rule.difference}


def test_the_parts_add_up_for_five_hundred_businesses() -> None:
    """Each compared with itself 30 days before, and with another business, which differs in much more."""
    began, clamped, moved, last = time.process_time(), 0, 0, stored(shop())
    for seed in range(BUSINESSES):
        business = random_business(seed)
        earlier, days = stored(facts_on(business, TODAY - ONE_DAY * 30), AS_OF - ONE_DAY * 30), 0
        now = stored(facts_on(business, TODAY))
        for before, after in ((earlier, now), (last, now), (now, last)):
            change = attribute(before, after)
            assert sum(rule.difference for rule in change.rules) + change.clamp == after.score - before.score
            clamped, moved, days = clamped + bool(change.clamp), moved + bool(change.difference), days + 1
        last = now
    cpu = time.process_time() - began
    print(
        f"Show 2: {BUSINESSES} businesses, {3 * BUSINESSES} pairs of scores, {moved} of them different, {clamped} cut "
        f"at 0: the attributed changes add up to the difference in all; {cpu:.1f} s CPU"
    )


def test_the_rules_that_moved_come_first_with_what_they_were_and_are() -> None:
    before = stored(shop())
    after = stored(shop(GROWING, window=Totals(charge_count=500, revenue_minor=1_200_000, dispute_count=11)))
    change = attribute(before, after)
    assert parts(change) == {"chargeback_ratio": -20, "revenue_trend": 10}
    assert (change.difference, change.clamp, change.formula_changed) == (-10, 0, False)
    first = change.rules[0]
    assert (first.before.points, first.before.value, first.after.points, first.after.value) == (5, 0.002, -15, 0.022)
    assert first.sentence == (
        "Chargebacks: a chargeback ratio below 0.5% before, a chargeback ratio above 2% now, 20 points less."
    )
    assert summary(change, TODAY) == "The score fell by 10 points since earlier today, from 83 to 73."
    assert summary(change, TODAY + ONE_DAY) == "The score fell by 10 points since 20 November 2026, from 83 to 73."


def test_a_value_that_moves_within_its_band_is_told_without_points() -> None:
    window = Totals(charge_count=500, revenue_minor=1_200_000, dispute_count=2)
    change = attribute(stored(shop()), stored(shop(window=window)))
    (rule,) = change.rules
    assert rule.difference == 0
    assert rule.sentence == ("Chargebacks: still a chargeback ratio below 0.5%, which leaves the points as they were.")
    assert summary(change, TODAY) == "The score is 83, as it was earlier today."
    assert summary(change, TODAY + ONE_DAY) == "The score is 83, as it was on 20 November 2026."


def test_a_first_score_is_compared_with_nothing() -> None:
    only = stored(shop())
    assert summary(attribute(only, only), TODAY) == "The score is 83. There is nothing yet to compare it with."


def test_what_was_not_measured_says_so() -> None:
    before = stored(MetricFacts(settlement_currency="usd"))
    after = stored(shop())
    change = attribute(before, after)
    assert change.difference == 33 == sum(parts(change).values())
    sentences = {rule.key: rule.sentence for rule in change.rules}
    assert sentences["payout_reliability"] == (
        "Payouts: not measured before, a payout reliability above 95% now, 10 points more."
    )


def test_the_lower_limit_is_named() -> None:
    """Twelve points below nothing stay nothing: the limit gives them back."""
    components: dict[str, Any] = {"rules": [rule_of("chargeback_ratio", -15), rule_of("scale", -47)]}
    sunk = stored(shop(), score=0, components=components)
    change = attribute(stored(shop()), sunk)
    assert change.clamp == 12
    assert sum(rule.difference for rule in change.rules) + change.clamp == change.difference == -83


def test_another_formula_is_told_and_its_share_named() -> None:
    """An older formula with a rule of its own, and a base of 40."""
    old = stored(
        shop(), score=47, formula_version="0", components={"rules": [rule_of("old_rule", 7), rule_of("scale", 0)]}
    )
    change = attribute(old, stored(shop()))
    assert change.formula_changed
    assert sum(rule.difference for rule in change.rules) + change.clamp == change.difference == 36
    assert change.clamp == 10
    assert next(rule for rule in change.rules if rule.key == "old_rule").label == "Old rule"
    assert summary(change, TODAY).endswith(
        "They come from different versions of the formula (0 and 1), which may be part of the difference."
    )


def rule_of(key: str, points: int) -> dict[str, Any]:
    return {"key": key, "points": points, "band": "some", "value": None, "sample": None}
