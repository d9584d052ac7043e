"""A connected Stripe account in a real database, and what the tests of the ingestion do with it."""

import datetime as dt
import itertools
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from tests.stripe_payloads import ACCOUNT, NOON, Json
from vaultra.adapters.stripe_events import received_event
from vaultra.db import inbox, objects
from vaultra.db.objects import Account
from vaultra.ports import StripeGateway
from vaultra.usecases import ingestion, storing
from vaultra.usecases.ingestion import Outcome
from vaultra.usecases.storing import Answers, State, Stored

_numbers = itertools.count(1)
OBJECT_TABLES = tuple(objects.TABLES)


def connect(
    conn: Connection,
    external_id: str = ACCOUNT,
    *,
    currency: str | None = "usd",
    livemode: bool = True,
    connected_at: dt.datetime = NOON - dt.timedelta(days=100),
    status: str = "connected",
) -> Account:
    """A business with one connected account, whose settlement currency is known unless it is None."""
    business = conn.execute(
        text("insert into businesses (name) values (:name) returning id"), {"name": f"Shop {next(_numbers)}"}
    ).scalar_one()
    values = {
        "business": business,
        "external": external_id,
        "livemode": livemode,
        "currency": currency,
        "at": connected_at,
        "status": status,
    }
    account_id = conn.execute(
        text(
            "insert into integration_accounts (business_id, external_id, livemode, status, default_currency, "
            "connected_at) values (:business, :external, :livemode, :status, :currency, :at) returning id"
        ),
        values,
    ).scalar_one()
    return Account(account_id, business, external_id, livemode, status, currency, connected_at)


def keep(conn: Connection, events: Iterable[Json], now: dt.datetime = NOON) -> list[int]:
    """Put raw events into the inbox; gives the ids to announce."""
    return inbox.keep(conn, [received_event(event) for event in events], now)


def apply(conn: Connection, stripe: StripeGateway, events: Iterable[Json], now: dt.datetime = NOON) -> Outcome:
    """Keep raw events and apply them as one message, committing both as the rooms do."""
    ids = keep(conn, events, now)
    conn.commit()
    outcome = ingestion.apply(conn, stripe, ids, now)
    conn.commit()
    return outcome


def store(conn: Connection, account: Account, found: list[State], stripe: StripeGateway | None = None) -> Stored:
    """Store as the use cases do, reading what is asked for."""
    answers: Answers = {}
    for _ in range(3):
        stored = storing.store(conn, account, found, answers)
        if not stored.needed:
            return stored
        assert stripe is not None, f"nobody should have to be asked: {stored.needed}"
        answers.update(storing.read_again(stripe, stored.needed))
    raise AssertionError("asked for ever")


def rows(conn: Connection, table: str, order: str = "id") -> list[Json]:
    """A table's rows as dictionaries."""
    return [dict(row) for row in conn.execute(text(f"select * from {table} order by {order}")).mappings()]


def one(conn: Connection, table: str) -> Json:
    """The only row of a table."""
    [row] = rows(conn, table, "1")
    return row


def rollups(conn: Connection) -> list[Json]:
    """What the daily rollups say, without the keys that say of whom, and without zeros."""
    hidden = ("integration_account_id", "business_id")
    return [
        {name: value for name, value in row.items() if name not in hidden and value != 0}
        for row in rows(conn, "daily_rollups", "day, currency")
    ]


def statuses(conn: Connection) -> dict[str, int]:
    """How many inbox rows are in which state."""
    found = conn.execute(text("select status, count(*) as number from stripe_events group by status"))
    return {row.status: row.number for row in found}


def everything(conn: Connection) -> dict[str, list[Any]]:
    """All that was ingested, for comparing two databases: object rows without our own ids, and rollups."""
    hidden = {"integration_account_id", "business_id", "version_at"}
    tables = {
        table: [tuple(sorted((k, str(v)) for k, v in row.items() if k not in hidden)) for row in rows(conn, table)]
        for table in OBJECT_TABLES
    }
    return {**tables, "daily_rollups": rollups(conn)}


def account_of(conn: Connection, account_id: UUID) -> Json:
    """The stored account."""
    row = conn.execute(text("select * from integration_accounts where id = :id"), {"id": account_id}).mappings().one()
    return dict(row)
