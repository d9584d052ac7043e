"""Every door to the outside, as Protocols on one page. Adapters implement them; tests pass stand-ins."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Clock = Callable[[], dt.datetime]
"""Tells the time as an aware UTC datetime. The edge reads it once per call."""

Json = dict[str, Any]
"""A decoded JSON object."""


@dataclass(frozen=True)
class Message:
    """What is published on a topic: JSON bytes, small, and free of personal data.

    Messages of one `ordering_key` arrive in the order in which they were published.
    """

    topic: str
    data: bytes
    ordering_key: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Delivery:
    """A message as a subscription receives it. `attempt` is 1 when the broker does not count deliveries."""

    message_id: str
    subscription: str
    data: bytes
    attributes: Mapping[str, str]
    ordering_key: str
    attempt: int


class Publisher(Protocol):
    """Hands messages to the broker."""

    def publish(self, messages: Sequence[Message]) -> None:
        """Return once the broker has all of them; raise `Unavailable` when it has not."""


@dataclass(frozen=True)
class OauthGrant:
    """What Stripe grants when an owner agrees: the account's id and its mode."""

    account_id: str
    livemode: bool


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
