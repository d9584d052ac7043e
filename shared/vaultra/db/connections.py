"""SQL for connected accounts."""

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import Connection as Database
from sqlalchemy import Row, bindparam, case, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import DBAPIError

from vaultra.db import models
from vaultra.domain.connections import BackfillKind, BackfillRun, Connection, Mode, SealedKey
from vaultra.errors import NotFound

STRIPE = "stripe"
Account = models.IntegrationAccount
CONNECTION = (
    Account.id,
    Account.business_id,
    Account.external_id,
    Account.livemode,
    Account.status,
    Account.error,
    Account.connected_at,
    Account.last_synced_at,
    Account.sealed_key.is_not(None).label("has_key"),
)
SEALED_KEY = (Account.id, Account.business_id, Account.external_id, Account.sealed_key)
TAKEN = ("uq_integration_accounts_active", "uq_integration_accounts_one_per_business")
ONE_KEY = "uq_integration_accounts_key"
BUSINESS_EXISTS = "integration_accounts_business_id_fkey"


def find_connection(conn: Database, business_id: UUID) -> Connection | None:
    """The business's Stripe account, unless it was disconnected."""
    row = conn.execute(
        select(*CONNECTION).where(
            Account.business_id == business_id, Account.provider == STRIPE, Account.status != "disconnected"
        )
    ).one_or_none()
    return None if row is None else _connection(row)


def connect(
    conn: Database,
    *,
    business_id: UUID,
    external_id: str,
    livemode: bool,
    now: dt.datetime,
    granted_at: dt.datetime | None = None,
) -> Connection | None:
    """Connect an account to a business, reviving the row of an earlier connection of the two, without its key.

    Returns:
        None when the account is connected to another business, or the business to another account.

    Raises:
        NotFound: The business does not exist, or no longer.
    """
    statement = upsert(Account).values(
        business_id=business_id,
        provider=STRIPE,
        external_id=external_id,
        livemode=livemode,
        status="connected",
        connected_at=now,
        granted_at=granted_at,
        created_at=now,
    )
    # What happened at Stripe while we were disconnected is unknown, so the history has to be read again.
    history_complete = case((Account.status == "disconnected", False), else_=Account.history_complete)
    revived = statement.on_conflict_do_update(
        constraint="uq_integration_accounts_business",
        set_={
            "status": "connected",
            "error": None,
            "connected_at": now,
            "granted_at": granted_at,
            "disconnected_at": None,
            "sealed_key": None,
            "history_complete": history_complete,
        },
    )
    try:
        with conn.begin_nested():
            row = conn.execute(revived.returning(*CONNECTION)).one()
    except DBAPIError as error:
        if _violated(error) in TAKEN:
            return None
        if _violated(error) == BUSINESS_EXISTS:
            raise NotFound("There is no such business") from error
        raise
    return _connection(row)


def disconnect(conn: Database, connection_id: UUID, now: dt.datetime) -> None:
    """Mark the account as disconnected and forget its key; its rows stay with the business."""
    conn.execute(
        update(Account)
        .where(Account.id == connection_id, Account.status != "disconnected")
        .values(status="disconnected", disconnected_at=now, error=None, sealed_key=None)
    )


def keep_key(conn: Database, connection_id: UUID, sealed: str) -> bool:
    """Store a connection's sealed key. False when the account's other mode is connected by a key already."""
    try:
        with conn.begin_nested():
            conn.execute(update(Account).where(Account.id == connection_id).values(sealed_key=sealed))
    except DBAPIError as error:
        if _violated(error) == ONE_KEY:
            return False
        raise
    return True


def find_key(conn: Database, external_id: str) -> SealedKey | None:
    """The connection an account is read by, one with a key first; None when it is not connected."""
    row = conn.execute(FIND_KEY, {"external_id": external_id}).first()
    return None if row is None else SealedKey(*row)


# Asked before every read of Stripe.
FIND_KEY = (
    select(*SEALED_KEY)
    .where(
        Account.provider == STRIPE, Account.external_id == bindparam("external_id"), Account.status != "disconnected"
    )
    .order_by(Account.sealed_key.is_(None))
    .limit(1)
)


def list_keys(conn: Database, after: UUID | None, limit: int) -> list[SealedKey]:
    """One page of stored keys, by connection; locked, so that none is wiped or replaced meanwhile."""
    statement = select(*SEALED_KEY).where(Account.sealed_key.is_not(None)).order_by(Account.id).limit(limit)
    if after is not None:
        statement = statement.where(Account.id > after)
    return [SealedKey(*row) for row in conn.execute(statement.with_for_update(key_share=True))]


def list_backfill_runs(conn: Database, connection: Connection) -> list[BackfillRun]:
    """The newest run of each kind that reads the past, begun since the account was connected."""
    run = models.SyncRun
    statement = (
        select(
            run.kind,
            run.progress,
            run.objects,
            run.started_at,
            (run.finished_at.is_not(None) & run.error.is_(None)).label("finished"),
        )
        .distinct(run.kind)
        .where(
            run.integration_account_id == connection.id,
            run.kind.in_([kind.value for kind in BackfillKind]),
            run.started_at >= connection.connected_at,
        )
        .order_by(run.kind, run.started_at.desc(), run.finished_at.desc().nulls_first())
    )
    return [
        BackfillRun(
            kind=BackfillKind(row.kind),
            progress=row.progress,
            objects=row.objects,
            started_at=row.started_at,
            finished=row.finished,
        )
        for row in conn.execute(statement)
    ]


def _violated(error: DBAPIError) -> str | None:
    """The violated constraint of models.IntegrationAccount, which pg8000 names under "n"; None for other errors."""
    detail = error.orig.args[0] if error.orig is not None and error.orig.args else None
    return detail.get("n") if isinstance(detail, dict) else None


def _connection(row: Row[*tuple[Any, ...]]) -> Connection:
    return Connection(
        id=row.id,
        business_id=row.business_id,
        external_id=row.external_id,
        livemode=row.livemode,
        mode=Mode.KEY if row.has_key else Mode.OAUTH,
        working=row.status == "connected",
        error=row.error,
        connected_at=row.connected_at,
        last_synced_at=row.last_synced_at,
    )
