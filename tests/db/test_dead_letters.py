"""Messages that failed for good."""

import datetime as dt

from sqlalchemy import Connection

from tests.connected import rows
from tests.stripe_payloads import NOON
from vaultra.db import dead_letters
from vaultra.ports import Delivery


def delivery(message_id: str = "7", **attributes: str) -> Delivery:
    subscription = "projects/p/subscriptions/metrics-due.compute-metrics"
    return Delivery(message_id, subscription, b'{"business_ids": []}', attributes, "a-key", 3)


def test_a_message_is_kept_once_per_subscription(db: Connection) -> None:
    dead_letters.record(db, delivery(request_id="r"), error="It broke", now=NOON)
    dead_letters.record(db, delivery(), error="It broke again", now=NOON + dt.timedelta(hours=1))
    [row] = rows(db, "dead_letters")
    assert (row["message_id"], row["subscription"], row["topic"]) == ("7", "metrics-due.compute-metrics", "metrics-due")
    assert (row["data"], row["attributes"], row["ordering_key"]) == (
        b'{"business_ids": []}', {"request_id": "r"}, "a-key",
    )  # fmt: skip
    assert (row["attempts"], row["error"], row["dead_at"], row["replayed_at"]) == (3, "It broke", NOON, None)
    dead_letters.record(db, delivery("8"), error="Another", now=NOON)
    assert len(rows(db, "dead_letters")) == 2


def test_what_came_through_a_dead_letter_topic_is_filed_where_it_failed(db: Connection) -> None:
    attributes = {
        "CloudPubSubDeadLetterSourceSubscription": "tick.dispatch",
        "CloudPubSubDeadLetterSourceDeliveryCount": "7",
        "CloudPubSubDeadLetterSourceTopicPublishTime": "2026-11-20T12:00:00Z",
        "request_id": "r",
    }
    dead_letters.record(db, delivery(**attributes), error="Failed seven times", now=NOON)
    [row] = rows(db, "dead_letters")
    assert (row["subscription"], row["topic"], row["attempts"]) == ("tick.dispatch", "tick", 7)
    assert row["attributes"] == {"request_id": "r"}
