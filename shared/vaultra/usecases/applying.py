"""One transaction's part of applying events: their objects' states, their done-marks and the request for metrics."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Connection

from vaultra.adapters.stripe_events import HANDLERS, Effects, effects_of
from vaultra.db import inbox, objects, rollups
from vaultra.db.inbox import PendingEvent
from vaultra.db.objects import Account
from vaultra.tracing import link
from vaultra.usecases import account_news, event_failures, storing
from vaultra.usecases.storing import ACCOUNT, Answers, ReadRequest, State

GOODBYES = frozenset({"account.application.deauthorized", "v1.account.application.deauthorized"})

Refusal = tuple[PendingEvent, Exception]
Told = tuple[PendingEvent, Effects]
ObjectKey = tuple[UUID, str, str]


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
    """What has to be read from Stripe, by object, and the ids of the events that wait for each."""

    requests: dict[ObjectKey, ReadRequest] = field(default_factory=dict)
    events: dict[ObjectKey, set[int]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.requests)

    @property
    def event_ids(self) -> set[int]:
        """All the events that wait for a reading."""
        return set().union(*self.events.values())

    def parts(self, size: int) -> Iterator["Needed"]:
        """The same in pieces of so many objects."""
        keys = list(self.requests)
        for start in range(0, len(keys), size):
            part = keys[start : start + size]
            yield Needed({key: self.requests[key] for key in part}, {key: self.events[key] for key in part})

    def add(self, request: ReadRequest, event_ids: Iterable[int]) -> None:
        """Note that these events need this object."""
        self.requests[request.key] = request
        self.events.setdefault(request.key, set()).update(event_ids)

    def add_all(self, other: "Needed") -> None:
        """Note what another part needs too."""
        for key, request in other.requests.items():
            self.add(request, other.events[key])


def apply_once(
    conn: Connection, ids: Sequence[int], answers: Answers, now: dt.datetime, *, wait: bool
) -> tuple[Outcome, Needed]:
    """Apply those of the events that need no reading, in the open transaction; gives what the rest needs.

    Args:
        answers: What has been read for them so far.
        wait: Take events that somebody else is applying, too, once they leave them; see `inbox.claim`.
    """
    outcome, needed = Outcome(), Needed()
    events = inbox.claim(conn, ids, wait=wait)
    if not events:
        return outcome, needed
    accounts = objects.find_accounts(conn, {event.account for event in events})
    by_key = {(account.external_id, account.livemode): account for account in accounts}
    known = {account.external_id for account in accounts}
    parked: list[int] = []
    ignored: list[int] = []
    grouped: dict[UUID, list[PendingEvent]] = {}
    for event in events:
        account = by_key.get((event.account, event.livemode))
        if event.type not in HANDLERS or (account is None and event.account in known):
            ignored.append(event.id)  # a type we don't listen to, or the other mode's
        elif account is None:
            # A goodbye waits for nobody: the account may have been deleted here before Stripe told of it.
            (ignored if event.type in GOODBYES else parked).append(event.id)
        else:
            grouped.setdefault(account.id, []).append(event)
    locked = objects.lock_accounts(conn, sorted(grouped))
    for account_id in grouped.keys() - locked.keys():  # disconnected since
        parked += [event.id for event in grouped[account_id] if event.type not in GOODBYES]
        ignored += [event.id for event in grouped[account_id] if event.type in GOODBYES]
    refused: list[Refusal] = []
    applied = _apply(conn, {locked[key]: grouped[key] for key in sorted(locked)}, answers, needed, refused, now)
    businesses = [account.business_id for account, ids_applied in applied.items() if ids_applied]
    done = [event_id for ids_applied in applied.values() for event_id in ids_applied]
    inbox.settle(conn, done, "done", now)
    inbox.settle(conn, parked, "parked", now)
    inbox.settle(conn, ignored, "ignored", now)
    if needed and not wait:
        # Each message of a burst would take up all of them again, only to leave them out once more.
        inbox.postpone(conn, needed.event_ids, "Something has to be read from Stripe first")
    for event, error in refused:
        if wait:
            event_failures.record(conn, event, error, now)
            outcome.failed.append(event.id)
        else:
            event_failures.set_apart(conn, event.id, error)
    outcome.done, outcome.parked, outcome.ignored = len(done), len(parked), len(ignored)
    outcome.metrics_due = rollups.request_metrics(conn, businesses, now)
    _hand_traces_on(conn, events, applied)
    return outcome, needed


def _hand_traces_on(conn: Connection, events: Iterable[PendingEvent], applied: Mapping[Account, list[int]]) -> None:
    """Tell whoever computes the metrics which requests it does that for; this call serves them, too."""
    traced = {event.id: event.traceparent for event in events if event.traceparent is not None}
    if not traced:
        return
    by_business: dict[UUID, list[str]] = {}
    for account, event_ids in applied.items():
        found = [traced[event_id] for event_id in event_ids if event_id in traced]
        by_business.setdefault(account.business_id, []).extend(found)
    rollups.note_traces(conn, by_business)
    link(traceparent for found in by_business.values() for traceparent in found)


def _apply(
    conn: Connection,
    events: Mapping[Account, Sequence[PendingEvent]],
    answers: Answers,
    needed: Needed,
    refused: list[Refusal],
    now: dt.datetime,
) -> dict[Account, list[int]]:
    """Apply accounts' events but those that need a reading or can't be understood; gives the ids of the applied."""
    told: dict[Account, list[Told]] = {}
    applied: dict[Account, list[int]] = {}
    for account, of_account in events.items():
        goodbyes = [event for event in of_account if event.type in GOODBYES]
        others = [event for event in of_account if event.type not in GOODBYES]
        applied[account] = [event.id for event in goodbyes]
        # A goodbye needs no currency: what it would take to read it is refused by then.
        readable = _with_currency(conn, account, others, answers, needed) if others else None
        if readable is not None:
            told[readable] = _understood(readable, others, refused)
        # Of the same second as the grant it may be to the access before: were it not, the next read would show it.
        if any(event.occurred_at > account.connected_at for event in goodbyes):
            objects.mark_disconnected(conn, account, now)
    told = _store(conn, told, answers, needed)
    _note_payouts_paid(conn, told)
    for account, understood in told.items():
        for event, effects in understood:
            if effects.balance is not None:
                objects.update_account(conn, account.id, version_at=event.occurred_at, balance=effects.balance)
    by_id = {account.id: account for account in events}
    for account, understood in told.items():
        applied[by_id[account.id]] += [event.id for event, _ in understood]
    return applied


def _with_currency(
    conn: Connection, account: Account, events: Sequence[PendingEvent], answers: Answers, needed: Needed
) -> Account | None:
    """The account with its settlement currency; None when that has to be read before these events can be applied."""
    if account.settlement_currency is not None:
        return account
    answer = answers.get((account.id, ACCOUNT, account.external_id))
    if answer is None:
        needed.add(ReadRequest(account, ACCOUNT, account.external_id), [event.id for event in events])
        return None
    return storing.keep_account(conn, account, answer)


def _understood(account: Account, events: Sequence[PendingEvent], refused: list[Refusal]) -> list[Told]:
    told: list[Told] = []
    for event in events:
        try:
            told.append((event, _effects(event, account)))
        except Exception as error:  # a handler's own mistake, too, is this one event's
            refused.append((event, error))
    return told


def _store(
    conn: Connection, told: dict[Account, list[Told]], answers: Answers, needed: Needed
) -> dict[Account, list[Told]]:
    """Store the objects' states, leaving out the events of which one has to be read first; gives those stored."""
    while True:
        states: dict[Account, list[State]] = {}
        users: dict[ObjectKey, set[int]] = {}
        requests: list[ReadRequest] = []
        for account, understood in told.items():
            of_account: list[State] = []
            states[account] = []
            for event, effects in understood:
                for state in _states(event, effects):
                    users.setdefault((account.id, state.table, state.id), set()).add(event.id)
                    (of_account if state.table == ACCOUNT else states[account]).append(state)
            asked = account_news.store(conn, account, of_account, answers) if of_account else None
            requests += [asked] if asked else []
        requests += storing.store_each(conn, states, answers).needed
        if not requests:
            return told
        waiting: set[int] = set()
        for request in requests:
            needed.add(request, users[request.key])
            waiting |= users[request.key]
        told = {
            account: [(event, effects) for event, effects in understood if event.id not in waiting]
            for account, understood in told.items()
        }


def _states(event: PendingEvent, effects: Effects) -> list[State]:
    states = [state for parsed in effects.objects for state in storing.states_of(parsed, event.occurred_at)]
    if effects.account is not None:
        states.append(State(ACCOUNT, event.account, event.occurred_at, effects.account))
    return states + [State(table, object_id, event.occurred_at, None) for table, object_id in effects.deleted]


def _effects(event: PendingEvent, account: Account) -> Effects:
    effects = effects_of(event.type, event.payload, account.settlement_currency or "")
    assert effects is not None, "types without a handler were ignored"
    return effects


def _note_payouts_paid(conn: Connection, told: Mapping[Account, Sequence[Told]]) -> None:
    paid: dict[Account, dict[str, dt.datetime]] = {}
    for account, understood in told.items():
        for event, effects in understood:
            if effects.payout_paid is not None:
                first = paid.setdefault(account, {})
                first[effects.payout_paid] = min(event.occurred_at, first.get(effects.payout_paid, event.occurred_at))
    if paid:
        objects.note_payouts_paid_of_each(conn, paid)
