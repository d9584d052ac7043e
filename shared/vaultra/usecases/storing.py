"""Storing states of Stripe objects: the newest wins, ties are read again, the days they touch are recomputed."""

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection

from vaultra.adapters.stripe_billing import items_untold
from vaultra.adapters.stripe_objects import (
    ACCOUNT,
    account_currency,
    account_standing,
    parse,
    parse_account,
    resource_of,
)
from vaultra.adapters.stripe_parsing import ParsedObject
from vaultra.db import objects, rollups
from vaultra.db.objects import Account, ObjectRow, StoredVersion
from vaultra.domain.versions import Reading, Verdict, Version, judge, judge_reading
from vaultra.errors import NotFound, Unavailable
from vaultra.ports import StripeGateway, StripeRead
from vaultra.usecases.touched_days import touched_days

# A tombstone needs no more than an id in these tables; objects of the others are never deleted at Stripe.
DELETABLE = frozenset({"customers", "invoices"})
ITEMS = "subscription_items"
LONG_AGO = dt.datetime.fromtimestamp(0, dt.UTC)


@dataclass(frozen=True)
class State:
    """An object as it was at a time. `parsed` is None when it was deleted by then."""

    table: str
    id: str
    version_at: dt.datetime
    parsed: ParsedObject | None


@dataclass(frozen=True)
class ReadRequest:
    """An object that has to be read from the API before anything can be stored."""

    account: Account
    table: str
    id: str
    instead_of: Version | None = None

    @property
    def key(self) -> tuple[Any, str, str]:
        return (self.account.id, self.table, self.id)


@dataclass(frozen=True)
class Answer:
    """What the API said: the object's state, None when there is no such object (any more)."""

    state: State
    raw: dict[str, Any] | None
    instead_of: Version | None


Answers = dict[tuple[Any, str, str], Answer]


@dataclass
class Stored:
    """What storing did: how many rows changed, which days they touch, what must be read first."""

    written: int = 0
    days: dict[Account, set[dt.date]] = field(default_factory=dict)
    needed: list[ReadRequest] = field(default_factory=list)


@dataclass(frozen=True)
class Change:
    """What is to be written of one account's objects in a table, and what it replaces, by id."""

    account: Account
    rows: list[ObjectRow]
    known: Mapping[str, StoredVersion]


def states_of(parsed: ParsedObject, version_at: dt.datetime) -> list[State]:
    """An object's state and those of the objects inside it."""
    inner = [state for item in parsed.embedded for state in states_of(item, version_at)]
    return [State(parsed.table, parsed.id, version_at, parsed), *inner]


def store(conn: Connection, account: Account, states: Iterable[State], answers: Answers) -> Stored:
    """Write what is newer and recompute its days, under the account's lock.

    When `needed` is not empty nothing was written: the caller rolls back, reads those objects and tries again with
    the answers, or leaves out what needs them.
    """
    return store_each(conn, {account: states}, answers)


def store_each(conn: Connection, states: Mapping[Account, Iterable[State]], answers: Answers) -> Stored:
    """The same for several accounts, under the locks of all of them: as many statements as for one."""
    stored = Stored()
    by_table: dict[str, dict[Account, dict[str, list[State]]]] = {}
    for account, told in states.items():
        if account.settlement_currency is None:
            stored.needed.append(ReadRequest(account, ACCOUNT, account.external_id))
            continue
        for table, by_id in _by_table(told).items():
            by_table.setdefault(table, {})[account] = by_id
    # Movements come last: they settle charges, which may be new themselves.
    tables = sorted(by_table, key=lambda table: (table == "balance_transactions", table))
    # Nothing is written before everything is decided, so that asking for a reading costs no write.
    decided = [_decide_table(conn, table, by_table[table], answers, stored) for table in tables]
    if stored.needed:
        return stored
    for table, changes in zip(tables, decided, strict=True):
        _write_table(conn, table, changes, stored)
    rollups.recompute_each(conn, stored.days)
    return stored


def _by_table(states: Iterable[State]) -> dict[str, dict[str, list[State]]]:
    found: dict[str, dict[str, list[State]]] = {}
    for state in states:
        found.setdefault(state.table, {}).setdefault(state.id, []).append(state)
    return found


def _decide_table(
    conn: Connection,
    table: str,
    by_account: Mapping[Account, Mapping[str, list[State]]],
    answers: Answers,
    stored: Stored,
) -> list[Change]:
    """The rows to write and what they replace; what must be read first is added to `stored.needed`."""
    ids = {account.id: sorted(by_id) for account, by_id in by_account.items()}
    versions = objects.versions_of_each(conn, table, ids)
    changes = []
    for account, by_id in by_account.items():
        known = versions[account.id]
        rows: list[ObjectRow] = []
        for object_id in ids[account.id]:
            before = known.get(object_id)
            answer = answers.get((account.id, table, object_id))
            row, read = decide(before, by_id[object_id], answer)
            if read:
                stored.needed.append(ReadRequest(account, table, object_id, before.version if before else None))
            elif row is not None and (before is not None or not _is_tombstone(row) or table in DELETABLE):
                rows.append(row)
        changes.append(Change(account, rows, known))
    return changes


def _write_table(conn: Connection, table: str, changes: Sequence[Change], stored: Stored) -> None:
    written: dict[Account, list[ObjectRow]] = {}
    for change in changes:
        buried = [row for row in change.rows if _is_tombstone(row) and table not in DELETABLE]
        written[change.account] = [row for row in change.rows if row not in buried]
        objects.bury(conn, change.account, table, buried)
    objects.write_each(conn, table, written)
    for change in changes:
        stored.written += len(change.rows)
        if change.rows:
            touched = touched_days(conn, change.account, table, change.rows, change.known)
            stored.days.setdefault(change.account, set()).update(touched)


def decide(
    before: StoredVersion | None, states: Sequence[State], answer: Answer | None
) -> tuple[ObjectRow | None, bool]:
    """The row to write, if any, and whether the object has to be read first."""
    original = current = None if before is None else before.version
    row: ObjectRow | None = None
    tie = False
    for state in sorted(states, key=lambda state: state.version_at):
        arrived = _row(state)
        verdict = judge(current, Version(arrived.version_at, arrived.content_hash))
        tie = tie or verdict is Verdict.READ or (verdict is Verdict.WRITE and _incomplete(state))
        if verdict is Verdict.WRITE:
            row = arrived if row is None else _merged(row, arrived)
            current = Version(row.version_at, row.content_hash)
    if not tie:
        return row, False
    if answer is None:
        return None, True
    read = _row(answer.state)
    # The API was asked after these states had been announced, so what it says is true of their time or later.
    newest = max(read.version_at, *(state.version_at for state in states))
    verdict = judge_reading(original, Reading(Version(newest, read.content_hash), answer.instead_of))
    if verdict is not Verdict.WRITE:
        return None, verdict is Verdict.READ
    if original is not None:
        newest = max(newest, original.at)
    created_at = states[0].version_at if answer.state.parsed is None else read.created_at
    return ObjectRow(read.id, created_at, newest, read.content_hash, read.values), False


def _is_tombstone(row: ObjectRow) -> bool:
    return bool(row.values.get("deleted"))


def _incomplete(state: State) -> bool:
    return state.parsed is not None and state.parsed.incomplete


def _row(state: State) -> ObjectRow:
    if state.parsed is None:
        return ObjectRow(state.id, state.version_at, state.version_at, "deleted", {"deleted": True})
    values = {**state.parsed.values, "deleted": bool(state.parsed.values.get("deleted", False))}
    return ObjectRow(state.id, state.parsed.created_at, state.version_at, content_hash(values), values)


def content_hash(values: dict[str, Any]) -> str:
    """Tells two contents apart, whatever the order of their fields."""
    return hashlib.blake2b(orjson.dumps(values, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()


def _merged(older: ObjectRow, newer: ObjectRow) -> ObjectRow:
    values = {**older.values, **newer.values}
    return ObjectRow(newer.id, older.created_at, newer.version_at, newer.content_hash, values)


def read_again(stripe: StripeGateway, requests: Iterable[ReadRequest]) -> Answers:
    """Ask the API for each object; no transaction may be open meanwhile."""
    answers: Answers = {}
    for request in requests:
        external = request.account.external_id
        if request.table == ACCOUNT:
            account = read_account(stripe, request.account)
            state = State(ACCOUNT, request.id, account.as_of, parse_account(account.body))
            answers[request.key] = Answer(state, account.body, request.instead_of)
            continue
        try:
            read = stripe.retrieve(external, resource_of(request.table), request.id)
        except NotFound:
            # An error tells no time: the tombstone takes that of the state which made us ask.
            gone = State(request.table, request.id, LONG_AGO, None)
            answers[request.key] = Answer(gone, None, request.instead_of)
            continue
        body = read.body
        if request.table == "subscriptions" and items_untold(body):
            body = _with_items(stripe, external, body)
        parsed = parse(body, request.account.settlement_currency or "")
        deleted = parsed is None or body.get("deleted")
        state = State(request.table, request.id, read.as_of, None if deleted else parsed)
        answers[request.key] = Answer(state, body, request.instead_of)
    return answers


def _with_items(stripe: StripeGateway, external: str, subscription: dict[str, Any]) -> dict[str, Any]:
    """The subscription with all of its items: it shows the first of them only, and their coupons by name."""
    items: list[dict[str, Any]] = []
    more = True
    while more:
        after = {"starting_after": items[-1]["id"]} if items else {}
        page = stripe.list_page(external, ITEMS, {"subscription": subscription["id"], "limit": "100", **after}).body
        items += page["data"]
        more = bool(page.get("has_more")) and bool(page["data"])
    return {**subscription, "items": {"object": "list", "data": items, "has_more": False}}


def read_account(stripe: StripeGateway, account: Account) -> StripeRead:
    """The account object, as itself or by its id: not every Stripe answers both."""
    try:
        return stripe.retrieve(account.external_id, "account")
    except NotFound:
        return stripe.retrieve(account.external_id, "accounts", account.external_id)


def keep_account(conn: Connection, account: Account, answer: Answer) -> Account:
    """Store what the account object says; gives the account with its settlement currency."""
    assert answer.raw is not None
    currency = account_currency(answer.raw)
    if currency is None:
        raise Unavailable("Stripe's account object names no currency")
    objects.update_account(
        conn,
        account.id,
        version_at=answer.state.version_at,
        standing=account_standing(answer.raw),
        settlement_currency=currency,
    )
    locked = objects.lock_account(conn, account.id)
    assert locked is not None, "the account's lock is ours"
    return locked
