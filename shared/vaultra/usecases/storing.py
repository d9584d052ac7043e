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
    days: set[dt.date] = field(default_factory=set)
    needed: list[ReadRequest] = field(default_factory=list)


def states_of(parsed: ParsedObject, version_at: dt.datetime) -> list[State]:
    """An object's state and those of the objects inside it."""
    inner = [state for item in parsed.embedded for state in states_of(item, version_at)]
    return [State(parsed.table, parsed.id, version_at, parsed), *inner]


def store(conn: Connection, account: Account, states: Iterable[State], answers: Answers) -> Stored:
    """Write what is newer and recompute its days, under the account's lock.

    When `needed` is not empty nothing was written: the caller rolls back, reads those objects and tries again with
    the answers, or leaves out what needs them.
    """
    stored = Stored()
    if account.settlement_currency is None:
        stored.needed.append(ReadRequest(account, ACCOUNT, account.external_id))
        return stored
    by_table: dict[str, dict[str, list[State]]] = {}
    for state in states:
        by_table.setdefault(state.table, {}).setdefault(state.id, []).append(state)
    # Movements come last: they settle charges, which may be new themselves.
    tables = sorted(by_table, key=lambda table: (table == "balance_transactions", table))
    # Nothing is written before everything is decided, so that asking for a reading costs no write.
    decided = [_decide_table(conn, account, table, by_table[table], answers, stored) for table in tables]
    if stored.needed:
        return stored
    for table, (rows, known) in zip(tables, decided, strict=True):
        _write_table(conn, account, table, rows, known, stored)
    rollups.recompute(conn, account, stored.days)
    return stored


def _decide_table(
    conn: Connection,
    account: Account,
    table: str,
    by_id: Mapping[str, list[State]],
    answers: Answers,
    stored: Stored,
) -> tuple[list[ObjectRow], dict[str, StoredVersion]]:
    """The rows to write and what they replace; what must be read first is added to `stored.needed`."""
    known = objects.stored_versions(conn, account.id, table, sorted(by_id))
    rows: list[ObjectRow] = []
    for object_id in sorted(by_id):
        before = known.get(object_id)
        answer = answers.get((account.id, table, object_id))
        row, read = decide(before, by_id[object_id], answer)
        if read:
            stored.needed.append(ReadRequest(account, table, object_id, before.version if before else None))
        elif row is not None and (before is not None or not _is_tombstone(row) or table in DELETABLE):
            rows.append(row)
    return rows, known


def _write_table(
    conn: Connection,
    account: Account,
    table: str,
    rows: Sequence[ObjectRow],
    known: Mapping[str, StoredVersion],
    stored: Stored,
) -> None:
    buried = [row for row in rows if _is_tombstone(row) and table not in DELETABLE]
    objects.write(conn, account, table, [row for row in rows if row not in buried])
    objects.bury(conn, account, table, buried)
    stored.written += len(rows)
    stored.days |= _touched_days(conn, account, table, rows, known)


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


def _touched_days(
    conn: Connection,
    account: Account,
    table: str,
    rows: Sequence[ObjectRow],
    known: Mapping[str, StoredVersion],
) -> set[dt.date]:
    """The UTC days whose rollups these rows change: those where they count now, and those where they did."""
    days: set[dt.date] = set()
    before = [known[row.id] for row in rows if row.id in known]
    if table in ("charges", "refunds", "early_fraud_warnings"):
        days |= {_day(row.created_at) for row in rows} | {_day(state.created_at) for state in before}
    if table == "charges":
        foreign = [row.id for row in rows if row.values.get("currency") != account.settlement_currency]
        if foreign:
            days |= set(objects.refund_days_of(conn, account, foreign))
    if table == "balance_transactions" and rows:
        days |= set(objects.settle_charges(conn, account, [row.id for row in rows]))
    if table == "disputes":
        moments = [row.values.get("counted_at") for row in rows]
        moments += [item["created_at"] for row in rows for item in row.values.get("movements", [])]
        moments += [item["created_at"] for state in before for item in state.movements]
        days |= {_day(dt.datetime.fromisoformat(moment)) for moment in moments if moment}
        days |= {_day(state.counted_at) for state in before if state.counted_at}
    return days


def _day(moment: dt.datetime) -> dt.date:
    return moment.astimezone(dt.UTC).date()


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
