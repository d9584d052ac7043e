"""Restricted keys: which permission an endpoint asks for, as Stripe names it."""

from collections.abc import Iterable
from dataclasses import dataclass

from vaultra_local.stripe_sim.errors import StripeError

# Refunds go with charges, prices are still plans, and what moves the balance is a "source", as at Stripe.
NAMES = {
    "account": "accounts_kyc_basic",
    "accounts": "accounts_kyc_basic",
    "balance": "balance",
    "charges": "charge",
    "refunds": "charge",
    "disputes": "dispute",
    "payouts": "payout",
    "balance_transactions": "balance_transaction_source",
    "subscriptions": "subscription",
    "customers": "customer",
    "invoices": "invoice",
    "invoice_payments": "invoice",
    "prices": "plan",
    "products": "product",
    "coupons": "coupon",
    "events": "event",
    "radar/early_fraud_warnings": "early_fraud_warning",
    "payment_intents": "payment_intent",
    "application_fees": "application_fee",
    "transfers": "transfer",
    "webhook_endpoints": "webhook",
}


@dataclass(frozen=True)
class RestrictedKey:
    """A key of one account and what it may do; a permission to write is one to read as well."""

    key: str
    account_id: str
    permissions: frozenset[str]

    def allows(self, permission: str) -> bool:
        """Whether it has this permission."""
        return permission in self.permissions or permission.replace("_read", "_write") in self.permissions


def reading(*but: str) -> frozenset[str]:
    """Permission to read everything `but` some names, and to change nothing."""
    return frozenset(f"rak_{name}_read" for name in NAMES.values() if name not in but)


def check(key: RestrictedKey, method: str, path: str) -> None:
    """Let the request pass; permissions come before anything else is looked at.

    Raises:
        StripeError: 403, naming the permission.
    """
    name = next((name for head, name in _longest_first() if f"{path}/".startswith(f"{head}/")), None)
    permission = f"rak_{name or 'unknown'}_{'read' if method == 'GET' else 'write'}"
    if not key.allows(permission):
        raise StripeError(
            403,
            f"The provided key '{key.key[:8]}***{key.key[-4:]}' does not have the required permissions for this "
            f"endpoint on account '{key.account_id}'. Having the '{permission}' permission would allow this request "
            "to continue.",
            code="more_permissions_required",
        )


def _longest_first() -> Iterable[tuple[str, str]]:
    return sorted(NAMES.items(), key=lambda item: -len(item[0]))
