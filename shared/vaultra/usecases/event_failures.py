"""Events that could not be applied: counted, put off when it is not their fault, and dead after the seventh time."""

import datetime as dt

import orjson
from sqlalchemy import Connection

from vaultra.db import dead_letters, inbox
from vaultra.db.inbox import PendingEvent
from vaultra.errors import InvalidInput, VaultraError
from vaultra.ports import Delivery
from vaultra.telemetry import log

SUBSCRIPTION = "stripe-event-received.apply-stripe-event"


def record(conn: Connection, event: PendingEvent, error: Exception, now: dt.datetime) -> None:
    """Count a failure of an event that this transaction has claimed; its last one makes it a dead letter."""
    known = isinstance(error, VaultraError)
    reason = f"{type(error).__name__}: {error}" if known else type(error).__name__
    final = isinstance(error, InvalidInput)
    dead = inbox.record_failure(conn, event, reason, final=final, now=now)
    log.error("event.failed", event_id=event.event_id, type=event.type, dead=dead, reason=reason, exc_info=error)
    if dead:
        message = Delivery(
            message_id=f"event-{event.id}",
            subscription=SUBSCRIPTION,
            data=orjson.dumps({"ids": [event.id]}),
            attributes={},
            ordering_key="",
            attempt=event.attempts + 1,
        )
        dead_letters.record(conn, message, error=reason, now=now)


def give_up(conn: Connection, event_id: int, error: Exception, now: dt.datetime) -> None:
    """Leave one event for another time, and commit that."""
    if isinstance(error, VaultraError) and error.retry:
        # Stripe's outage is not the event's fault: the sweeper announces it again every minute.
        log.warning("event.postponed", inbox_id=event_id, reason=error.message)
        inbox.postpone(conn, [event_id], error.message)
    else:
        for event in inbox.claim(conn, [event_id]):
            record(conn, event, error, now)
    conn.commit()


def set_apart(conn: Connection, event_id: int, error: Exception) -> None:
    """Remember that an event is not to be put together with others again; its own message counts the failure."""
    log.warning("event.set_apart", inbox_id=event_id, exc_info=error)
    inbox.postpone(conn, [event_id], type(error).__name__)
