"""From a verified event to rows, rollups and a request for new metrics: exactly once, in any order."""

import datetime as dt
import threading
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import Connection

from vaultra.db import inbox, receipt
from vaultra.db.engine import translate
from vaultra.db.inbox import ReceivedEvent
from vaultra.errors import InvalidInput, Unavailable, VaultraError
from vaultra.failpoints import reach
from vaultra.ports import StripeGateway
from vaultra.telemetry import log
from vaultra.usecases import event_failures, storing
from vaultra.usecases.applying import Needed, Outcome, apply_once
from vaultra.usecases.event_failures import SUBSCRIPTION
from vaultra.usecases.storing import Answers

__all__ = ["EVENTS_PER_MESSAGE", "SUBSCRIPTION", "TOPIC", "Outcome", "apply", "keep", "messages_of", "queue", "unpark"]

EVENTS_PER_MESSAGE = 100
EVENTS_AT_ONCE = 500
# Fewer parts would do the good events' work more often over, more would do it in smaller pieces.
PARTS = 8
READ_AT_ONCE = 20
# An object that changes faster than it can be read: the broker tries again later.
MOST_READINGS = 5
TOPIC = "stripe-event-received"
# One thread of a process at a time: they would only cut a burst into pieces, and wait for each other's accounts.
_burst = threading.Lock()


def keep(conn: Connection, events: Sequence[ReceivedEvent], now: dt.datetime) -> list[list[int]]:
    """Make events durable; gives the inbox ids to announce, in messages of at most 100."""
    return messages_of(inbox.keep(conn, events, now))


def queue(conn: Connection, events: Sequence[ReceivedEvent], attributes: Mapping[str, str], now: dt.datetime) -> None:
    """`keep` at most 100 events and announce them to the broker in this very database, all in one statement."""
    receipt.keep_and_queue(conn, events, TOPIC, attributes, now)


def messages_of(ids: Sequence[int]) -> list[list[int]]:
    """Inbox ids cut into the lists that single messages carry."""
    return [list(ids[start : start + EVENTS_PER_MESSAGE]) for start in range(0, len(ids), EVENTS_PER_MESSAGE)]


def apply(conn: Connection, stripe: StripeGateway, ids: Sequence[int], now: dt.datetime) -> Outcome:
    """Apply the events of one message that are still to be applied, effect and done-mark in one transaction.

    One bad event stops no other. A failed event stays pending, and the sweeper announces it again; its seventh
    failure, or one that no repetition cures, makes it a dead letter.
    """
    outcome = Outcome()
    with _burst:
        if not inbox.has_open(conn, ids):
            return outcome  # a burst took them along
        waiting = inbox.list_waiting(conn, EVENTS_AT_ONCE)
        if len(waiting) > len(ids):
            # Under a burst one large transaction costs far less than many small ones, and the messages of what it
            # took find nothing left to do. What needs Stripe, or fails, waits for its own message.
            _write(conn, sorted({*ids, *waiting}), {}, now, outcome, wait=False)
    _apply_own(conn, stripe, ids, now, outcome)
    return outcome


def _apply_own(conn: Connection, stripe: StripeGateway, ids: Sequence[int], now: dt.datetime, total: Outcome) -> None:
    """Apply a message's own events, reading what has to be read.

    What was read is committed piece by piece: an account's turns may be far between, and a function that runs out
    of its time is not to begin anew each time.
    """
    silent: dict[UUID, Exception] = {}
    for part in _write(conn, ids, {}, now, total, wait=True).parts(READ_AT_ONCE):
        _read_and_apply(conn, stripe, part, silent, now, total)


def _read_and_apply(
    conn: Connection,
    stripe: StripeGateway,
    needed: Needed,
    silent: dict[UUID, Exception],
    now: dt.datetime,
    total: Outcome,
) -> None:
    answers: Answers = {}
    for _ in range(MOST_READINGS):
        failed = _read(stripe, needed, answers, silent)  # no transaction is open, no lock is held meanwhile
        _give_up(conn, failed, now, total)
        needed = _write(conn, sorted(needed.event_ids - failed.keys()), answers, now, total, wait=True)
        if not needed:
            return
    error = Unavailable("The objects change faster than they can be read")
    _give_up(conn, dict.fromkeys(needed.event_ids, error), now, total)


def _write(
    conn: Connection, ids: Sequence[int], answers: Answers, now: dt.datetime, total: Outcome, *, wait: bool
) -> Needed:
    """Apply and commit what needs no reading, together or in parts; gives what the rest needs."""
    pending: list[int] = []
    try:
        outcome, needed = apply_once(conn, ids, answers, now, wait=wait)
        reach("applied")
        conn.commit()  # each part for itself: what fails later takes nothing back
    except Exception as error:
        conn.rollback()
        if translate(error) is not None:
            raise
        if len(ids) > 1:
            log.warning("events.separated", events=len(ids), exc_info=error)
            pending = [event.id for event in inbox.claim(conn, ids, wait=wait)]
            conn.rollback()
        elif wait:
            _give_up(conn, {ids[0]: error}, now, total)
        else:
            event_failures.set_apart(conn, ids[0], error)
            conn.commit()
    else:
        total.add(outcome)
        return needed
    needed = Needed()
    size = -(-len(pending) // PARTS)
    for start in range(0, len(pending), size or 1):
        needed.add_all(_write(conn, pending[start : start + size], answers, now, total, wait=wait))
    return needed


def _read(
    stripe: StripeGateway, needed: Needed, answers: Answers, silent: dict[UUID, Exception]
) -> dict[int, Exception]:
    """Ask Stripe for what is needed, but not for `silent` accounts; gives the events it can't be read for, and why."""
    failed: dict[int, Exception] = {}
    for key, request in needed.requests.items():
        error = silent.get(request.account.id)
        if error is None:
            try:
                answers.update(storing.read_again(stripe, [request]))
                continue
            except Exception as found:
                if translate(found) is not None:
                    raise
                error = found
                if isinstance(error, VaultraError) and not isinstance(error, InvalidInput):
                    silent[request.account.id] = error  # an outage, or no access: asking for more would only take time
        failed |= dict.fromkeys(needed.events[key], error)
    return failed


def _give_up(conn: Connection, failed: Mapping[int, Exception], now: dt.datetime, total: Outcome) -> None:
    for event_id, error in sorted(failed.items()):
        event_failures.give_up(conn, event_id, error, now)
        total.failed.append(event_id)


def unpark(conn: Connection, account: str, livemode: bool) -> list[int]:
    """Release the events that waited for this account; gives their inbox ids to announce."""
    return inbox.unpark(conn, account, livemode)
