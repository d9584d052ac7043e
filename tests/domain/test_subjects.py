"""The names of things that have numbers."""

from vaultra.domain.lender_criteria import CRITERIA
from vaultra.domain.metrics import METRICS
from vaultra.domain.readiness import RULES
from vaultra.domain.subjects import meant_by, named


def meanings(text: str) -> list[str]:
    return [name.subjects[0] for name in named(text)]


def test_every_metric_and_rule_is_known_by_its_label() -> None:
    for metric in METRICS:
        assert metric.key in {subject for name in named(metric.label) for subject in name.subjects}, metric.label
    for rule in RULES:
        assert meant_by(rule.key) & {subject for name in named(rule.label) for subject in name.subjects}, rule.label


def test_the_longest_name_counts() -> None:
    assert meanings("net revenue retention") == ["net_revenue_retention"]
    assert meanings("refund rates and refunds") == ["refund_volume_ratio", "refund_volume_ratio"]
    assert meanings("largest customer") == ["top_customer_share"]


def test_lenders_are_named_but_stripe_is_where_all_comes_from() -> None:
    lenders = {criterion.lender for criterion in CRITERIA} - {"Stripe", "Lenders in general"}
    assert {meanings(lender)[0] for lender in lenders} == {f"lender:{lender}" for lender in lenders}
    assert meanings("Stripe says so") == []
