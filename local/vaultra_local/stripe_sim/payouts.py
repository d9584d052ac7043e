"""What can happen to an account's payouts: made, paid, sent back by the bank. `at` and amounts as in operations.py."""

from vaultra_local.stripe_sim.account import DAY, StripeAccount
from vaultra_local.stripe_sim.ids import suffix
from vaultra_local.stripe_sim.operations import midnight, move


def payout(
    account: StripeAccount, *, at: int, amount: int | None = None, arrival_days: int = 2, automatic: bool = True
) -> str:
    """Money leaves for the bank account; returns `po_…`.

    Args:
        amount: None takes every available balance transaction that no payout has taken; raises ValueError when
            these don't add up to more than zero.
        arrival_days: Days until it should arrive.
    """
    ready = _ready(account, at) if amount is None else []
    amount = available(account, at) if amount is None else amount
    if amount <= 0:
        raise ValueError(f"Nothing to pay out: {amount} available.")
    payout_id = account.new_id("po")
    _take(account, payout_id, ready, at)
    transaction = move(account, at=at, amount=-amount, source=payout_id, kind="payout", available_on=at)
    account.change("balance_transaction", transaction, {"_payout": payout_id}, at=at)
    return account.create(
        "payout",
        {
            "id": payout_id,
            "amount": amount,
            "arrival_date": midnight(at) + arrival_days * DAY,
            "automatic": automatic,
            "balance_transaction": transaction,
            "created": at,
            "currency": account.currency,
            "destination": f"ba_{suffix('bank', account.id)}",
        },
        event="payout.created",
    )


def available(account: StripeAccount, at: int) -> int:
    """What an automatic payout would pay: the sum of available balance transactions that no payout has taken."""
    transactions = account.collections["balance_transaction"]
    return sum(transactions.fields(transaction)["net"] for transaction in _ready(account, at))


def _ready(account: StripeAccount, at: int) -> list[str]:
    transactions = account.collections["balance_transaction"]
    return [transaction for transaction in account.unpaid if transactions.fields(transaction)["available_on"] <= at]


def _take(account: StripeAccount, payout_id: str, transactions: list[str], at: int) -> None:
    """Mark balance transactions as paid out by this payout."""
    if not transactions:
        return
    taken = set(transactions)
    account.unpaid = [t for t in account.unpaid if t not in taken]
    for transaction in sorted(taken):
        account.change("balance_transaction", transaction, {"_payout": payout_id}, at=at)


def payout_paid(account: StripeAccount, *, at: int, payout: str) -> str:
    """The payout is on its bank account, as far as Stripe knows."""
    account.change("payout", payout, {"status": "paid"}, at=at, event="payout.paid")
    return payout


def payout_failed(account: StripeAccount, *, at: int, payout: str, code: str = "account_closed") -> str:
    """The bank sends the payout back, perhaps days after it counted as paid; the money returns to the balance."""
    fields = account.fields("payout", payout)
    transaction = move(account, at=at, amount=fields["amount"], source=payout, kind="payout_failure", available_on=at)
    changes = {
        "failure_balance_transaction": transaction,
        "failure_code": code,
        "failure_message": "The bank account has been closed."
        if code == "account_closed"
        else "The bank could not process this payout.",
        "status": "failed",
    }
    account.change("payout", payout, changes, at=at, event="payout.failed")
    return payout
