"""From a verified event to rows, rollups and a request for new metrics: exactly once, in any order."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import orjson
from sqlalchemy import Connection

from vaultra.adapters.stripe_events import HANDLERS, Effects, effects_of
from vaultra.db import dead_letters, inbox, objects, rollups
from vaultra.db.engine import translate
from vaultra.db.inbox import PendingEvent, ReceivedEvent
from vaultra.db.objects import Account
from vaultra.errors import InvalidInput, Unavailable, VaultraError
from vaultra.ports import Delivery, StripeGateway
from vaultra.telemetry import log
from vaultra.usecases import storing
from vaultra.usecases.storing import ACCOUNT, Answers, ReadRequest, State

EVENTS_PER_MESSAGE = 100
EVENTS_AT_ONCE = 500
# An object that changes faster than it can be read: the broker tries again later.
MOST_READINGS = 5
TOPIC = "stripe-event-received"
SUBSCRIPTION = "stripe-event-received.apply-stripe-event"

Refusal = tuple[PendingEvent, InvalidInput]


@dataclass
class Outcome:
    """What applying a message's events did. `metrics_due` are the businesses to announce."""

    done: int = 0
    parked: int = 0
    ignored: int = 0
    failed: list[int] = field(default_factory=list)
    metrics_due: list[UUID] = field(default_factory=list)

    def add(self, part: "Outcome") -> None:
        """Count a part of the same message's events too."""
        self.done += part.done
        self.parked += part.parked
        self.ignored += part.ignored
        self.failed += part.failed
        self.metrics_due += part.metrics_due


@dataclass
class Needed:
    """What has to be read from Stripe before anything can be applied, and the ids of the events that need it."""

    requests: list[ReadRequest] = field(default_factory=list)
    events: set[int] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.requests)

    def add(self, requests: Sequence[ReadRequest], events: Sequence[PendingEvent]) -> None:
        """Note what these events need."""
        self.requests += requests
        self.events |= {event.id for event in events}


def keep(conn: Connection, events: Sequence[ReceivedEvent], now: dt.datetime) -> list[list[int]]:
    """Make events durable; gives the inbox ids to announce, in messages of at most 100."""
    return messages_of(inbox.keep(conn, events, now))


def messages_of(ids: Sequence[int]) -> list[list[int]]:
    """Inbox ids cut into the lists that single messages carry."""
    return [list(ids[start : start + EVENTS_PER_MESSAGE]) for start in range(0, len(ids), EVENTS_PER_MESSAGE)]


def apply(conn: Connection, stripe: StripeGateway, ids: Sequence[int], now: dt.datetime) -> Outcome:
    """Apply the events of one message that are still to be applied, effect and done-mark in one transaction.

    When they can't be applied together, each half is tried, down to the single event, so that one bad event
    stops no other. A failed event stays pending, and the sweeper announces it again; its seventh failure, or one
    that no repetition cures, makes it a dead letter.
    """
    outcome = Outcome()
    if ids:
        waiting = inbox.list_waiting(conn, EVENTS_AT_ONCE)
        if len(waiting) > len(ids):
            _drain(conn, sorted({*ids, *waiting}), now, outcome)
        _apply_part(conn, stripe, ids, now, outcome)
    return outcome


def _drain(conn: Connection, ids: Sequence[int], now: dt.datetime, total: Outcome) -> None:
    """Apply a backlog's oldest events with the message's own.

    Under a burst one large transaction costs far less than many small ones, and the messages of what it took
    find nothing left to do. What needs Stripe is left out, what can't be applied is set apart by halving; both
    wait for their own messages.
    """
    try:
        outcome, needed = _apply_once(conn, ids, {}, now, wait=False)
        if needed:
            conn.rollback()
            ids = [event_id for event_id in ids if event_id not in needed.events]
            outcome, needed = _apply_once(conn, ids, {}, now, wait=False)
        if not needed:
            conn.commit()
            total.add(outcome)
            return
        conn.rollback()
    except Exception as error:
        conn.rollback()
        if translate(error) is not None:
            raise
        log.warning("backlog.separated", events=len(ids), reason=type(error).__name__)
    middle = len(ids) // 2
    for part in (ids[:middle], ids[middle:]) if middle else ():
        _drain(conn, part, now, total)


def _apply_part(conn: Connection, stripe: StripeGateway, ids: Sequence[int], now: dt.datetime, total: Outcome) -> None:
    try:
        outcome = _apply_together(conn, stripe, ids, now)
        conn.commit()  # each part for itself: what fails later takes nothing back
    except Exception as error:
        conn.rollback()
        if translate(error) is not None:
            raise
        if len(ids) == 1:
            _give_up(conn, ids[0], error, now, total)
            return
        log.warning("events.separated", events=len(ids), exc_info=error)
    else:
        total.add(outcome)
        return
    middle = len(ids) // 2
    _apply_part(conn, stripe, ids[:middle], now, total)
    _apply_part(conn, stripe, ids[middle:], now, total)


def _apply_together(conn: Connection, stripe: StripeGateway, ids: Sequence[int], now: dt.datetime) -> Outcome:
    answers: Answers = {}
    for _ in range(MOST_READINGS):
        outcome, needed = _apply_once(conn, ids, answers, now, wait=True)
        if not needed:
            return outcome
        conn.rollback()  # no lock is held while Stripe answers
        answers.update(storing.read_again(stripe, needed.requests))
    raise Unavailable("The objects change faster than they can be read")


def _give_up(conn: Connection, event_id: int, error: Exception, now: dt.datetime, outcome: Outcome) -> None:
    outcome.failed.append(event_id)
    if isinstance(error, VaultraError) and error.retry:
        # Stripe's outage is not the event's fault: the sweeper announces it again every minute.
        log.warning("event.postponed", inbox_id=event_id, reason=error.message)
        inbox.postpone(conn, event_id, error.message)
        conn.commit()
        return
    for event in inbox.claim(conn, [event_id]):
        _record_failure(conn, event, error, now)
    conn.commit()


def _record_failure(conn: Connection, event: PendingEvent, error: Exception, now: dt.datetime) -> None:
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


def _apply_once(
    conn: Connection, ids: Sequence[int], answers: Answers, now: dt.datetime, *, wait: bool
) -> tuple[Outcome, Needed]:
    outcome, needed = Outcome(), Needed()
    events = inbox.claim(conn, ids, wait=wait)
    if not events:
        return outcome, needed
    accounts = objects.find_accounts(conn, {event.account for event in events})
    by_key = {(account.external_id, account.livemode): account for account in accounts}
    known = {account.external_id for account in accounts}
    parked, ignored = [], []
    grouped: dict[UUID, list[PendingEvent]] = {}
    for event in events:
        account = by_key.get((event.account, event.livemode))
        if event.type not in HANDLERS or (account is None and event.account in known):
            ignored.append(event.id)  # a type we don't listen to, or the other mode's
        elif account is None:
            parked.append(event.id)
        else:
            grouped.setdefault(account.id, []).append(event)
    businesses: list[UUID] = []
    done: list[int] = []
    refused: list[Refusal] = []
    for account_id in sorted(grouped):
        locked = objects.lock_account(conn, account_id)
        if locked is None:  # disconnected since
            parked += [event.id for event in grouped[account_id]]
            continue
        unreadable: list[Refusal] = []
        _apply_to_account(conn, locked, grouped[account_id], answers, needed, unreadable, now)
        businesses.append(locked.business_id)
        refused += unreadable
        failed = {event.id for event, _ in unreadable}
        done += [event.id for event in grouped[account_id] if event.id not in failed]
    if needed:
        return outcome, needed
    inbox.settle(conn, done, "done", now)
    inbox.settle(conn, parked, "parked", now)
    inbox.settle(conn, ignored, "ignored", now)
    for event, error in refused:
        _record_failure(conn, event, error, now)
    outcome.failed = [event.id for event, _ in refused]
    outcome.done, outcome.parked, outcome.ignored = len(done), len(parked), len(ignored)
    outcome.metrics_due = rollups.request_metrics(conn, businesses, now)
    return outcome, needed


def _apply_to_account(
    conn: Connection,
    account: Account,
    events: Sequence[PendingEvent],
    answers: Answers,
    needed: Needed,
    unreadable: list[Refusal],
    now: dt.datetime,
) -> None:
    if account.settlement_currency is None:
        answer = answers.get((account.id, ACCOUNT, account.external_id))
        if answer is None:
            needed.add([ReadRequest(account, ACCOUNT, account.external_id)], events)
            return
        account = storing.keep_account(conn, account, answer)
    told: list[tuple[PendingEvent, Effects]] = []
    for event in events:
        try:
            told.append((event, _effects(event, account)))
        except InvalidInput as error:
            unreadable.append((event, error))
    states = [(event, state) for event, effects in told for state in _states(event, effects)]
    stored = storing.store(conn, account, [state for _, state in states], answers)
    if stored.needed:
        unknown = {(request.table, request.id) for request in stored.needed}
        needed.add(stored.needed, [event for event, state in states if (state.table, state.id) in unknown])
        return
    _note_payouts_paid(conn, account, told)
    for event, effects in told:
        if effects.standing is not None or effects.balance is not None:
            objects.update_account(
                conn,
                account.id,
                version_at=event.occurred_at,
                standing=effects.standing,
                settlement_currency=effects.settlement_currency,
                balance=effects.balance,
            )
        if effects.deauthorized and event.occurred_at >= account.connected_at.replace(microsecond=0):
            objects.mark_disconnected(conn, account, now)


def _states(event: PendingEvent, effects: Effects) -> list[State]:
    states = [state for parsed in effects.objects for state in storing.states_of(parsed, event.occurred_at)]
    return states + [State(table, object_id, event.occurred_at, None) for table, object_id in effects.deleted]


def _effects(event: PendingEvent, account: Account) -> Effects:
    effects = effects_of(event.type, event.payload, account.settlement_currency or "")
    assert effects is not None, "types without a handler were ignored"
    return effects


def _note_payouts_paid(conn: Connection, account: Account, told: Sequence[tuple[PendingEvent, Effects]]) -> None:
    paid: dict[str, dt.datetime] = {}
    for event, effects in told:
        if effects.payout_paid is not None:
            paid[effects.payout_paid] = min(event.occurred_at, paid.get(effects.payout_paid, event.occurred_at))
    if paid:
        objects.note_payouts_paid(conn, account, paid)


def unpark(conn: Connection, account: str, livemode: bool) -> list[int]:
    """Release the events that waited for this account; gives their inbox ids to announce."""
    return inbox.unpark(conn, account, livemode)
