"""Stripe: ways in, and what is read there."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from vaultra.ports.calls import Json


@dataclass(frozen=True)
class OauthGrant:
    """What Stripe grants when an owner agrees: the account's id and its mode.

    `granted_at` is when, by Stripe's clock; None when Stripe did not tell.
    """

    account_id: str
    livemode: bool
    granted_at: dt.datetime | None = None


@dataclass(frozen=True)
class KeyRights:
    """What an owner's restricted key is good for.

    Attributes:
        account_id: Whose it is; None when the key may not say.
        livemode: Its mode.
        missing: What we read and it may not, each as Stripe's own pages and errors call it.
        writable: What it may change.
    """

    account_id: str | None
    livemode: bool
    missing: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()


@dataclass(frozen=True)
class StripeRead:
    """One answer of Stripe's API. `as_of` is Stripe's clock when the answer was made (its Date header)."""

    body: Json
    as_of: dt.datetime


class StripeGateway(Protocol):
    """What Vaultra asks of Stripe. Reads are raw API objects, so that one parser serves reads and webhooks.

    Raises `RateLimited` or `Unavailable` when a later call may succeed, `AccessRevoked` when the account
    no longer lets us in, and `NotFound` for an object or a resource that does not exist.
    """

    def authorize_url(self, state: str, redirect_uri: str) -> str:
        """Where to send the owner's browser."""

    def exchange_code(self, code: str) -> OauthGrant:
        """Trade the callback's code; raise `InvalidInput` for a code Stripe does not know."""

    def deauthorize(self, account_id: str) -> None:
        """Give the access back; nothing happens when it is gone already."""

    def list_page(self, account_id: str, resource: str, params: Mapping[str, str]) -> StripeRead:
        """One page of `/v1/{resource}`: a Stripe list object."""

    def retrieve(self, account_id: str, resource: str, object_id: str | None = None) -> StripeRead:
        """`/v1/{resource}/{object_id}`, or a singleton such as `balance` when no id is given."""


class KeyInspector(Protocol):
    """Finds out what an owner's restricted key is good for, changing nothing."""

    def inspect(self, key: str) -> KeyRights:
        """Ask Stripe.

        Raises:
            AccessRevoked: Stripe does not accept the key.
            InvalidInput: It is a test key, and ours is a live one.
            RateLimited, Unavailable: a later call may succeed.
        """
