"""Inbox and queue in one statement: the same rows and the same message as in two, or neither."""

from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from tests.connected import rows
from tests.db.test_inbox import received
from tests.stripe_payloads import NOON
from vaultra.db import broker, inbox, receipt
from vaultra.db.broker import Subscription
from vaultra.ports import Message

TOPIC = "stripe-event-received"
ATTRIBUTES = {"request_id": "the-request"}


def listen(db: Connection, *names: str, topic: str = TOPIC) -> None:
    broker.write_subscriptions(db, [Subscription(name, topic, "http://127.0.0.1:9", 10, 1, 10, 1) for name in names])


def queue(db: Connection, *event_ids: str) -> None:
    receipt.keep_and_queue(db, [received(event_id) for event_id in event_ids], TOPIC, ATTRIBUTES, NOON)


def told(db: Connection) -> list[Sequence[int]]:
    """The ids that each message tells, in the messages' order."""
    return [orjson.loads(row["data"])["ids"] for row in sorted(rows(db, "broker_messages"), key=lambda row: row["id"])]


def everything(db: Connection) -> list[list[dict[str, Any]]]:
    """All that receiving writes: events, messages, deliveries."""
    deliveries = db.execute(text("select * from broker_deliveries order by subscription")).mappings()
    events = sorted(rows(db, "stripe_events"), key=lambda row: row["event_id"])
    return [events, rows(db, "broker_messages"), [dict(row) for row in deliveries]]


def without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def test_it_keeps_and_queues_what_the_two_statements_do(db: Connection) -> None:
    listen(db, "worker", "another")
    events = [received("evt_1"), received("evt_2")]
    receipt.keep_and_queue(db, events, TOPIC, ATTRIBUTES, NOON)
    one = everything(db)
    db.execute(text("truncate stripe_events, broker_messages, broker_deliveries"))
    ids = inbox.keep(db, events, NOON)
    broker.publish(db, [Message(TOPIC, orjson.dumps({"ids": ids}), "", ATTRIBUTES)])
    two = everything(db)
    assert [len(table) for table in one] == [2, 1, 2]
    numbers = ("id", "data", "message_id")
    assert [[without(row, *numbers) for row in table] for table in one] == [
        [without(row, *numbers) for row in table] for table in two
    ]
    assert one[1][0]["data"] == orjson.dumps({"ids": [row["id"] for row in one[0]]})
    assert {row["message_id"] for row in one[2]} == {one[1][0]["id"]}


def test_a_message_tells_all_that_is_still_to_be_applied_in_the_order_of_their_ids(db: Connection) -> None:
    listen(db, "worker")
    queue(db, "evt_3", "evt_1")
    queue(db, "evt_2", "evt_1", "evt_2", "evt_3")
    inbox.settle(db, told(db)[0][:1], "done", NOON)
    queue(db, "evt_1", "evt_2", "evt_3")
    ids = {row["event_id"]: row["id"] for row in rows(db, "stripe_events")}
    first = sorted([ids["evt_1"], ids["evt_3"]])
    assert told(db) == [first, sorted([*first, ids["evt_2"]]), sorted({*first, ids["evt_2"]} - {first[0]})]


def test_when_nothing_is_left_to_apply_nothing_is_announced(db: Connection) -> None:
    listen(db, "worker")
    queue(db, "evt_1")
    inbox.settle(db, told(db)[0], "done", NOON)
    queue(db, "evt_1")
    queue(db)
    assert len(told(db)) == 1


@pytest.mark.parametrize("topic", [None, "another-topic"])
def test_where_nobody_listens_the_events_are_kept_and_no_message_is(db: Connection, topic: str | None) -> None:
    db.execute(text("delete from broker_subscriptions"))
    if topic is not None:
        listen(db, "worker", topic=topic)
    queue(db, "evt_1")
    assert list(map(len, everything(db))) == [1, 0, 0]


def test_what_can_not_be_queued_is_not_kept(db: Connection) -> None:
    listen(db, "worker")
    db.execute(text("alter table broker_deliveries add constraint nothing_fits check (false) not valid"))
    with db.begin_nested() as savepoint:
        with pytest.raises(DBAPIError):
            queue(db, "evt_1")
        savepoint.rollback()
    assert rows(db, "stripe_events") == []
