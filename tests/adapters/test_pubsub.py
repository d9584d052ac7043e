"""The Pub/Sub adapter, where the emulator can't refuse."""

from concurrent.futures import Future
from typing import ClassVar

import pytest

from vaultra.adapters.pubsub import PubsubPublisher
from vaultra.errors import Unavailable
from vaultra.ports import Message


def test_a_publish_that_pubsub_refuses_is_unavailable_and_its_key_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    class Client:
        """Pub/Sub's client with the second message refused."""

        resumed: ClassVar[list[tuple[str, str]]] = []
        published: ClassVar[list[bytes]] = []

        def topic_path(self, project: str, topic: str) -> str:
            return f"projects/{project}/topics/{topic}"

        def publish(self, topic: str, data: bytes, ordering_key: str, **attributes: str) -> "Future[str]":
            future: Future[str] = Future()
            if data == b"refused":
                future.set_exception(RuntimeError("503"))
            else:
                self.published.append(data)
                future.set_result("1")
            return future

        def resume_publish(self, topic: str, key: str) -> None:
            self.resumed.append((topic, key))

    publisher = PubsubPublisher("p")
    monkeypatch.setattr(PubsubPublisher, "_client", Client())
    messages = [Message("work", data, "key") for data in (b"taken", b"refused", b"taken too")]
    with pytest.raises(Unavailable):
        publisher.publish(messages)
    assert Client.published == [b"taken", b"taken too"], "every message was tried"
    assert Client.resumed == [("projects/p/topics/work", "key")]
