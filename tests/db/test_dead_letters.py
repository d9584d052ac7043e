"""Messages that failed for good."""

import datetime as dt

from sqlalchemy import Connection

from tests.connected import rows
from tests.stripe_payloads import NOON
from vaultra.db import dead_letters
from vaultra.ports import Delivery, Message


def delivery(message_id: str = "7", **attributes: str) -> Delivery:
    subscription = "projects/p/subscriptions/metrics-due.compute-metrics"
    return Delivery(message_id, subscription, b'{"business_ids": []}', attributes, "a-key", 3)


HOUR = dt.timedelta(hours=1)


def test_a_message_is_kept_once_per_subscription_with_its_latest_failure(db: Connection) -> None:
    dead_letters.record(db, delivery(request_id="r"), error="It broke", now=NOON)
    dead_letters.record(db, delivery(), error="It broke again", now=NOON + HOUR)
    [row] = rows(db, "dead_letters")
    assert (row["message_id"], row["subscription"], row["topic"]) == ("7", "metrics-due.compute-metrics", "metrics-due")
    assert (row["data"], row["attributes"], row["ordering_key"]) == (
        b'{"business_ids": []}', {"request_id": "r"}, "a-key",
    )  # fmt: skip
    assert (row["attempts"], row["error"], row["dead_at"], row["replayed_at"]) == (
        3, "It broke again", NOON + HOUR, None,
    )  # fmt: skip
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


def test_letters_are_found_by_topic_time_and_whether_they_wait(db: Connection) -> None:
    for hours, subscription in enumerate(("tick.dispatch", "tick.dispatch", "mail-due.send-mail")):
        message = Delivery(str(hours), subscription, b"{}", {"request_id": "r"}, "k", 7)
        dead_letters.record(db, message, error="It broke", now=NOON + hours * HOUR)
    first, second, third = dead_letters.list_letters(db)
    assert dead_letters.list_letters(db, topic="tick") == [first, second]
    assert dead_letters.list_letters(db, since=NOON + HOUR) == [second, third]
    assert dead_letters.list_named(db, [third.id, first.id, first.id, 0]) == [first, third]
    assert first.message == Message("tick", b"{}", "k", {"request_id": "r"})
    dead_letters.mark_replayed(db, [first, third], NOON)
    assert dead_letters.list_letters(db) == [second]
    assert [letter.id for letter in dead_letters.list_letters(db, replayed=True)] == [first.id, second.id, third.id]
    dead_letters.delete_letters(db, [second.id, third.id, 0])
    assert [letter.id for letter in dead_letters.list_named(db, [first.id, second.id, third.id])] == [first.id]


def test_a_letter_waits_again_when_its_message_fails_again(db: Connection) -> None:
    dead_letters.record(db, delivery(), error="It broke", now=NOON)
    [letter] = dead_letters.list_letters(db)
    dead_letters.mark_replayed(db, [letter], NOON + HOUR)
    assert dead_letters.list_letters(db) == []
    dead_letters.record(db, delivery(), error="It broke again", now=NOON + 2 * HOUR)
    assert [found.error for found in dead_letters.list_letters(db)] == ["It broke again"]
    # Too late: what is marked is the failure that was replayed, not the one since.
    dead_letters.mark_replayed(db, [letter], NOON + 3 * HOUR)
    assert [found.replayed_at for found in dead_letters.list_letters(db)] == [None]
