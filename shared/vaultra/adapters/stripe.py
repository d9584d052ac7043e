"""Stripe behind the `StripeGateway` port: the platform's key with the Stripe-Account header, no stored token."""

import datetime as dt
import random
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import stripe

from vaultra.config import StripeSettings
from vaultra.errors import AccessRevoked, InvalidInput, NotFound, RateLimited, Unavailable, VaultraError
from vaultra.ports import Clock, Json, OauthGrant, StripeRead

T = TypeVar("T")

# Stripe's SDK does not retry 429; we wait as long as Stripe says, but never so long that the broker
# thinks us dead: a longer wait goes back to the broker's own back-off.
ATTEMPTS = 4
LONGEST_WAIT_SECONDS = 8.0
SIGNATURE_TOLERANCE = dt.timedelta(seconds=300)

# What has to be read with an object because we keep it: without it the object is not complete.
EXPAND: dict[str, tuple[str, ...]] = {
    "charges": ("balance_transaction",),
    "refunds": ("balance_transaction",),
    "subscriptions": ("customer", "discounts.source.coupon"),
    "customers": ("discount.source.coupon",),
    "invoices": ("payments",),
}
# What only the read of a single object may ask for: Stripe expands at most four levels, and a list is one.
EXPAND_ONE: dict[str, tuple[str, ...]] = {"subscriptions": ("items.data.price.tiers",)}


class StripeApi:
    """Calls Stripe's API for connected accounts. Safe to share between threads."""

    def __init__(self, settings: StripeSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
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
            {"scope": "read_only", "state": state, "redirect_uri": redirect_uri, "response_type": "code"}
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
            livemode = not self._settings.stripe_secret_key.get_secret_value().startswith(("sk_test", "rk_test"))
        return OauthGrant(account_id=account, livemode=livemode)

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
        return _patiently(lambda: self._get(account_id, path, params))

    def _get(self, account_id: str, path: str, params: dict[str, Any]) -> StripeRead:
        began = time.monotonic()
        answer = self._client.raw_request("get", path, stripe_account=account_id, **params)
        told = answer.headers.get("date")
        answered_at = parsedate_to_datetime(told) if told else self._clock()
        # What we read is the state of when Stripe began to answer; its Date header is of when it had.
        as_of = answered_at - dt.timedelta(seconds=int(time.monotonic() - began) + 1)
        return StripeRead(body=answer.data, as_of=as_of.astimezone(dt.UTC))


def verify_signature(payload: bytes, header: str, secrets: list[str], now: dt.datetime) -> None:
    """Raise `InvalidInput` unless one of the secrets signed these bytes within five minutes of `now`."""
    try:
        stamps = [part[2:] for part in header.split(",") if part.startswith("t=")]
        signed_at = dt.datetime.fromtimestamp(int(stamps[0]), dt.UTC)
        text = payload.decode()
        signed = any(_signed_by(text, header, secret) for secret in secrets)
    except Exception:
        # The SDK raises more than it documents: TypeError for a header that is not ASCII, for one.
        raise InvalidInput("The signature can't be read") from None
    if not signed:
        raise InvalidInput("The signature does not match")
    if abs(now - signed_at) > SIGNATURE_TOLERANCE:
        raise InvalidInput("The signature is too old, or from the future")


def _signed_by(payload: str, header: str, secret: str) -> bool:
    try:
        return bool(stripe.WebhookSignature.verify_header(payload, header, secret, tolerance=None))
    except stripe.SignatureVerificationError:
        return False


def _patiently(read: Callable[[], T]) -> T:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return read()
        except stripe.StripeError as error:
            translated = _translated(error)
            wait = _wait_seconds(error, attempt)
            if not translated.retry or attempt == ATTEMPTS or wait > LONGEST_WAIT_SECONDS:
                raise translated from error
            time.sleep(wait)
    raise AssertionError("the last attempt returns or raises")


def _wait_seconds(error: stripe.StripeError, attempt: int) -> float:
    told = (error.headers or {}).get("retry-after", "")
    if told.isdigit():
        return float(told) + random.uniform(0, 0.2)  # noqa: S311 - jitter, not a secret
    return random.uniform(0.5, 1.0) * 0.25 * 2.0**attempt  # noqa: S311


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
