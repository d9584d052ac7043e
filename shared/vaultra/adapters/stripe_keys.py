"""What an owner's restricted key may do at Stripe, found out without changing anything."""

import uuid
from typing import Any

import stripe

from vaultra.adapters.stripe import EXPAND, named_permission, refused_key
from vaultra.config import StripeSettings
from vaultra.domain.connections import is_live_key
from vaultra.errors import InvalidInput, RateLimited, Unavailable
from vaultra.ports import KeyRights

# What we read, and what Stripe's page for making a key calls it. Prices and coupons are read inside subscriptions.
READS = {
    "account": "Accounts",
    "balance": "Balance",
    "charges": "Charges and refunds",
    "refunds": "Charges and refunds",
    "disputes": "Disputes",
    "payouts": "Payouts",
    "balance_transactions": "Balance transaction sources",
    "subscriptions": "Subscriptions",
    "customers": "Customers",
    "invoices": "Invoices",
    "prices": "Prices",
    "coupons": "Coupons",
    "events": "Events",
    "radar/early_fraud_warnings": "Early fraud warnings",
}
SINGLE = ("account", "balance")
# What moves money, or changes what a customer has or pays. Stripe has about sixty permissions; these are the ones
# that hurt, and whoever gives one of them gave too much.
WRITES = {
    "charges": "Charges and refunds",
    "refunds": "Charges and refunds",
    "payment_intents": "Payment intents",
    "payouts": "Payouts",
    "transfers": "Transfers",
    "disputes": "Disputes",
    "customers": "Customers",
    "subscriptions": "Subscriptions",
    "invoices": "Invoices",
    "products": "Products",
    "prices": "Prices",
    "webhook_endpoints": "Webhook endpoints",
}
TIMEOUT_SECONDS = 10


class StripeKeyInspector:
    """Asks Stripe about thirty short questions with the key in hand."""

    def __init__(self, settings: StripeSettings) -> None:
        self._settings = settings

    def inspect(self, key: str) -> KeyRights:
        live = is_live_key(key)
        if is_live_key(self._settings.stripe_secret_key.get_secret_value()) and not live:
            raise InvalidInput("This is a key of Stripe's test mode. Create one in live mode: it begins with rk_live_.")
        client = stripe.StripeClient(
            key,
            base_addresses={"api": self._settings.stripe_api_base},
            http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
            max_network_retries=1,
        )
        account_id, missing = _missing(client)
        return KeyRights(account_id, live, missing, _writable(client))


def _missing(client: stripe.StripeClient) -> tuple[str | None, tuple[str, ...]]:
    """The account's id if it may be read, and what may not be read; each read is as small as Stripe allows."""
    account_id = None
    missing: dict[str, None] = {}
    for resource, label in READS.items():
        expand = [f"data.{path}" for path in EXPAND.get(resource, ())]
        params: dict[str, Any] = {} if resource in SINGLE else {"limit": 1}
        try:
            answer = _ask(client, "get", f"/v1/{resource}", **params, **({"expand": expand} if expand else {}))
        except stripe.PermissionError as error:
            missing[_named(label, error)] = None
            continue
        if resource == "account":
            account_id = str(answer["id"])
    return account_id, tuple(missing)


def _writable(client: stripe.StripeClient) -> tuple[str, ...]:
    """What the key may change: all that Stripe does not refuse to update for want of a permission.

    Why this changes nothing: each request updates an object under an id made up here, of 128 random bits, that
    Stripe never gave to anything, and it names no field to change. Stripe looks at the key's permissions first: a
    key that only reads gets 403, any other key learns that there is no such object. Whatever else Stripe answers
    counts as a permission to write, so that a key passes only when Stripe refused every one of them.
    """
    writable: dict[str, None] = {}
    for resource, label in WRITES.items():
        try:
            _ask(client, "post", f"/v1/{resource}/vaultra_{uuid.uuid4().hex}")
        except stripe.PermissionError:
            continue
        except stripe.InvalidRequestError:
            pass
        writable[label] = None
    return tuple(writable)


def _ask(client: stripe.StripeClient, method: str, path: str, **params: Any) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = client.raw_request(method, path, **params).data
    except stripe.AuthenticationError as error:
        raise refused_key(error) from error
    except (stripe.PermissionError, stripe.InvalidRequestError):
        raise
    except stripe.RateLimitError as error:
        raise RateLimited("Stripe asks us to slow down. Try again in a minute.", retry_after=60) from error
    except stripe.StripeError as error:
        raise Unavailable("Stripe does not answer. Try again in a while.") from error
    return answer


def _named(label: str, error: stripe.StripeError) -> str:
    permission = named_permission(error)
    return label if permission is None else f"{label} ({permission})"
