"""The broker: what is published, and how it arrives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from sqlalchemy import Connection


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
    """A message as a subscription receives it. `attempt` counts from 1; 0 when the broker does not count deliveries."""

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


@runtime_checkable
class JoiningPublisher(Publisher, Protocol):
    """A broker in our own database: it takes messages with the transaction that has something to announce."""

    def join(self, connection: "Connection", messages: Sequence[Message]) -> None:
        """Hand the messages over within the open transaction: both come to be, or neither."""
