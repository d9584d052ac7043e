"""What subscriptions cause: invoices, and the charges that pay them. `at` and amounts as in operations.py."""

from vaultra_local.stripe_sim import operations
from vaultra_local.stripe_sim.account import DAY, StripeAccount
from vaultra_local.stripe_sim.billing import PERIOD_DAYS
from vaultra_local.stripe_sim.shapes import LINE_ITEM, Json, list_of


def invoice(
    account: StripeAccount,
    *,
    at: int,
    subscription: str,
    amount: int,
    discount: int = 0,
    period_end: int | None = None,
    status: str = "paid",
) -> str:
    """One period of a subscription is invoiced and its card charged; returns `in_…`.

    Args:
        amount: Before the discount, in minor units of the subscription's currency.
        discount: Taken off by the subscription's discount.
        period_end: End of the period paid for; `at` plus a month when None.
        status: `paid`, or `open` when the card is declined.
    """
    subscribed = account.fields("subscription", subscription)
    item = subscribed["items"]["data"][0]
    total = amount - discount
    invoice_id = account.new_id("in")
    charge_status = "succeeded" if status == "paid" else "failed"
    customer = subscribed["customer"]
    charge_id = operations.charge(
        account, at=at, amount=total, currency=subscribed["currency"], customer=customer, status=charge_status
    )
    payment_intent = account.fields("charge", charge_id)["payment_intent"]
    paid = total if status == "paid" else 0
    discounts = subscribed["discounts"]
    discount_amounts = [{"amount": discount, "discount": discounts[0]}] if discount else []
    first = account.collections["invoice"].find({"subscription": subscription}) == ()
    period_end = at + PERIOD_DAYS["month"] * DAY if period_end is None else period_end
    line = {
        **LINE_ITEM,
        "id": account.new_id("il"),
        "amount": amount,
        "currency": subscribed["currency"],
        "discount_amounts": discount_amounts,
        "discounts": discounts,
        "invoice": invoice_id,
        "livemode": account.livemode,
        "parent": {
            "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": None,
                "proration": False,
                "proration_details": None,
                "subscription": subscription,
                "subscription_item": item["id"],
            },
            "type": "subscription_item_details",
        },
        "period": {"end": period_end, "start": at},
        "pricing": {"type": "price_details", "unit_amount_decimal": item["price"]["unit_amount_decimal"]},
        "quantity": item["quantity"],
        "subtotal": amount,
    }
    payment = {
        "id": account.new_id("inpay"),
        "amount_paid": paid or None,
        "amount_requested": total,
        "created": at,
        "currency": subscribed["currency"],
        "invoice": invoice_id,
        "payment": {"payment_intent": payment_intent, "type": "payment_intent"},
        "status": "paid" if paid else "open",
        "status_transitions": {"canceled_at": None, "paid_at": at if paid else None},
    }
    account.create("invoice_payment", payment, event="invoice_payment.paid" if paid else None)
    account.create(
        "invoice",
        {
            "id": invoice_id,
            "account_country": account.country,
            "account_name": account.name,
            "amount_due": total,
            "amount_paid": paid,
            "amount_remaining": total - paid,
            "billing_reason": "subscription_create" if first else "subscription_cycle",
            "created": at,
            "currency": subscribed["currency"],
            "customer": customer,
            "discounts": discounts,
            "effective_at": at,
            "lines": list_of([line], f"/v1/invoices/{invoice_id}/lines"),
            "next_payment_attempt": None if paid else at + 3 * DAY,
            "number": f"{invoice_id[3:11].upper()}-0001",
            "parent": {
                "quote_details": None,
                "subscription_details": {"metadata": {}, "subscription": subscription},
                "type": "subscription_details",
            },
            "period_end": at,
            "period_start": at,
            "status": status,
            "status_transitions": {
                "finalized_at": at,
                "marked_uncollectible_at": None,
                "paid_at": at if paid else None,
                "voided_at": None,
            },
            "subtotal": amount,
            "subtotal_excluding_tax": amount,
            "total": total,
            "total_discount_amounts": discount_amounts,
            "total_excluding_tax": total,
        },
        event="invoice.paid" if paid else "invoice.payment_failed",
    )
    account.change("subscription", subscription, {"latest_invoice": invoice_id}, at=at)
    return invoice_id


def charge_of(account: StripeAccount, invoice: str) -> str:
    """The charge that last tried to pay an invoice."""
    (_, payment), *_ = account.collections["invoice_payment"].find({"invoice": invoice})
    intent: str = account.fields("invoice_payment", payment)["payment"]["payment_intent"]
    return "ch" + intent.removeprefix("pi")


def pay_invoice(account: StripeAccount, *, at: int, invoice: str) -> str:
    """An open invoice's card is charged again, this time with success; returns the invoice's id.

    Stripe retries within one payment intent; here a retry is an intent of its own.
    """
    owed = account.fields("invoice", invoice)
    if owed["status"] != "open":
        raise ValueError(f"Invoice {invoice} is not open.")
    amount = owed["amount_due"]
    charge_id = operations.charge(account, at=at, amount=amount, currency=owed["currency"], customer=owed["customer"])
    (_, payment), *_ = account.collections["invoice_payment"].find({"invoice": invoice})
    paid: Json = {
        "amount_paid": amount,
        "payment": {"payment_intent": f"pi{charge_id[2:]}", "type": "payment_intent"},
        "status": "paid",
        "status_transitions": {"canceled_at": None, "paid_at": at},
    }
    account.change("invoice_payment", payment, paid, at=at, event="invoice_payment.paid")
    changes = {
        "amount_paid": amount,
        "amount_remaining": 0,
        "attempt_count": 2,
        "next_payment_attempt": None,
        "status": "paid",
        "status_transitions": {**owed["status_transitions"], "paid_at": at},
    }
    account.change("invoice", invoice, changes, at=at, event="invoice.paid")
    return invoice
