"""expand[]: ids become objects along any path, and what can't be expanded is told."""

from collections.abc import Callable

import pytest

from vaultra_local.stripe_sim.cdnow import ACCOUNT_ID as CDNOW
from vaultra_local.stripe_sim.software_business import ACCOUNT_ID as FERNHILL
from vaultra_local.stripe_sim.troubled_shop import ACCOUNT_ID as QUILLWATER

from .conftest import Reader


def test_a_list_expands_in_every_object(reader: Callable[[str], Reader]) -> None:
    page = reader(CDNOW).get("charges", limit=100, expand=["data.balance_transaction", "data.customer"]).json()
    assert len(page["data"]) == 100
    for charge in page["data"]:
        assert charge["balance_transaction"]["source"] == charge["id"]
        assert charge["balance_transaction"]["amount"] == charge["amount"]
        assert charge["customer"]["object"] == "customer"


def test_paths_go_through_objects_and_lists(reader: Callable[[str], Reader]) -> None:
    dispute = reader(QUILLWATER).get("disputes", limit=1, expand=["data.charge.balance_transaction"]).json()["data"][0]
    assert dispute["charge"]["balance_transaction"]["source"] == dispute["charge"]["id"]
    transaction = reader(QUILLWATER).get("balance_transactions", type="payout", expand=["data.source"]).json()
    assert {one["source"]["object"] for one in transaction["data"]} == {"payout"}


def test_what_an_invoice_carries_on_demand(reader: Callable[[str], Reader]) -> None:
    reading = reader(FERNHILL)
    plain = reading.get("invoices", limit=1).json()["data"][0]
    assert "payments" not in plain
    expand = ["data.payments.data.payment.payment_intent", "data.parent.subscription_details.subscription"]
    invoice = reading.get("invoices", limit=1, expand=expand).json()["data"][0]
    payment = invoice["payments"]["data"][0]
    assert payment["invoice"] == invoice["id"]
    assert payment["payment"]["payment_intent"]["latest_charge"].startswith("ch_")
    assert invoice["parent"]["subscription_details"]["subscription"]["object"] == "subscription"


def test_discounts_lead_to_their_coupon(reader: Callable[[str], Reader]) -> None:
    expand = ["data.discounts", "data.discounts.source.coupon", "data.items.data.price.product"]
    page = reader(FERNHILL).get("subscriptions", status="all", limit=100, expand=expand).json()
    discounts = [discount for one in page["data"] for discount in one["discounts"]]
    assert discounts
    assert {discount["source"]["coupon"]["object"] for discount in discounts} == {"coupon"}
    assert page["data"][0]["items"]["data"][0]["price"]["product"]["name"] == "Fernhill"


def test_a_single_object_expands(reader: Callable[[str], Reader]) -> None:
    reading = reader(QUILLWATER)
    refund = reading.get("refunds", limit=1).json()["data"][0]
    charge = reading.get(f"charges/{refund['charge']}", expand=["refunds", "balance_transaction"]).json()
    assert charge["refunds"]["data"] == [refund]
    assert charge["amount_refunded"] == refund["amount"]


@pytest.mark.parametrize("path", ["data.amount", "data.nonsense", "data.metadata.x", "data.a.b.c.d.e"])
def test_what_cannot_be_expanded_is_told(reader: Callable[[str], Reader], path: str) -> None:
    answer = reader(QUILLWATER).get("charges", expand=[path])
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_expanding_leaves_the_stored_object_alone(reader: Callable[[str], Reader]) -> None:
    reading = reader(FERNHILL)
    reading.get("subscriptions", limit=1, expand=["data.items.data.price.product", "data.customer"])
    plain = reading.get("subscriptions", limit=1).json()["data"][0]
    assert plain["customer"].startswith("cus_")
    assert plain["items"]["data"][0]["price"]["product"].startswith("prod_")
