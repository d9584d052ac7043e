"""Google Cloud Pub/Sub, or its emulator when PUBSUB_EMULATOR_HOST names one."""

from collections.abc import Sequence
from concurrent.futures import Future
from functools import cached_property
from typing import Any

from vaultra.errors import Unavailable
from vaultra.ports import Message

TIMEOUT_SECONDS = 30.0


class PubsubPublisher:
    """`Publisher` over Pub/Sub; the client is made on first use, after the worker was forked.

    Args:
        project: The project that owns the topics.
    """

    def __init__(self, project: str) -> None:
        self._project = project

    @cached_property
    def _client(self) -> Any:
        from google.cloud import pubsub_v1

        return pubsub_v1.PublisherClient(
            batch_settings=pubsub_v1.types.BatchSettings(max_messages=1000, max_latency=0.005),
            publisher_options=pubsub_v1.types.PublisherOptions(enable_message_ordering=True),
        )

    def publish(self, messages: Sequence[Message]) -> None:
        begun = [(message, self._begin(message)) for message in messages]
        failures = [error for message, future in begun if (error := self._outcome(message, future)) is not None]
        if failures:
            raise Unavailable("Pub/Sub does not take messages now", retry_after=5) from failures[0]

    def _begin(self, message: Message) -> "Future[str]":
        future: Future[str] = self._client.publish(
            self._client.topic_path(self._project, message.topic),
            message.data,
            ordering_key=message.ordering_key,
            **message.attributes,
        )
        return future

    def _outcome(self, message: Message, future: "Future[str]") -> Exception | None:
        try:
            future.result(timeout=TIMEOUT_SECONDS)
        except Exception as error:  # the client raises its transport's errors, timeouts and its own
            if message.ordering_key:  # after a failure the client refuses a key until told to go on
                self._client.resume_publish(self._client.topic_path(self._project, message.topic), message.ordering_key)
            return error
        return None
