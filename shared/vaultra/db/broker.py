"""The embedded broker's queue: what Pub/Sub promises, kept in two tables.

Leases and back-off are measured by the database's clock alone, so that a pusher's restart changes nothing.
"""

import base64
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
from sqlalchemy import Connection, delete, text
from sqlalchemy.dialects.postgresql import insert

from vaultra.db.models import BrokerSubscription
from vaultra.ports import Message


@dataclass(frozen=True)
class Subscription:
    """Who gets a topic's messages, and what happens when they fail.

    `max_attempts` None means: try for ever. Then there is no dead-letter topic either.
    """

    name: str
    topic: str
    endpoint: str
    ack_deadline_seconds: float
    min_backoff_seconds: float
    max_backoff_seconds: float
    max_outstanding: int
    max_attempts: int | None = None
    dead_letter_topic: str | None = None


@dataclass(frozen=True)
class Lease:
    """One delivery handed out until its ack deadline. `attempt` counts from 1.

    `exhausted` says that every attempt was used up: it was buried and is not to be delivered.
    """

    subscription: str
    endpoint: str
    ack_deadline_seconds: float
    message_id: int
    data: bytes
    attributes: Mapping[str, str]
    ordering_key: str
    published_at: dt.datetime
    attempt: int
    exhausted: bool
    counts_attempts: bool


@dataclass(frozen=True)
class Outcome:
    """How a delivery ended: acknowledged when `error` is None, else to be tried again.

    `reached` False says that nobody listened at the endpoint: the attempt does not count, so that a function
    that is only restarting loses no message.
    """

    subscription: str
    message_id: int
    attempt: int
    error: str | None = None
    reached: bool = True


def write_subscriptions(conn: Connection, subscriptions: Sequence[Subscription]) -> None:
    """Make these the only subscriptions; what waits for a vanished one is dropped with it."""
    rows = [vars(subscription) for subscription in subscriptions]
    statement = insert(BrokerSubscription).values(rows)
    columns = {name: statement.excluded[name] for name in rows[0] if name != "name"}
    conn.execute(statement.on_conflict_do_update(index_elements=["name"], set_=columns))
    names = [subscription.name for subscription in subscriptions]
    conn.execute(delete(BrokerSubscription).where(BrokerSubscription.name.not_in(names)))


def publish(conn: Connection, messages: Sequence[Message]) -> None:
    """Keep messages and one delivery per subscription of their topic; a topic nobody listens to keeps nothing."""
    rows = [
        {
            "topic": message.topic,
            "data": base64.b64encode(message.data).decode(),
            "attributes": dict(message.attributes),
            "ordering_key": message.ordering_key,
        }
        for message in messages
    ]
    conn.execute(PUBLISH, {"messages": orjson.dumps(rows).decode()})


def open_queue(conn: Connection) -> None:
    """Make the session functions that `take_turn` calls; once per connection."""
    conn.exec_driver_sql(SESSION_FUNCTIONS.read_text())


def take_turn(conn: Connection, outcomes: Sequence[Outcome], places: Mapping[str, int]) -> list[Lease]:
    """Settle what ended, bury what used up its attempts, and lease what is due; all of it or nothing.

    An acknowledged delivery is forgotten. A failed one is hidden for its back-off, which doubles from attempt to
    attempt. A failure reported after the delivery was leased again is ignored; a late success still counts.
    An exhausted one goes to its dead-letter topic, marked as Pub/Sub marks it.

    Args:
        places: Most deliveries to lease, per subscription; a subscription left out gets none.

    Returns:
        The leases, oldest message first, each hidden until its ack deadline. Of an ordering key only the
        earliest outstanding message is ever leased. Exhausted ones are among them; they are buried already.
    """
    ended = orjson.dumps([vars(outcome) for outcome in outcomes]).decode()
    rows = conn.execute(TAKE_TURN, {"outcomes": ended, "places": orjson.dumps(dict(places)).decode()})
    return sorted((Lease(**row) for row in rows.mappings()), key=lambda lease: lease.message_id)


def recover(conn: Connection) -> None:
    """After a pusher's death: make what it had in its hands due at once, and drop messages nobody waits for."""
    conn.execute(text("update broker_deliveries set visible_at = now() where visible_at > now()"))
    conn.execute(
        text(
            "delete from broker_messages m where not exists (select from broker_deliveries d where d.message_id = m.id)"
        )
    )


def count_outstanding(conn: Connection) -> dict[str, int]:
    """Deliveries not yet acknowledged, per subscription that has any."""
    rows = conn.execute(text("select subscription, count(*) as waiting from broker_deliveries group by subscription"))
    return {row.subscription: row.waiting for row in rows}


PUBLISH = text("""
with given as (
    select g.*, row_number() over () as place
    from jsonb_to_recordset(cast(:messages as jsonb))
         as g(topic text, data text, attributes jsonb, ordering_key text)
), kept as (
    insert into broker_messages (topic, data, attributes, ordering_key)
    select topic, decode(data, 'base64'), attributes, ordering_key
    from given
    where exists (select from broker_subscriptions s where s.topic = given.topic)
    order by place
    returning id, topic, ordering_key
)
insert into broker_deliveries (subscription, message_id, ordering_key)
select s.name, kept.id, kept.ordering_key from kept join broker_subscriptions s using (topic)
""")

TAKE_TURN = text("select * from pg_temp.broker_turn(cast(:outcomes as jsonb), cast(:places as jsonb))")
SESSION_FUNCTIONS = Path(__file__).parent / "sql" / "broker.sql"
