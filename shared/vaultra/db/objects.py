"""Stored Stripe objects: their versions, and one bulk statement that writes a table's new states."""

import datetime as dt
import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection, Date, TextClause, bindparam, func, select, text, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY, TEXT

from vaultra.db import models
from vaultra.db.models import IntegrationAccount, StripeObject
from vaultra.domain.versions import Version

DIALECT = postgresql.dialect()
TABLES: dict[str, type[StripeObject]] = {
    model.__tablename__: model
    for model in (
        models.Charge,
        models.Refund,
        models.Dispute,
        models.EarlyFraudWarning,
        models.Payout,
        models.BalanceTransaction,
        models.Subscription,
        models.Customer,
        models.Invoice,
    )
}


@dataclass(frozen=True)
class Account:
    """A connected account, as ingestion needs it. `settlement_currency` is None until the account was read.

    `connected_at` is by Stripe's clock where Stripe told.
    """

    id: UUID
    business_id: UUID
    external_id: str
    livemode: bool
    status: str
    settlement_currency: str | None
    connected_at: dt.datetime


@dataclass(frozen=True)
class StoredVersion:
    """What we hold of an object: its version, and on which days it counts. The last two are a dispute's."""

    version: Version
    created_at: dt.datetime
    counted_at: dt.datetime | None = None
    movements: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class AccountFacts:
    """What an account says about itself, as of `version_at`; None while it was not read."""

    version_at: dt.datetime | None
    standing: dict[str, Any] | None
    settlement_currency: str | None


@dataclass(frozen=True)
class ObjectRow:
    """A new state to write: the columns of its table that are known, and when the state was true."""

    id: str
    created_at: dt.datetime
    version_at: dt.datetime
    content_hash: str
    values: dict[str, Any]


ACCOUNT_COLUMNS = (
    IntegrationAccount.id,
    IntegrationAccount.business_id,
    IntegrationAccount.external_id,
    IntegrationAccount.livemode,
    IntegrationAccount.status,
    IntegrationAccount.default_currency,
    func.coalesce(IntegrationAccount.granted_at, IntegrationAccount.connected_at).label("connected_at"),
)


CONNECTED = IntegrationAccount.status != "disconnected"
FIND_ACCOUNTS = select(*ACCOUNT_COLUMNS).where(
    IntegrationAccount.provider == "stripe",
    IntegrationAccount.external_id == func.any(bindparam("ids", type_=ARRAY(TEXT))),
    CONNECTED,
)
GET_ACCOUNT = select(*ACCOUNT_COLUMNS).where(IntegrationAccount.id == bindparam("account"), CONNECTED)
LOCK_ACCOUNT = GET_ACCOUNT.with_for_update(key_share=True)
LOCK_ACCOUNTS = (
    select(*ACCOUNT_COLUMNS)
    .where(
        IntegrationAccount.id == text("any(array(select jsonb_array_elements_text(cast(:ids as jsonb))::uuid))"),
        CONNECTED,
    )
    .order_by(IntegrationAccount.id)
    .with_for_update(key_share=True)
)


def find_accounts(conn: Connection, external_ids: Iterable[str]) -> list[Account]:
    """The accounts of these Stripe ids that are not disconnected, in both modes."""
    return [Account(*row) for row in conn.execute(FIND_ACCOUNTS, {"ids": list(external_ids)})]


def get_account(conn: Connection, account_id: UUID) -> Account | None:
    """The account; None when it is disconnected."""
    row = conn.execute(GET_ACCOUNT, {"account": account_id}).first()
    return None if row is None else Account(*row)


def lock_account(conn: Connection, account_id: UUID) -> Account | None:
    """Make this transaction the only one that writes the account's objects; None when it is disconnected."""
    row = conn.execute(LOCK_ACCOUNT, {"account": account_id}).first()
    return None if row is None else Account(*row)


def lock_accounts(conn: Connection, account_ids: Iterable[UUID]) -> dict[UUID, Account]:
    """The same for several accounts, locked in the order of their ids; a disconnected one is absent."""
    rows = conn.execute(LOCK_ACCOUNTS, {"ids": orjson.dumps(list(account_ids)).decode()})
    return {row[0]: Account(*row) for row in rows}


def stored_versions(conn: Connection, account_id: UUID, table: str, ids: Sequence[str]) -> dict[str, StoredVersion]:
    """What we hold of these objects, by id; an object that is not stored is absent."""
    return versions_of_each(conn, table, {account_id: ids})[account_id]


def versions_of_each(
    conn: Connection, table: str, ids: Mapping[UUID, Sequence[str]]
) -> dict[UUID, dict[str, StoredVersion]]:
    """What we hold of these objects of several accounts, by account and id."""
    keys = [{"account": account_id, "ids": list(wanted)} for account_id, wanted in ids.items()]
    found: dict[UUID, dict[str, StoredVersion]] = {account_id: {} for account_id in ids}
    for row in conn.execute(_versions_statement(table), {"keys": orjson.dumps(keys).decode()}):
        found[row[0]][row[1]] = StoredVersion(Version(row[2], row[3]), *row[4:])
    return found


@functools.cache
def _versions_statement(table: str) -> TextClause:
    more = ", counted_at, movements" if TABLES[table] is models.Dispute else ""
    return text(
        f"""
        select stored.*
        from jsonb_to_recordset(cast(:keys as jsonb)) as given(account uuid, ids jsonb),
            jsonb_array_elements_text(given.ids) as wanted(id)
        cross join lateral (
            select integration_account_id, id, version_at, content_hash, created_at{more} from {table}
            where integration_account_id = given.account and id = wanted.id
            limit 1 -- so that it stays a look-up in the key: else the whole table may be gone through
        ) stored
        """  # noqa: S608 - names come from our own schema
    )


def write(conn: Connection, account: Account, table: str, rows: Sequence[ObjectRow]) -> None:
    """Insert or replace these states, one statement for all that know the same columns; a newer state stays.

    A column that a row does not name keeps what is stored: an older API version erases nothing.
    """
    write_each(conn, table, {account: rows})


def write_each(conn: Connection, table: str, rows: Mapping[Account, Sequence[ObjectRow]]) -> None:
    """The same for several accounts."""
    by_columns: dict[tuple[str, ...], dict[UUID, dict[str, Any]]] = {}
    for account, states in rows.items():
        for row in states:
            of_accounts = by_columns.setdefault(tuple(sorted(row.values)), {})
            given = of_accounts.setdefault(
                account.id, {"account": account.id, "business": account.business_id, "rows": []}
            )
            document = {
                **row.values,
                "id": row.id,
                "created_at": row.created_at.isoformat(),
                "version_at": row.version_at.isoformat(),
                "content_hash": row.content_hash,
            }
            given["rows"].append(document)
    for columns, of_accounts in by_columns.items():
        parameters = {"given": orjson.dumps(list(of_accounts.values())).decode()}
        conn.execute(_write_statement(table, columns), parameters)


@functools.cache
def _write_statement(table: str, columns: tuple[str, ...]) -> TextClause:
    model: Any = TABLES[table]
    types = {column.name: column.type.compile(dialect=DIALECT) for column in model.__table__.columns}
    declared = "".join(f', "{name}" {types[name]}' for name in columns)
    names = "".join(f', "{name}"' for name in columns)
    replaced = "".join(f', "{name}" = excluded."{name}"' for name in columns)
    return text(
        f"""
        insert into {table} as stored
            (integration_account_id, business_id, id, created_at, version_at, content_hash{names})
        select account, business, id, created_at, version_at, content_hash{names}
        from jsonb_to_recordset(cast(:given as jsonb)) as given(account uuid, business uuid, rows jsonb),
            jsonb_to_recordset(given.rows) as incoming(
                id text, created_at timestamptz, version_at timestamptz, content_hash text{declared})
        order by account, id
        on conflict (integration_account_id, id) do update set
            version_at = excluded.version_at, content_hash = excluded.content_hash{replaced}
        where stored.version_at <= excluded.version_at
        """  # noqa: S608 - names come from our own schema
    )


def bury(conn: Connection, account: Account, table: str, tombstones: Sequence[ObjectRow]) -> None:
    """Mark objects as deleted that we hold; their other columns stay, and a newer state too."""
    if not tombstones:
        return
    documents = [
        {"id": row.id, "version_at": row.version_at.isoformat(), "content_hash": row.content_hash} for row in tombstones
    ]
    conn.execute(_bury_statement(table), {"rows": orjson.dumps(documents).decode(), "account": account.id})


@functools.cache
def _bury_statement(table: str) -> TextClause:
    return text(
        f"""
        update {table} as stored
        set deleted = true, version_at = gone.version_at, content_hash = gone.content_hash
        from jsonb_to_recordset(cast(:rows as jsonb)) as gone(id text, version_at timestamptz, content_hash text)
        where stored.integration_account_id = :account and stored.id = gone.id
          and stored.version_at <= gone.version_at
        """  # noqa: S608 - the name comes from our own schema
    )


def note_payouts_paid(conn: Connection, account: Account, paid_at: Mapping[str, dt.datetime]) -> None:
    """Remember when each payout was first said to be paid; the earliest event stands, in whatever order they come."""
    note_payouts_paid_of_each(conn, {account: paid_at})


def note_payouts_paid_of_each(conn: Connection, paid_at: Mapping[Account, Mapping[str, dt.datetime]]) -> None:
    """The same for several accounts."""
    rows = [
        {"account": account.id, "id": payout, "at": moment.isoformat()}
        for account, payouts in paid_at.items()
        for payout, moment in sorted(payouts.items())
    ]
    conn.execute(NOTE_PAID, {"rows": orjson.dumps(rows).decode()})


NOTE_PAID = text(
    """
    update payouts set paid_event_at = least(payouts.paid_event_at, seen.at)
    from jsonb_to_recordset(cast(:rows as jsonb)) as seen(account uuid, id text, at timestamptz)
    where payouts.integration_account_id = seen.account and payouts.id = seen.id
    """
)


def settle_charges(conn: Connection, account: Account, balance_transactions: Sequence[str]) -> list[dt.date]:
    """Give charges that wait for their amount in the settlement currency the one of these movements.

    Returns the UTC days whose sums changed.
    """
    found = conn.execute(
        SETTLE_CHARGES,
        {
            "account": account.id,
            "ids": orjson.dumps(list(balance_transactions)).decode(),
            "currency": account.settlement_currency,
        },
    )
    return sorted({row.day for row in found})


SETTLE_CHARGES = text(
    """
    update charges set settled_minor = movement.amount_minor,
        exchange_rate = movement.amount_minor / nullif(charges.captured_minor, 0)::numeric
    from balance_transactions movement
    where movement.integration_account_id = :account
      and movement.id = any(array(select jsonb_array_elements_text(cast(:ids as jsonb))))
      and movement.currency = :currency
      and charges.integration_account_id = :account and charges.id = movement.source
      and charges.settled_minor is null and movement.type in ('charge', 'payment')
    returning (charges.created_at at time zone 'UTC')::date as day
    """
)


def refund_days_of(conn: Connection, account: Account, charges: Sequence[str]) -> list[dt.date]:
    """The UTC days on which these charges were refunded."""
    day = func.date(func.timezone("UTC", models.Refund.created_at))
    statement = (
        select(day.cast(Date))
        .distinct()
        .where(
            models.Refund.integration_account_id == account.id,
            models.Refund.charge == func.any(bindparam("ids", type_=ARRAY(TEXT))),
        )
    )
    return [row[0] for row in conn.execute(statement, {"ids": list(charges)})]


def account_facts(conn: Connection, account_id: UUID) -> AccountFacts:
    """What we hold of what the account says about itself. Needs the account's lock."""
    return AccountFacts(*conn.execute(ACCOUNT_FACTS, {"account": account_id}).one())


ACCOUNT_FACTS = select(
    IntegrationAccount.version_at, IntegrationAccount.standing, IntegrationAccount.default_currency
).where(IntegrationAccount.id == bindparam("account"))


def update_account(
    conn: Connection,
    account_id: UUID,
    *,
    version_at: dt.datetime,
    standing: dict[str, Any] | None = None,
    settlement_currency: str | None = None,
    balance: dict[str, Any] | None = None,
) -> None:
    """Keep what the account or its balance says; each of the three only when given.

    A standing or a balance older than the stored one changes nothing.
    """
    statement = update(IntegrationAccount).where(IntegrationAccount.id == account_id)
    if balance is not None:
        as_of = int(version_at.timestamp())
        stored = IntegrationAccount.balance["as_of"].as_integer()
        statement_of_balance = statement.where(stored.is_(None) | (stored <= as_of))
        conn.execute(statement_of_balance.values(balance={**balance, "as_of": as_of}))
    if standing is not None:
        newer = (IntegrationAccount.version_at.is_(None)) | (IntegrationAccount.version_at <= version_at)
        values: dict[str, Any] = {"standing": standing, "version_at": version_at}
        if settlement_currency is not None:
            values["default_currency"] = settlement_currency
        conn.execute(statement.where(newer).values(**values))


def mark_disconnected(conn: Connection, account: Account, now: dt.datetime) -> None:
    """The owner took the access back at Stripe. An account that is read with its owner's key never needed it."""
    conn.execute(
        update(IntegrationAccount)
        .where(IntegrationAccount.id == account.id, IntegrationAccount.sealed_key.is_(None))
        .values(status="disconnected", disconnected_at=now, error=None)
    )


def mark_error(conn: Connection, account_id: UUID, reason: str) -> None:
    """The account can't be read; `reason` is for its owner and says what to do."""
    conn.execute(
        update(IntegrationAccount)
        .where(IntegrationAccount.id == account_id, IntegrationAccount.status != "disconnected")
        .values(status="error", error=reason)
    )


def mark_synced(conn: Connection, account_id: UUID, now: dt.datetime, *, history_complete: bool | None = None) -> None:
    """A pass over the account's objects ended well."""
    values: dict[str, Any] = {"last_synced_at": now, "status": "connected", "error": None}
    if history_complete is not None:
        values["history_complete"] = history_complete
    conn.execute(
        update(IntegrationAccount)
        .where(IntegrationAccount.id == account_id, IntegrationAccount.status != "disconnected")
        .values(**values)
    )


def list_connected(conn: Connection, after: UUID | None, limit: int) -> list[tuple[UUID, UUID]]:
    """One page of (account, business) ids that are connected, by account id."""
    statement = (
        select(IntegrationAccount.id, IntegrationAccount.business_id)
        .where(IntegrationAccount.status != "disconnected")
        .order_by(IntegrationAccount.id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(IntegrationAccount.id > after)
    return [(row[0], row[1]) for row in conn.execute(statement)]
