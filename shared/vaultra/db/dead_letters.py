"""Messages that failed for good, kept until an operator replays or drops them."""

import datetime as dt

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from vaultra.db.models import DeadLetter
from vaultra.ports import Delivery

SOURCE_SUBSCRIPTION = "CloudPubSubDeadLetterSourceSubscription"
SOURCE_ATTEMPTS = "CloudPubSubDeadLetterSourceDeliveryCount"


def record(conn: Connection, message: Delivery, *, error: str, now: dt.datetime) -> None:
    """Keep one; a second record of the same message changes nothing.

    A message that came through a dead-letter topic is filed under the subscription that gave it up.
    """
    subscription = message.attributes.get(SOURCE_SUBSCRIPTION) or message.subscription.rpartition("/")[2]
    statement = insert(DeadLetter).values(
        message_id=message.message_id,
        subscription=subscription,
        topic=subscription.partition(".")[0],
        data=message.data,
        attributes={k: v for k, v in message.attributes.items() if not k.startswith("CloudPubSub")},
        ordering_key=message.ordering_key,
        attempts=int(message.attributes.get(SOURCE_ATTEMPTS) or message.attempt),
        error=error,
        dead_at=now,
    )
    conn.execute(statement.on_conflict_do_nothing())
