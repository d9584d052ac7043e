"""What can happen to an account's payments: charges, refunds, disputes, warnings. Each keeps the balance exact.

`at` is always the moment it happens, in whole seconds since 1970; amounts are minor units.
"""

from decimal import Decimal

from vaultra_local.stripe_sim.account import DAY, StripeAccount
from vaultra_local.stripe_sim.ids import suffix
from vaultra_local.stripe_sim.shapes import DECLINED, Json, card_details

DISPUTE_FEE = {"usd": 1500, "eur": 2000, "gbp": 2000, "jpy": 1300}
FIXED_FEE = {"usd": 30, "eur": 25, "gbp": 20, "jpy": 0}
FEE_PER_MILLE = {"jpy": 36}
EVIDENCE_DUE_DAYS = 9
SETTLES_AFTER_DAYS = 2


def stripe_fee(amount: int, currency: str) -> int:
    """Stripe's usual fee on a card charge (2.9 % + 30 cents for dollars), half a unit rounded up."""
    return (amount * FEE_PER_MILLE.get(currency, 29) + 500) // 1000 + FIXED_FEE.get(currency, 0)


def midnight(at: int) -> int:
    """The first second of that UTC day."""
    return at - at % DAY


def move(
    account: StripeAccount,
    *,
    at: int,
    amount: int,
    source: str,
    kind: str,
    category: str | None = None,
    fee: int = 0,
    exchange_rate: float | None = None,
    available_on: int | None = None,
    suffix_of: str | None = None,
    description: str | None = None,
) -> str:
    """Write one balance transaction in the account's currency; returns its id."""
    detail = {"amount": fee, "application": None, "currency": account.currency, "type": "stripe_fee"}
    return account.create(
        "balance_transaction",
        {
            "id": f"txn_{suffix_of}" if suffix_of else account.new_id("txn"),
            "amount": amount,
            "available_on": midnight(at) + SETTLES_AFTER_DAYS * DAY if available_on is None else available_on,
            "created": at,
            "currency": account.currency,
            "description": description,
            "exchange_rate": exchange_rate,
            "fee": fee,
            "fee_details": [{**detail, "description": "Stripe processing fees"}] if fee else [],
            "net": amount - fee,
            "reporting_category": category or kind,
            "source": source,
            "type": kind,
        },
    )


def customer(account: StripeAccount, *, at: int, description: str | None = None, email: str | None = None) -> str:
    """A customer comes to be; returns `cus_…`."""
    customer_id = account.new_id("cus")
    fields = {"id": customer_id, "created": at, "description": description, "email": email}
    return account.create("customer", {**fields, "invoice_prefix": customer_id[4:12].upper()}, event="customer.created")


def charge(
    account: StripeAccount,
    *,
    at: int,
    amount: int,
    currency: str | None = None,
    customer: str | None = None,
    card: str | None = None,
    status: str = "succeeded",
    exchange_rate: float | None = None,
    description: str | None = None,
) -> str:
    """A card is charged; returns `ch_…`.

    Args:
        currency: What the card paid in; the account's own when None.
        card: The card's fingerprint; one per customer when None.
        status: `succeeded` (captured at once) or `failed`.
        exchange_rate: Settlement minor units per minor unit of `currency`; needed for a foreign currency.
    """
    currency = currency or account.currency
    if currency != account.currency and exchange_rate is None:
        raise ValueError("a charge in a foreign currency needs an exchange_rate")
    charge_id = account.new_id("ch")
    letters = charge_id[3:]
    fingerprint = card or suffix("card", account.id, customer or charge_id)[:16]
    fields: Json = {
        "id": charge_id,
        "amount": amount,
        "amount_captured": amount,
        "balance_transaction": f"txn_{letters}",
        "created": at,
        "currency": currency,
        "customer": customer,
        "description": description,
        "payment_intent": f"pi_{letters}",
        "payment_method": f"pm_{fingerprint}",
        "payment_method_details": card_details(fingerprint),
    }
    if status == "failed":
        fields |= {
            "amount_captured": 0,
            "balance_transaction": None,
            "captured": False,
            "failure_code": "card_declined",
            "failure_message": "Your card has insufficient funds.",
            "outcome": DECLINED,
            "paid": False,
            "status": "failed",
        }
        return account.create("charge", fields, event="charge.failed")
    settled = settled_amount(amount, exchange_rate)
    move(
        account,
        at=at,
        amount=settled,
        source=charge_id,
        kind="charge",
        fee=stripe_fee(settled, account.currency),
        exchange_rate=exchange_rate,
        suffix_of=letters,
        description=description,
    )
    return account.create("charge", fields, event="charge.succeeded")


def settled_amount(amount: int, exchange_rate: float | None) -> int:
    """The amount in settlement minor units, half a unit rounded up."""
    return amount if exchange_rate is None else int(amount * Decimal(str(exchange_rate)) + Decimal("0.5"))


def _rate_of(account: StripeAccount, charge_id: str) -> float | None:
    transaction = account.fields("charge", charge_id).get("balance_transaction")
    if transaction is None:
        return None
    rate: float | None = account.fields("balance_transaction", transaction).get("exchange_rate")
    return rate


def refund(
    account: StripeAccount,
    *,
    at: int,
    charge: str,
    amount: int | None = None,
    reason: str | None = "requested_by_customer",
    status: str = "succeeded",
) -> str:
    """Money goes back to the card (all that is left when `amount` is None); returns `re_…`.

    `status` is `succeeded`, `pending` or `failed`; a failed refund moves no money.
    """
    paid = account.fields("charge", charge)
    refunded = paid.get("amount_refunded", 0)
    amount = paid["amount"] - refunded if amount is None else amount
    if not 0 < amount <= paid["amount"] - refunded:
        raise ValueError(f"Refund amount ({amount}) is not positive or greater than what is left on the charge.")
    refund_id = account.new_id("re")
    rate = _rate_of(account, charge)
    transaction = None
    if status != "failed":
        settled = -settled_amount(amount, rate)
        transaction = move(account, at=at, amount=settled, source=refund_id, kind="refund", exchange_rate=rate)
    account.create(
        "refund",
        {
            "id": refund_id,
            "amount": amount,
            "balance_transaction": transaction,
            "charge": charge,
            "created": at,
            "currency": paid["currency"],
            "customer": paid.get("customer"),
            "payment_intent": paid["payment_intent"],
            "payment_method": paid["payment_method"],
            "reason": reason,
            "status": status,
        },
        event="refund.created",
    )
    if status == "failed":
        account.change("refund", refund_id, {"status": "failed"}, at=at, event="refund.failed")
    else:
        changes = {"amount_refunded": refunded + amount, "refunded": refunded + amount == paid["amount"]}
        account.change("charge", charge, changes, at=at, event="charge.refunded")
    return refund_id


def dispute(
    account: StripeAccount,
    *,
    at: int,
    charge: str,
    amount: int | None = None,
    reason: str = "fraudulent",
    status: str = "needs_response",
) -> str:
    """The cardholder disputes a charge; returns `du_…`.

    The money is withdrawn at once, unless `status` is `warning_needs_response` (an inquiry) or `prevented`.
    """
    paid = account.fields("charge", charge)
    dispute_id = account.new_id("du")
    details = {"brand": "visa", "case_type": "chargeback", "network": "visa", "network_reason_code": "10.4"}
    if status.startswith("warning_"):
        details["case_type"] = "inquiry"
    account.create(
        "dispute",
        {
            "id": dispute_id,
            "amount": paid["amount"] if amount is None else amount,
            "charge": charge,
            "created": at,
            "currency": paid["currency"],
            "evidence_details": {
                "due_by": midnight(at) + EVIDENCE_DUE_DAYS * DAY - 1,
                "enhanced_eligibility": {},
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
            },
            "is_charge_refundable": status.startswith("warning_"),
            "payment_intent": paid["payment_intent"],
            "payment_method_details": {"card": details, "type": "card"},
            "reason": reason,
            "status": status,
        },
        event="charge.dispute.created",
    )
    account.change("charge", charge, {"disputed": True}, at=at)
    if not status.startswith("warning_") and status != "prevented":
        _withdraw(account, dispute_id, at, "dispute", "charge.dispute.funds_withdrawn")
    return dispute_id


def dispute_status(account: StripeAccount, *, at: int, dispute: str, status: str) -> str:
    """A dispute moves on.

    `won` gives the money back, `lost` keeps it gone; `under_review`, `needs_response` (which escalates an
    inquiry and withdraws the money), `warning_under_review`, `warning_closed` and `prevented` are the others.
    """
    old = account.fields("dispute", dispute)
    closed = status in {"won", "lost", "warning_closed", "prevented"}
    changes: Json = {"status": status}
    if status in {"under_review", "warning_under_review"}:
        changes["evidence_details"] = {**old["evidence_details"], "has_evidence": True, "submission_count": 1}
    event = "charge.dispute.closed" if closed else "charge.dispute.updated"
    account.change("dispute", dispute, changes, at=at, event=event)
    if old["status"].startswith("warning_") and status in {"needs_response", "under_review", "won", "lost"}:
        _withdraw(account, dispute, at, "dispute", "charge.dispute.funds_withdrawn")
    if status == "won":
        _withdraw(account, dispute, at, "dispute_reversal", "charge.dispute.funds_reinstated")
    return dispute


def _withdraw(account: StripeAccount, dispute_id: str, at: int, category: str, event: str) -> None:
    """Take the disputed money out of the balance, or put it back when the category is `dispute_reversal`."""
    fields = account.fields("dispute", dispute_id)
    rate = _rate_of(account, fields["charge"])
    taken = category == "dispute"
    amount = settled_amount(fields["amount"], rate) * (-1 if taken else 1)
    transaction = move(
        account,
        at=at,
        amount=amount,
        source=dispute_id,
        kind="adjustment",
        category=category,
        fee=DISPUTE_FEE.get(account.currency, 0) if taken else 0,
        exchange_rate=rate,
        available_on=at,
    )
    movements = [*fields.get("balance_transactions", []), account.render("balance_transaction", transaction, at)]
    account.change("dispute", dispute_id, {"balance_transactions": movements}, at=at, event=event)


def fraud_warning(account: StripeAccount, *, at: int, charge: str, fraud_type: str = "made_with_stolen_card") -> str:
    """The card's bank reports a charge as fraud before any dispute; returns `issfr_…`."""
    paid = account.fields("charge", charge)
    fields = {"id": account.new_id("issfr"), "charge": charge, "created": at, "fraud_type": fraud_type}
    fields["actionable"] = not paid.get("refunded", False)
    return account.create("radar.early_fraud_warning", fields, event="radar.early_fraud_warning.created")


def account_update(account: StripeAccount, *, at: int, changes: Json) -> str:
    """Fields of the account itself change, such as `payouts_enabled` or `requirements`."""
    previous = {name: account.profile.get(name) for name in changes}
    account.profile = {**account.profile, **changes}
    account.emit("account.updated", "account", account.profile, at=at, previous=previous)
    return account.id


def remove(account: StripeAccount, *, at: int, kind: str, object_id: str) -> str:
    """An object is deleted for good, such as a customer or a product."""
    account.delete(kind, object_id, at=at)
    return object_id
