"""One transaction's part of applying events: their objects' states, their done-marks and the request for metrics."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Connection

from vaultra.adapters.stripe_events import HANDLERS, Effects, effects_of
from vaultra.db import inbox, objects, rollups
from vaultra.db.inbox import PendingEvent
from vaultra.db.objects import Account
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
    businesses: list[UUID] = []
    done: list[int] = []
    refused: list[Refusal] = []
    for account_id in sorted(grouped):
        locked = objects.lock_account(conn, account_id)
        if locked is None:  # disconnected since
            parked += [event.id for event in grouped[account_id] if event.type not in GOODBYES]
            ignored += [event.id for event in grouped[account_id] if event.type in GOODBYES]
            continue
        applied = _apply_to_account(conn, locked, grouped[account_id], answers, needed, refused, now)
        if applied:
            businesses.append(locked.business_id)
            done += applied
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
    return outcome, needed


def _apply_to_account(
    conn: Connection,
    account: Account,
    events: Sequence[PendingEvent],
    answers: Answers,
    needed: Needed,
    refused: list[Refusal],
    now: dt.datetime,
) -> list[int]:
    """Apply an account's events but those that need a reading or can't be understood; gives the ids of the applied."""
    goodbyes = [event for event in events if event.type in GOODBYES]
    others = [event for event in events if event.type not in GOODBYES]
    applied = _apply_others(conn, account, others, answers, needed, refused) if others else []
    # Of the same second as the grant it may be to the access before: were it not, the next read would show it.
    if any(event.occurred_at > account.connected_at for event in goodbyes):
        objects.mark_disconnected(conn, account, now)
    return [*applied, *(event.id for event in goodbyes)]


def _apply_others(
    conn: Connection,
    account: Account,
    events: Sequence[PendingEvent],
    answers: Answers,
    needed: Needed,
    refused: list[Refusal],
) -> list[int]:
    # A goodbye needs none of this: what it would take to read the account's currency is refused by then.
    if account.settlement_currency is None:
        answer = answers.get((account.id, ACCOUNT, account.external_id))
        if answer is None:
            needed.add(ReadRequest(account, ACCOUNT, account.external_id), [event.id for event in events])
            return []
        account = storing.keep_account(conn, account, answer)
    told: list[Told] = []
    for event in events:
        try:
            told.append((event, _effects(event, account)))
        except Exception as error:  # a handler's own mistake, too, is this one event's
            refused.append((event, error))
    told = _store(conn, account, told, answers, needed)
    _note_payouts_paid(conn, account, told)
    for event, effects in told:
        if effects.balance is not None:
            objects.update_account(conn, account.id, version_at=event.occurred_at, balance=effects.balance)
    return [event.id for event, _ in told]


def _store(conn: Connection, account: Account, told: list[Told], answers: Answers, needed: Needed) -> list[Told]:
    """Store the objects' states, leaving out the events of which one has to be read first; gives those stored."""
    while True:
        states = [(event.id, state) for event, effects in told for state in _states(event, effects)]
        of_account = [state for _, state in states if state.table == ACCOUNT]
        asked = account_news.store(conn, account, of_account, answers) if of_account else None
        stored = storing.store(conn, account, [state for _, state in states if state.table != ACCOUNT], answers)
        requests = [*stored.needed, *([asked] if asked else [])]
        if not requests:
            return told
        users: dict[tuple[str, str], set[int]] = {}
        for event_id, state in states:
            users.setdefault((state.table, state.id), set()).add(event_id)
        waiting: set[int] = set()
        for request in requests:
            needed.add(request, users[request.table, request.id])
            waiting |= users[request.table, request.id]
        told = [(event, effects) for event, effects in told if event.id not in waiting]


def _states(event: PendingEvent, effects: Effects) -> list[State]:
    states = [state for parsed in effects.objects for state in storing.states_of(parsed, event.occurred_at)]
    if effects.account is not None:
        states.append(State(ACCOUNT, event.account, event.occurred_at, effects.account))
    return states + [State(table, object_id, event.occurred_at, None) for table, object_id in effects.deleted]


def _effects(event: PendingEvent, account: Account) -> Effects:
    effects = effects_of(event.type, event.payload, account.settlement_currency or "")
    assert effects is not None, "types without a handler were ignored"
    return effects


def _note_payouts_paid(conn: Connection, account: Account, told: Sequence[Told]) -> None:
    paid: dict[str, dt.datetime] = {}
    for event, effects in told:
        if effects.payout_paid is not None:
            paid[effects.payout_paid] = min(event.occurred_at, paid.get(effects.payout_paid, event.occurred_at))
    if paid:
        objects.note_payouts_paid(conn, account, paid)
