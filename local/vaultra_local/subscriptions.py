"""Which subscriptions the catalogue asks for: one per topic function, and one on every dead-letter topic."""

from collections.abc import Sequence

from vaultra.db.broker import Subscription
from vaultra_local.catalogue import Function

MAX_ATTEMPTS = 7
PUSH_MARGIN_SECONDS = 60
"""Added to a function's time-out: the broker gives up on a delivery only after the function must have ended."""

MIN_BACKOFF_SECONDS = 0.2
MAX_BACKOFF_SECONDS = 10.0
"""In the cloud 10 and 600; on one machine a person is waiting."""


def from_catalogue(functions: Sequence[Function], base_url: str) -> list[Subscription]:
    """The subscriptions, pushing to `{base_url}/{function}`."""
    working = [_of(function, function.topic, base_url) for function in functions if function.topic is not None]
    dead_topics = [s.dead_letter_topic for s in working if s.dead_letter_topic is not None]
    collectors = [function for function in functions if function.takes_dead_letters]
    return working + [_of(function, topic, base_url) for function in collectors for topic in dead_topics]


def _of(function: Function, topic: str, base_url: str) -> Subscription:
    name = f"{topic}.{function.hyphenated}"
    gives_up = not function.takes_dead_letters
    return Subscription(
        name=name,
        topic=topic,
        endpoint=f"{base_url}/{function.name}",
        ack_deadline_seconds=function.timeout_seconds + PUSH_MARGIN_SECONDS,
        min_backoff_seconds=MIN_BACKOFF_SECONDS,
        max_backoff_seconds=MAX_BACKOFF_SECONDS,
        max_outstanding=function.concurrency,
        max_attempts=MAX_ATTEMPTS if gives_up else None,
        dead_letter_topic=f"{name}.dead" if gives_up else None,
    )
