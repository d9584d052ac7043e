"""What the comparison with the product rests on: real purchases, random shops, and that it names each difference."""

import copy
import json
import random
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from .by_hand import AS_OF, NOW, Raw, charge, dispute, metrics_of, payout, readiness_of, shop
from .oracle import answer, cdnow_objects, compare, random_shop

CDNOW_LINES = [
    "customer_id  date number_of_cds  dollar_value",
    " 00001 19970101  1   11.77",
    " 00001 19970101  1    0.00",
    " 00002 19980628  5   77.10",
    " 00002 19980630  2    0.29",
]


def test_cdnow_is_shifted_to_end_yesterday() -> None:
    objects = cdnow_objects(CDNOW_LINES, date(2026, 11, 20))
    assert [entry["amount_captured"] for entry in objects["charges"]] == [1177, 7710, 29]
    metrics = metrics_of(objects)
    assert metrics["revenue_total"] == Decimal("77.39")
    assert metrics["details"]["history_days"] == 546
    assert metrics["details"]["longest_gap_days"] == 179


def test_seventy_thousand_charges_are_no_trouble() -> None:
    lines = [
        f" {number % 23_000:05d} 1998{1 + number % 6:02d}{1 + number % 28:02d} 1 10.00" for number in range(70_000)
    ]
    metrics = metrics_of(cdnow_objects(lines, AS_OF.date()))
    assert metrics["transaction_count"] > 10_000


def as_json(value: Any) -> Any:
    """The oracle's answer in the shape and precision in which the product would send it."""
    if isinstance(value, dict):
        return {key: as_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_json(inner) for inner in value]
    return round(float(value), 8) if isinstance(value, Decimal | Fraction) else value


def product_answers(objects: Raw) -> tuple[Raw, Raw, Raw]:
    """The oracle's answer, and the two answers of a product that agrees with it."""
    ours = answer(objects, AS_OF)
    theirs = json.loads(json.dumps(as_json(ours)))
    details = theirs["metrics"]["details"]
    details["not_measured"] = dict.fromkeys(details["not_measured"], "too few")
    return ours, theirs["metrics"], theirs["readiness"]


@pytest.mark.parametrize("seed", range(25))
def test_compare_accepts_the_same_answer(seed: int) -> None:
    assert compare(*product_answers(random_shop(seed, AS_OF))) == []


@pytest.mark.parametrize(
    "path",
    [
        "metrics.revenue_total",
        "metrics.transaction_count",
        "metrics.chargeback_ratio",
        "metrics.revenue_trend",
        "metrics.period_end",
        "metrics.average_transaction_size",
        "metrics.details.net_volume",
        "metrics.details.top_customer_share",
        "metrics.details.longest_gap_days",
        "readiness.score",
        "readiness.tier",
        "readiness.provisional",
        "readiness.confidence.low",
        "readiness.components.risk_signals",
    ],
)
def test_compare_names_each_difference(path: str) -> None:
    charges = [charge(number, 1000, customer="cus_a") for number in range(100)]
    ours, metrics, readiness = product_answers(shop(charges=charges, disputes=[dispute(3)], payouts=[payout(4)]))
    holder: Any = {"metrics": metrics, "readiness": readiness}
    *parents, name = path.split(".")
    for parent in parents:
        holder = holder[parent]
    value = holder[name]
    holder[name] = f"{value}?" if isinstance(value, str) else not value if isinstance(value, bool) else value + 0.00001
    (difference,) = compare(ours, metrics, readiness)
    assert difference.startswith(f"{path}: oracle ")
    del holder[name]
    (difference,) = compare(ours, metrics, readiness)
    assert "missing" in difference


def test_compare_looks_at_every_rule() -> None:
    ours, metrics, readiness = product_answers(shop())
    readiness["components"]["rules"][4]["points"] += 1
    readiness["components"]["rules"].append({"key": "weather", "points": 0})
    assert len(compare(ours, metrics, readiness)) == 2


def instants(value: Any, key: str = "") -> list[int]:
    """Every time at which something has happened, wherever it stands in a Stripe object."""
    if isinstance(value, dict):
        return [found for name, inner in value.items() for found in instants(inner, name)]
    if isinstance(value, list):
        return [found for inner in value for found in instants(inner, key)]
    return [value] if key in ("created", "arrival_date", "start_date", "ended_at") and value is not None else []


def test_random_shops_are_valid() -> None:
    scores, points_seen = set(), set()
    for seed in range(150):
        objects = random_shop(seed, AS_OF)
        assert objects == random_shop(seed, AS_OF)
        ids = [entry["id"] for resource in objects.values() if isinstance(resource, list) for entry in resource]
        assert len(ids) == len(set(ids))
        assert max(instants(objects), default=0) <= NOW
        json.dumps(objects)
        readiness = readiness_of(objects)
        scores.add(readiness["tier"])
        points_seen |= {(rule["key"], rule["points"]) for rule in readiness["components"]["rules"]}
    assert scores == {"not_ready", "improving", "funding_ready", "highly_attractive"}
    assert len(points_seen) >= 36  # of the 41 outcomes that the twelve rules have


@pytest.mark.parametrize("seed", range(20))
def test_the_order_of_arrival_does_not_matter(seed: int) -> None:
    objects = random_shop(seed, AS_OF)
    shuffled = copy.deepcopy(objects)
    for resource in shuffled.values():
        if isinstance(resource, list):
            random.Random(seed).shuffle(resource)
    expected, found = answer(objects, AS_OF), answer(shuffled, AS_OF)
    for both in (expected, found):
        both["metrics"]["details"]["unconverted"].sort(key=lambda entry: entry["id"])
    assert expected == found
