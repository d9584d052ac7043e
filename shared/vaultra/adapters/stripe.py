"""Stripe behind the `StripeGateway` port: the platform's key with the Stripe-Account header, or the owner's own key."""

import datetime as dt
import re
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import stripe

from vaultra.adapters.stripe_pacing import Pace, Unpaced, patiently, told_wait
from vaultra.config import StripeSettings
from vaultra.domain.connections import is_live_key
from vaultra.errors import AccessRevoked, InvalidInput, NotFound, RateLimited, Unavailable, VaultraError
from vaultra.ports import Clock, Json, OauthGrant, StripeRead

Keys = Callable[[str], str | None]
"""The restricted key an account is read with, by its id; None when the platform's key reads it."""

_PERMISSION = re.compile(r"\brak_[a-z_]+")

# What has to be read with an object because we keep it: without it the object is not complete.
EXPAND: dict[str, tuple[str, ...]] = {
    "charges": ("balance_transaction",),
    "refunds": ("balance_transaction",),
    "subscriptions": ("customer", "discounts.source.coupon"),
    "customers": ("discount.source.coupon",),
    "invoices": ("payments",),
    # As deep as Stripe expands: what an item's own discounts are worth can be read here only.
    "subscription_items": ("price.tiers", "discounts.source.coupon"),
}
# What only the read of a single object may ask for: Stripe expands at most four levels, and a list is one.
EXPAND_ONE: dict[str, tuple[str, ...]] = {"subscriptions": ("items.data.price.tiers",)}


def no_keys(_account_id: str) -> None:
    """For a Vaultra whose accounts are all connected by consent."""


class StripeApi:
    """Calls Stripe's API for connected accounts. Safe to share between threads.

    Args:
        keys: Asked before every read, so that a key that was wiped or replaced is not used again.
        pace: Spaces the reads of each account; None reads as fast as it can.
    """

    def __init__(self, settings: StripeSettings, clock: Clock, keys: Keys = no_keys, pace: Pace | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self._keys = keys
        self._pace = pace or Unpaced()
        self._client = stripe.StripeClient(
            settings.stripe_secret_key.get_secret_value(),
            client_id=settings.stripe_connect_client_id or None,
            base_addresses={"api": settings.stripe_api_base, "connect": settings.stripe_connect_base},
            http_client=stripe.RequestsClient(timeout=30),
            max_network_retries=0,
        )

    def authorize_url(self, state: str, redirect_uri: str) -> str:
        if not self._settings.stripe_connect_client_id:
            raise Unavailable("Connecting to Stripe is not set up here: STRIPE_CONNECT_CLIENT_ID is missing")
        url: str = self._client.oauth.authorize_url(
            {
                "scope": self._settings.stripe_connect_scope,
                "state": state,
                "redirect_uri": redirect_uri,
                "response_type": "code",
            }
        )
        return url

    def exchange_code(self, code: str) -> OauthGrant:
        try:
            answer = self._client.oauth.token({"grant_type": "authorization_code", "code": code})
        except stripe.oauth_error.OAuthError as error:
            raise InvalidInput("Stripe does not accept this authorization") from error
        except stripe.StripeError as error:
            raise _translated(error) from error
        body: Json = answer.to_dict()
        account = body.get("stripe_user_id")
        if not isinstance(account, str) or not account:
            raise Unavailable("Stripe's answer names no account")
        livemode = body.get("livemode")
        if not isinstance(livemode, bool):
            livemode = is_live_key(self._settings.stripe_secret_key.get_secret_value())
        told = (answer.last_response.headers or {}).get("date") if answer.last_response else None
        granted_at = parsedate_to_datetime(told).astimezone(dt.UTC) if told else None
        return OauthGrant(account_id=account, livemode=livemode, granted_at=granted_at)

    def deauthorize(self, account_id: str) -> None:
        try:
            self._client.oauth.deauthorize({"stripe_user_id": account_id})
        except (stripe.oauth_error.OAuthError, stripe.PermissionError, stripe.AuthenticationError):
            return  # it is gone already
        except stripe.StripeError as error:
            raise _translated(error) from error

    def list_page(self, account_id: str, resource: str, params: Mapping[str, str]) -> StripeRead:
        expand = [f"data.{path}" for path in EXPAND.get(resource, ())]
        return self._read(account_id, f"/v1/{resource}", {**params, "expand": expand})

    def retrieve(self, account_id: str, resource: str, object_id: str | None = None) -> StripeRead:
        path = f"/v1/{resource}" if object_id is None else f"/v1/{resource}/{object_id}"
        return self._read(account_id, path, {"expand": [*EXPAND.get(resource, ()), *EXPAND_ONE.get(resource, ())]})

    def _read(self, account_id: str, path: str, params: dict[str, Any]) -> StripeRead:
        if not params["expand"]:
            del params["expand"]
        return patiently(lambda: self._get(account_id, path, params), account_id, self._pace)

    def _get(self, account_id: str, path: str, params: dict[str, Any]) -> StripeRead:
        key = self._keys(account_id)
        # An owner's key is its account's own: Stripe wants no header beside it.
        who = {"stripe_account": account_id} if key is None else {"api_key": key}
        began = time.monotonic()
        try:
            answer = self._client.raw_request("get", path, **who, **params)
        except stripe.StripeError as error:
            if key is not None and isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
                raise refused_key(error) from error
            translated = _translated(error)
            translated.retry_after = told_wait(error.headers, self._clock())
            raise translated from error
        told = answer.headers.get("date")
        answered_at = parsedate_to_datetime(told) if told else self._clock()
        # What we read is the state of when Stripe began to answer; its Date header is of when it had.
        as_of = answered_at - dt.timedelta(seconds=int(time.monotonic() - began) + 1)
        return StripeRead(body=answer.data, as_of=as_of.astimezone(dt.UTC))


def refused_key(error: stripe.StripeError) -> AccessRevoked:
    """Why an owner's key was refused, in words for its owner; none of the key's characters are in them."""
    permission = named_permission(error)
    if permission is not None:
        return AccessRevoked(
            f"The restricted key may not read all that Vaultra needs. Set {permission} to Read at Stripe."
        )
    return AccessRevoked(
        "Stripe does not accept the restricted key: it was deleted, replaced or limited to other addresses. "
        "Paste a new one."
    )


def named_permission(error: stripe.StripeError) -> str | None:
    """The permission whose lack Stripe complains about, as Stripe calls it; None when the error is another."""
    found = _PERMISSION.search(str(error))
    return None if found is None else found.group()


def _translated(error: stripe.StripeError) -> VaultraError:
    status = error.http_status or 0
    if isinstance(error, stripe.RateLimitError) or status == 429:
        return RateLimited("Stripe asks us to slow down")
    if isinstance(error, stripe.PermissionError):
        return AccessRevoked("Stripe no longer gives Vaultra access to this account. Connect it again.")
    if status == 404 or error.code == "resource_missing":
        return NotFound("Stripe does not know this object")
    if isinstance(error, stripe.AuthenticationError):
        return Unavailable("Stripe does not accept the platform's key: check STRIPE_SECRET_KEY")
    if isinstance(error, stripe.InvalidRequestError):
        return InvalidInput(f"Stripe refused the request: {error.code or error.param or 'invalid'}")
    return Unavailable("Stripe does not answer")
