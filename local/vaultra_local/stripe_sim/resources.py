"""Which lists the API has, where they live, and by what they can be filtered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from vaultra_local.stripe_sim.shapes import Json

Extractor = Callable[[Json], Any]

CANCELED = frozenset({"canceled", "incomplete_expired"})


def _field(name: str, default: Any = None) -> Extractor:
    return lambda fields: fields.get(name, default)


def _text(name: str, default: bool) -> Extractor:
    """A yes-or-no field, as it is written in a query."""
    return lambda fields: "true" if fields.get(name, default) else "false"


def _invoice_subscription(fields: Json) -> Any:
    return ((fields.get("parent") or {}).get("subscription_details") or {}).get("subscription")


@dataclass(frozen=True)
class Resource:
    """One list of the API.

    Attributes:
        kind: The `object` field of what it lists.
        path: Where it is, below /v1/.
        filters: Query parameter to what is compared with it.
        hidden: Indexes that no query parameter names.
    """

    kind: str
    path: str
    filters: Mapping[str, Extractor] = field(default_factory=dict)
    hidden: Mapping[str, Extractor] = field(default_factory=dict)

    @property
    def extractors(self) -> dict[str, Extractor]:
        """Everything that can be indexed."""
        return {**self.filters, **self.hidden}


_OF_CHARGE = {"charge": _field("charge"), "payment_intent": _field("payment_intent")}

RESOURCES = (
    Resource("charge", "charges", {"customer": _field("customer"), "payment_intent": _field("payment_intent")}),
    Resource("refund", "refunds", _OF_CHARGE),
    Resource("dispute", "disputes", _OF_CHARGE),
    Resource("payout", "payouts", {"status": _field("status", "pending"), "destination": _field("destination")}),
    Resource(
        "balance_transaction",
        "balance_transactions",
        {
            "type": _field("type", "charge"),
            "source": _field("source"),
            "currency": _field("currency"),
            "payout": _field("_payout"),
        },
    ),
    Resource("customer", "customers", {"email": _field("email")}),
    Resource(
        "subscription",
        "subscriptions",
        {
            "status": _field("status", "active"),
            "customer": _field("customer"),
            "price": lambda fields: fields["items"]["data"][0]["price"]["id"],
            "collection_method": _field("collection_method", "charge_automatically"),
        },
        hidden={"not_canceled": lambda fields: fields.get("status", "active") not in CANCELED},
    ),
    Resource(
        "invoice",
        "invoices",
        {
            "status": _field("status", "paid"),
            "customer": _field("customer"),
            "subscription": _invoice_subscription,
            "collection_method": _field("collection_method", "charge_automatically"),
        },
    ),
    Resource(
        "invoice_payment",
        "invoice_payments",
        {
            "invoice": _field("invoice"),
            "status": _field("status", "paid"),
            "payment[payment_intent]": lambda fields: fields["payment"].get("payment_intent"),
            "payment[type]": lambda fields: fields["payment"]["type"],
        },
    ),
    Resource("payment_intent", "payment_intents", {"customer": _field("customer")}),
    Resource("event", "events", {"type": _field("type")}),
    Resource("radar.early_fraud_warning", "radar/early_fraud_warnings", _OF_CHARGE),
    Resource("price", "prices", {"product": _field("product"), "active": _text("active", True)}),
    Resource("product", "products", {"active": _text("active", True)}),
    Resource("coupon", "coupons"),
    Resource("application_fee", "application_fees", {"charge": _field("charge")}),
)

BY_PATH = {resource.path: resource for resource in RESOURCES}
BY_KIND = {resource.kind: resource for resource in RESOURCES}

DISCOUNT = Resource("discount", "discounts")
"""Discounts have ids and can be expanded, but Stripe has no list of them."""

KIND_BY_PREFIX = {
    "ch": "charge",
    "re": "refund",
    "du": "dispute",
    "po": "payout",
    "txn": "balance_transaction",
    "cus": "customer",
    "sub": "subscription",
    "in": "invoice",
    "inpay": "invoice_payment",
    "pi": "payment_intent",
    "evt": "event",
    "issfr": "radar.early_fraud_warning",
    "price": "price",
    "prod": "product",
    "di": "discount",
    "coupon": "coupon",
}
"""What an id says about its object. The simulator's coupons carry a prefix too, which Stripe's need not."""
