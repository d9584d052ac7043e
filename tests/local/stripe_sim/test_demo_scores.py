"""The invented businesses end in the tiers that they were invented for, by the independent oracle's reckoning."""

import datetime as dt
from typing import Any

import pytest

from tests.oracle.oracle import answer
from vaultra_local.stripe_sim import StripeAccount
from vaultra_local.stripe_sim.resources import RESOURCES

from .conftest import AS_OF


def raw_objects(account: StripeAccount, now: int) -> dict[str, Any]:
    """The whole account as raw Stripe objects, discounts with their coupons inside."""
    found: dict[str, Any] = {"account": account.profile, "balance": account.balance(now)}
    for resource in RESOURCES:
        if resource.kind in account.collections and resource.kind != "event":
            ids = [object_id for _, object_id in account.collections[resource.kind].ordered()]
            name = resource.path.rpartition("/")[2]
            found[name] = [account.render(resource.kind, object_id, now) for object_id in ids]
    found["events"] = [event for event in account.events() if event["type"].startswith("payout.")]
    for subscription in found["subscriptions"]:
        discounts = [account.render("discount", discount, now) for discount in subscription["discounts"]]
        for discount in discounts:
            discount["source"] = {
                "type": "coupon",
                "coupon": account.render("coupon", discount["source"]["coupon"], now),
            }
        subscription["discounts"] = discounts
    return found


@pytest.mark.parametrize(
    ("name", "tier", "least", "most"),
    [
        ("Fernhill Studio", "highly_attractive", 86, 100),
        ("Quillwater Goods", "not_ready", 0, 40),
        ("Yukidama Paper", "funding_ready", 71, 85),
        ("Brambleway Pottery", "improving", 50, 50),
    ],
)
@pytest.mark.parametrize("days_later", [0, 1])
def test_tiers_are_as_intended(
    accounts: dict[str, StripeAccount], name: str, tier: str, least: int, most: int, days_later: int
) -> None:
    now = dt.datetime(AS_OF.year, AS_OF.month, AS_OF.day, 14, tzinfo=dt.UTC) + dt.timedelta(days=days_later)
    readiness = answer(raw_objects(accounts[name], int(now.timestamp())), now)["readiness"]
    assert readiness["tier"] == tier
    assert least <= readiness["score"] <= most
