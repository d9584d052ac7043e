"""Every type of event that Stripe has: listened to, or left alone for a reason that is written here."""

import typing
from collections.abc import Iterable

import pytest
from stripe.events._event_classes import _V2_EVENT_CLASS_LOOKUP as THIN_CLASSES
from stripe.params._webhook_endpoint_create_params import WebhookEndpointCreateParams

from vaultra.adapters.stripe_events import HANDLERS

# Families that change nothing we keep; a longer name goes before a shorter one.
LEFT_ALONE = {
    "account.application.authorized": "connecting is what the owner does here, not what an event does",
    "account.external_account": "where payouts go to; whether they go is told by account.updated",
    "apps": "our own installation as an app",
    "application_fee": "a platform's fee on a charge; what it moves comes with the balance's movements",
    "balance_settings": "how the owner schedules payouts; the payouts tell",
    "billing": "meters and credits; what is billed comes as invoices and charges",
    "billing_portal": "what payers see",
    "capability": "what it allows is told by account.updated",
    "cash_balance": "a payer's money before it pays a charge",
    "checkout": "how a payment began; its charge tells what became of it",
    "climate": "what the owner buys",
    "coupon": "terms never change, and what was given keeps them after a deletion",
    "credit_note": "what it gives back comes as a refund",
    "customer.discount.source_changed": "names no object; customer.discount.updated does",
    "customer.source": "a payer's card",
    "customer.subscription.default_payment_method_changed": "how it is paid, not what",
    "customer.subscription.item_tax_rates_changed": "tax is no revenue",
    "customer.tax_id": "personal data",
    "customer_cash_balance_transaction": "a payer's money before it pays a charge",
    "entitlements": "what payers may use",
    "file": "papers",
    "financial_connections": "other banks' accounts",
    "identity": "personal data",
    "invoice.created": "a draft: nothing is owed yet, and finalizing it is an event",
    "invoice.discount": "a draft's terms",
    "invoice.finalization_failed": "it stays a draft",
    "invoice.line_item": "a draft's terms",
    "invoice.overdue": "a reminder; its status is still open",
    "invoice.payment_action_required": "a reminder; its status is still open",
    "invoice.payment_attempt_required": "a reminder; its status is still open",
    "invoice.sent": "a mail",
    "invoice.upcoming": "a preview without an id",
    "invoice.will_be_due": "a reminder; its status is still open",
    "invoice_payment": "the payment itself comes as a charge, the invoice's as invoice.paid",
    "invoiceitem": "a draft's terms",
    "issuing": "cards that the owner spends with",
    "mandate": "a payer's permission",
    "payment_intent": "its charge tells what became of it",
    "payment_link": "how a payment may begin",
    "payment_method": "a payer's card",
    "person": "personal data",
    "plan": "amount and interval never change, and subscriptions carry them",
    "price": "amount and interval never change, and subscriptions carry them",
    "product": "names",
    "promotion_code": "a coupon's other name",
    "quote": "an offer",
    "reporting": "papers",
    "reserve": "comes with the balance's movements",
    "review": "before a charge is captured or refunded, which the charge tells",
    "setup_intent": "no money",
    "sigma": "papers",
    "source": "a payer's money before it pays a charge",
    "subscription_schedule": "a plan; what it changes comes as customer.subscription.updated",
    "tax": "tax is no revenue",
    "tax_rate": "tax is no revenue",
    "terminal": "card readers",
    "test_helpers": "test mode's clock",
    "three_d_secure": "how a payer was asked; the charge tells what became of it",
    "topup": "comes with the balance's movements",
    "transfer": "between a platform's accounts; comes with the balance's movements",
    "treasury": "another account than the one payments are in",
    "v1.balance.available": "tells no amounts; the balance is read every 15 minutes",
}


def family_of(event_type: str) -> str | None:
    """The family it is left alone with; None when nobody has decided."""
    names = [event_type, event_type.removeprefix("v1.")]
    for family in sorted(LEFT_ALONE, key=len, reverse=True):
        if any(name == family or name.startswith((f"{family}.", f"{family}_")) for name in names):
            return family
    return None


def snapshot_types() -> list[str]:
    [listed] = typing.get_args(WebhookEndpointCreateParams.__annotations__["enabled_events"])
    return [name for name in typing.get_args(listed) if name != "*"]


SNAPSHOTS = snapshot_types()
THIN = [name for name in THIN_CLASSES if name.startswith("v1.")]


def undecided(event_types: Iterable[str]) -> list[str]:
    return [name for name in event_types if name not in HANDLERS and family_of(name) is None]


def test_every_type_of_stripes_library_is_listened_to_or_left_alone_for_a_reason() -> None:
    assert undecided([*SNAPSHOTS, *THIN]) == []
    listened = [len(HANDLERS.keys() & set(names)) for names in (SNAPSHOTS, THIN)]
    print(f"Stripe's events: {listened[0]} of {len(SNAPSHOTS)} snapshots and {listened[1]} of {len(THIN)} thin events")
    assert undecided(["charge.teleported", "v1.charge.teleported"]) == ["charge.teleported", "v1.charge.teleported"]


def test_we_listen_to_nothing_that_stripe_does_not_have() -> None:
    assert sorted(HANDLERS.keys() - {*SNAPSHOTS, *THIN}) == []


@pytest.mark.parametrize("family", LEFT_ALONE)
def test_every_reason_is_needed(family: str) -> None:
    assert [name for name in (*SNAPSHOTS, *THIN) if family_of(name) == family and name not in HANDLERS]
