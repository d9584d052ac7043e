"""What Vaultra relies on from its broker: one suite, run on the embedded broker and on Google's Pub/Sub emulator."""

import time
from collections import Counter, defaultdict
from dataclasses import replace

import pytest

from tests.contracts.brokers import Broker, Push, Subscriber
from vaultra.db.broker import Subscription


def test_the_push_has_pubsubs_envelope(broker: Broker, subscriber: Subscriber, subscription: Subscription) -> None:
    broker.subscribe([subscription])
    broker.publish("héllo", attributes={"request_id": "abc"}, key="shop 1")
    broker.publish("plain")
    subscriber.wait(lambda: len(subscriber.pushes) == 2, 60)
    plain, keyed = sorted(subscriber.pushes, key=lambda push: push.text == "héllo")

    assert keyed.headers["Content-Type"].startswith("application/json")
    assert keyed.body["subscription"] == f"projects/{broker.project}/subscriptions/work.first"
    assert keyed.text == "héllo"
    assert keyed.message["attributes"] == {"request_id": "abc"}
    if broker.name == "embedded":  # the emulator leaves the key out of a push; Pub/Sub does not
        assert keyed.message["orderingKey"] == "shop 1"
    assert keyed.message["messageId"] == keyed.message["message_id"]
    assert keyed.message["publishTime"] == keyed.message["publish_time"]
    assert keyed.message["publishTime"].endswith("Z")
    assert plain.message["messageId"] != keyed.message["messageId"]
    assert "orderingKey" not in plain.message


def test_a_failed_push_comes_again(broker: Broker, subscriber: Subscriber, subscription: Subscription) -> None:
    subscriber.answer = lambda push: 500 if len(subscriber.pushes) < 3 else 204
    broker.subscribe([subscription])
    broker.publish("again")
    subscriber.wait(lambda: len(subscriber.pushes) == 3, 60)
    time.sleep(1.5)
    assert [push.text for push in subscriber.pushes] == ["again"] * 3, "an acknowledged message came again"
    assert len({push.message["messageId"] for push in subscriber.pushes}) == 1


@pytest.mark.parametrize("status", [200, 201, 202, 204, 302, 400, 404, 429, 503])
def test_these_statuses_acknowledge(
    status: int, embedded: Broker, subscriber: Subscriber, subscription: Subscription
) -> None:
    # On the embedded broker only, because the emulator retries by the second. 102, which Pub/Sub also takes,
    # is an interim status that no HTTP/1.1 client reports.
    subscriber.answer = lambda push: status if len(subscriber.pushes) == 1 else 204
    embedded.subscribe([subscription])
    embedded.publish("once or twice")
    expected = 1 if status in (200, 201, 202, 204) else 2
    subscriber.wait(lambda: len(subscriber.pushes) == expected, 60)
    time.sleep(0.3)
    assert len(subscriber.pushes) == expected


def test_a_slow_subscriber_gets_it_again_after_the_ack_deadline(
    broker: Broker, subscriber: Subscriber, subscription: Subscription
) -> None:
    deadline = 0.5 if broker.name == "embedded" else 10  # Pub/Sub allows no shorter one

    def slow(push: Push) -> int:
        if len(subscriber.pushes) == 1:
            time.sleep(deadline + 3)
        return 204

    subscriber.answer = slow
    broker.subscribe([replace(subscription, ack_deadline_seconds=deadline)])
    broker.publish("slowly")
    subscriber.wait(lambda: len(subscriber.pushes) >= 2, deadline + 10)
    first, second = subscriber.pushes[:2]
    assert first.message["messageId"] == second.message["messageId"]
    assert second.at - first.at >= deadline * 0.9


@pytest.mark.parametrize(
    ("broker", "attempts"),
    [("embedded", 5), ("embedded", 7), pytest.param("emulator", 5, marks=pytest.mark.long)],
    indirect=["broker"],
)
def test_a_poison_message_goes_to_its_dead_letter_topic_and_the_others_flow(
    attempts: int, broker: Broker, subscriber: Subscriber, subscription: Subscription
) -> None:
    subscriber.answer = lambda push: 500 if push.path == "/first" and push.text == "poison" else 204
    work = replace(subscription, max_attempts=attempts, dead_letter_topic="work.first.dead")
    dead = replace(subscription, name="dead.collector", topic="work.first.dead", endpoint=f"{subscriber.url}/dead")
    broker.subscribe([work, dead])
    broker.publish("before", "poison", "after", attributes={"origin": "test"}, key="")
    subscriber.wait(lambda: bool(subscriber.on("/dead")), 60)
    time.sleep(0.5)

    tries = Counter(push.text for push in subscriber.on("/first"))
    assert tries == {"before": 1, "after": 1, "poison": attempts}
    [buried] = subscriber.on("/dead")
    assert buried.text == "poison"
    assert "deliveryAttempt" not in buried.body
    marks = dict(buried.message["attributes"])
    assert marks.pop("origin") == "test"
    assert marks.pop("CloudPubSubDeadLetterSourceDeliveryCount") == str(attempts)
    assert marks.pop("CloudPubSubDeadLetterSourceSubscription") == "work.first"
    assert marks.pop("CloudPubSubDeadLetterSourceSubscriptionProject") == broker.project
    assert marks.pop("CloudPubSubDeadLetterSourceTopicPublishTime").startswith("20")
    assert not marks
    if broker.name == "embedded":  # the emulator leaves the count out of a push; Pub/Sub does not
        counted = [push.body["deliveryAttempt"] for push in subscriber.on("/first") if push.text == "poison"]
        assert counted == list(range(1, attempts + 1))


def test_messages_of_a_key_arrive_in_order_even_when_one_fails(
    broker: Broker, subscriber: Subscriber, subscription: Subscription
) -> None:
    failures: Counter[str] = Counter()

    def sometimes(push: Push) -> int:
        if push.text in ("a1", "b2") and failures[push.text] < 2:
            failures[push.text] += 1
            return 500
        return 204

    subscriber.answer = sometimes
    broker.subscribe([subscription])
    for number in range(4):
        broker.publish(f"a{number}", key="a")
        broker.publish(f"b{number}", key="b")
    subscriber.wait(lambda: {"a3", "b3"} <= {push.text for push in subscriber.pushes}, 60)
    time.sleep(0.3)
    arrived = defaultdict(list)
    for push in subscriber.pushes:
        arrived[push.text[0]].append(push.text)
    # Pub/Sub may repeat what follows a failed message; the first arrivals are in order.
    assert {key: list(dict.fromkeys(texts)) for key, texts in arrived.items()} == {
        "a": ["a0", "a1", "a2", "a3"],
        "b": ["b0", "b1", "b2", "b3"],
    }
    after_failure = arrived["a"][arrived["a"].index("a1") + 1 :]
    assert after_failure[0] == "a1", "a later message overtook a failed one of its key"


def test_every_subscription_of_a_topic_gets_every_message(
    broker: Broker, subscriber: Subscriber, subscription: Subscription
) -> None:
    second = replace(subscription, name="work.second", endpoint=f"{subscriber.url}/second")
    subscriber.answer = lambda push: 500 if push.path == "/second" and len(subscriber.on("/second")) < 3 else 204
    broker.subscribe([subscription, second])
    broker.publish("to both")
    subscriber.wait(lambda: len(subscriber.on("/first")) == 1 and len(subscriber.on("/second")) == 3, 60)


def test_a_thousand_messages_all_arrive(broker: Broker, subscriber: Subscriber, subscription: Subscription) -> None:
    broker.subscribe([subscription])
    expected = {f"message {number}" for number in range(1000)}
    began = time.monotonic()
    broker.publish(*sorted(expected))
    published = time.monotonic()
    subscriber.wait(lambda: {push.text for push in subscriber.pushes} == expected, 60)
    arrived = time.monotonic()
    print(f"\n{broker.name}: 1,000 published in {published - began:.2f} s, delivered {arrived - published:.2f} s later")
