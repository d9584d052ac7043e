"""What is kept of a score says all that is told of it."""

import datetime as dt
from dataclasses import replace
from typing import Any

import orjson
import pytest

from tests.domain.businesses import AS_OF, facts_on, random_business
from tests.domain.shops import shop
from vaultra.domain.metrics import compute_metrics
from vaultra.domain.readiness import (
    FORMULA_VERSION,
    RULES,
    Readiness,
    components_json,
    explained,
    kept_components,
    score,
)

BUSINESSES = 400
CURRENCIES = ("usd", "usd", "eur", "jpy", "kwd", "xyz", None)


def scores() -> list[Readiness]:
    """Of random businesses on three days each, in currencies with and without a reference rate."""
    made = []
    for seed in range(BUSINESSES):
        business = random_business(seed)
        currency = CURRENCIES[seed % len(CURRENCIES)]
        for weeks in range(3):
            facts = facts_on(business, AS_OF.date() - dt.timedelta(weeks=weeks))
            made.append(score(compute_metrics(replace(facts, settlement_currency=currency), AS_OF)))
    return made


def as_stored(readiness: Readiness) -> dict[str, Any]:
    """What the database gives back."""
    kept: dict[str, Any] = orjson.loads(orjson.dumps(kept_components(readiness)))
    return kept


def test_what_is_kept_tells_the_same() -> None:
    bands = set()
    for readiness in scores():
        kept = as_stored(readiness)
        assert explained(kept, FORMULA_VERSION) == components_json(readiness)
        bands |= {(rule["key"], rule["band"]) for rule in kept["rules"]}
    assert len(bands) >= len([band for rule in RULES for band in rule.bands]), "most outcomes of every rule"


def test_what_the_catalogue_says_is_not_kept() -> None:
    kept = as_stored(score(compute_metrics(shop(), AS_OF)))
    names = {name for rule in kept["rules"] for name in rule}
    assert names == {"key", "band", "points", "sample", "value", "exact", "currency", "figures"}
    told = components_json(score(compute_metrics(shop(), AS_OF)))
    assert len(orjson.dumps(kept)) < len(orjson.dumps(told)) / 2


def test_what_an_earlier_release_kept_is_told_as_it_was() -> None:
    told = components_json(score(compute_metrics(shop(), AS_OF)))
    told["rules"][0]["sentence"] = "As it was said then."
    assert explained(told, FORMULA_VERSION) == told


def test_a_formula_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(KeyError):
        explained(as_stored(score(compute_metrics(shop(), AS_OF))), "0")
