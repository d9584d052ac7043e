"""Messages that failed for good, kept until an operator replays or drops them."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, Row, bindparam, delete, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT, insert

from vaultra.db import models
from vaultra.ports import Delivery, Message

SOURCE_SUBSCRIPTION = "CloudPubSubDeadLetterSourceSubscription"
SOURCE_ATTEMPTS = "CloudPubSubDeadLetterSourceDeliveryCount"
IDS = bindparam("ids", type_=ARRAY(BIGINT))
Letter = models.DeadLetter


@dataclass(frozen=True)
class DeadLetter:
    """A message that its subscription gave up. `replayed_at` is None while nobody has replayed it."""

    id: int
    subscription: str
    topic: str
    data: bytes
    attributes: dict[str, str]
    ordering_key: str
    attempts: int
    error: str | None
    dead_at: dt.datetime
    replayed_at: dt.datetime | None

    @property
    def message(self) -> Message:
        """What was published once, to be published again."""
        return Message(self.topic, self.data, self.ordering_key, self.attributes)


def record(conn: Connection, message: Delivery, *, error: str, now: dt.datetime) -> None:
    """Keep one letter per message, which says when and why it failed last; one that was replayed waits again.

    A message that came through a dead-letter topic is filed under the subscription that gave it up.
    """
    subscription = message.attributes.get(SOURCE_SUBSCRIPTION) or message.subscription.rpartition("/")[2]
    statement = insert(Letter).values(
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
    news = {name: statement.excluded[name] for name in ("attempts", "error", "dead_at")}
    conn.execute(
        statement.on_conflict_do_update(constraint="uq_dead_letters_message", set_={**news, "replayed_at": None})
    )


def list_letters(
    conn: Connection, *, topic: str | None = None, since: dt.datetime | None = None, replayed: bool = False
) -> list[DeadLetter]:
    """The letters that wait, oldest first; those that were replayed too when `replayed`.

    Args:
        topic: Only those of this topic; None means all.
        since: Only those that died at that moment or later; None means all.
    """
    statement = select(*Letter.__table__.c).order_by(Letter.id)
    if topic is not None:
        statement = statement.where(Letter.topic == topic)
    if since is not None:
        statement = statement.where(Letter.dead_at >= since)
    if not replayed:
        statement = statement.where(Letter.replayed_at.is_(None))
    return [_letter(row) for row in conn.execute(statement)]


def list_named(conn: Connection, ids: Sequence[int]) -> list[DeadLetter]:
    """Those of these letters that there are, replayed or not, oldest first."""
    statement = select(*Letter.__table__.c).where(Letter.id == func.any(IDS)).order_by(Letter.id)
    return [_letter(row) for row in conn.execute(statement, {"ids": list(ids)})]


def mark_replayed(conn: Connection, letters: Sequence[DeadLetter], now: dt.datetime) -> None:
    """Remember that these letters' messages are on their way again; one that has failed again meanwhile waits."""
    seen = [{"id": letter.id, "dead_at": letter.dead_at.isoformat()} for letter in letters]
    conn.execute(MARK_REPLAYED, {"letters": orjson.dumps(seen).decode(), "now": now})


MARK_REPLAYED = text(
    """
    update dead_letters set replayed_at = :now
    from jsonb_to_recordset(cast(:letters as jsonb)) as seen(id bigint, dead_at timestamptz)
    where dead_letters.id = seen.id and dead_letters.dead_at = seen.dead_at
    """
)


def delete_letters(conn: Connection, ids: Sequence[int]) -> None:
    """Forget these letters."""
    conn.execute(delete(Letter).where(Letter.id == func.any(IDS)), {"ids": list(ids)})


def _letter(row: Row[*tuple[Any, ...]]) -> DeadLetter:
    found = dict(row._mapping)
    del found["message_id"]
    return DeadLetter(**found)
