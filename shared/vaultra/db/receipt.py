"""The inbox and the embedded broker's queue in one statement: one round trip, one commit, however many events."""

import datetime as dt
from collections.abc import Mapping, Sequence

import orjson
from sqlalchemy import Connection, text

from vaultra.db.inbox import ARRIVING, ReceivedEvent


def keep_and_queue(
    conn: Connection, events: Sequence[ReceivedEvent], topic: str, attributes: Mapping[str, str], now: dt.datetime
) -> None:
    """`inbox.keep`, and `broker.publish` of one message with the ids of all that are still to be applied.

    Args:
        topic: Where the message goes. A topic nobody listens to keeps none, nor is there one without ids.
    """
    values = {
        "rows": orjson.dumps(events).decode(),
        "now": now,
        "topic": topic,
        "attributes": orjson.dumps(dict(attributes)).decode(),
    }
    conn.execute(KEEP_AND_QUEUE, values)


KEEP_AND_QUEUE = text(
    f"""
    with {ARRIVING}, listeners as (
        select name, topic from broker_subscriptions where topic = :topic
    ), announced as (
        select '{{"ids":[' || string_agg(id::text, ',' order by id) || ']}}' as data from pending having count(*) > 0
    ), message as (
        insert into broker_messages (topic, data, attributes, ordering_key)
        select topic, convert_to(data, 'UTF8'), cast(:attributes as jsonb), ''
        from announced cross join (select distinct topic from listeners) heard
        returning id
    )
    insert into broker_deliveries (subscription, message_id, ordering_key)
    select listeners.name, message.id, '' from message cross join listeners
    """  # noqa: S608 - put together of constants
)
