"""What the brokers' tests may ask for: the brokers, a subscription, and whom it pushes to."""

from tests.contracts.brokers import broker, embedded, subscriber, subscription

__all__ = ["broker", "embedded", "subscriber", "subscription"]
