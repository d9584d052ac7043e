"""Terms of subscriptions that are not told whole, or that can't be meant."""

from typing import Any

import pytest

from tests import stripe_payloads as raw
from tests.stripe_payloads import Json
from vaultra.adapters.stripe_billing import items_untold
from vaultra.adapters.stripe_objects import parse
from vaultra.errors import InvalidInput


def with_item(price: Json | None = None, **given: Any) -> Json:
    """A subscription with one item, changed as said."""
    subscription = raw.subscription()
    [item] = subscription["items"]["data"]
    item |= given
    item["price"] |= price or {}
    return subscription


def incomplete(subscription: Json) -> bool:
    found = parse(subscription, "usd")
    assert found is not None
    return found.incomplete


NAMED = raw.discount(source={"type": "coupon", "coupon": "half"})


@pytest.mark.parametrize("given", [{"discounts": ["di_1"]}, {"discounts": [NAMED]}])
def test_an_items_discount_that_is_only_named_is_untold(given: Json) -> None:
    subscription = with_item(**given)
    assert (items_untold(subscription), incomplete(subscription)) == (True, True)
    assert not items_untold(with_item(discounts=[raw.discount()]))
    assert not incomplete(with_item(discounts=[raw.discount()]))


def test_items_that_are_not_all_shown_are_untold() -> None:
    subscription = raw.subscription()
    subscription["items"]["has_more"] = True
    assert (items_untold(subscription), incomplete(subscription)) == (True, True)
    for nothing in ({**subscription, "items": None}, {k: v for k, v in subscription.items() if k != "items"}):
        assert (items_untold(nothing), incomplete(nothing)) == (True, True)


def test_a_subscriptions_own_discounts_are_not_asked_of_its_items() -> None:
    assert not items_untold(raw.subscription(discounts=["di_1"]))
    assert incomplete(raw.subscription(discounts=["di_1"]))


@pytest.mark.parametrize(
    "subscription",
    [
        with_item({"recurring": {"interval": "fortnight"}}), with_item({"recurring": {"interval": None}}),
        with_item({"recurring": None}), with_item({"recurring": {"interval": "day", "interval_count": -1}}),
        with_item({"currency": None}), with_item({"currency": "x"}), with_item({"unit_amount_decimal": "1e99"}),
        with_item({"transform_quantity": {"divide_by": 0}}), with_item({"transform_quantity": {"divide_by": -2}}),
        with_item(quantity=-1), with_item(quantity=10**7), with_item(quantity=1.5), with_item(discounts="half"),
        with_item({"tiers": [{"up_to": "inf"}]}), raw.subscription(pause_collection={"resumes_at": 2**60}),
        raw.subscription(discounts=[raw.discount(start=-5)]), raw.subscription(trial_end=2**60),
        raw.subscription(discounts=[{"coupon": {"percent_off": 101}}]), raw.subscription(status=None),
        raw.subscription(discounts=[{"coupon": {"percent_off": "-1"}}]),
        raw.subscription(discounts=[{"coupon": {"amount_off": -1}}]),
    ],
)  # fmt: skip
def test_terms_that_cannot_be_meant_are_refused(subscription: Json) -> None:
    with pytest.raises(InvalidInput, match="This subscription can't be read"):
        parse(subscription, "usd")


def test_what_a_bill_does_not_tell_is_not_in_its_row() -> None:
    found = parse({"object": "invoice", "id": "in_1", "created": 1}, "usd")
    assert found is not None
    assert (found.values, found.incomplete) == ({}, True)
