"""What an operator looks at and sets right: accounts, their runs and events, sessions. Across all businesses."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT

from vaultra.db import inbox, models, sync_runs
from vaultra.db.sync_runs import Run

Account = models.IntegrationAccount
Event = models.StripeEvent
SyncRun = models.SyncRun
IDS = bindparam("ids", type_=ARRAY(BIGINT))
LATEST_RUNS = 5
PARKED_KEPT = next(age for name, _, age in inbox.PURGES if name == "parked")


@dataclass(frozen=True)
class AccountState:
    """A connection as its operator sees it. `error` is what its owner is told; None when all is well."""

    id: UUID
    account: str
    livemode: bool
    business_id: UUID
    status: str
    error: str | None
    history_complete: bool
    connected_at: dt.datetime
    disconnected_at: dt.datetime | None
    last_synced_at: dt.datetime | None


@dataclass(frozen=True)
class RunState:
    """A run as its operator sees it. `finished_at` None means under way; `error` None means it went well."""

    kind: str
    started_at: dt.datetime
    finished_at: dt.datetime | None
    progress: float
    objects: int
    error: str | None


@dataclass(frozen=True)
class EventCount:
    """How many of an account's inbox rows are in a state, and since when the oldest of them is there."""

    account: str
    livemode: bool
    status: str
    events: int
    oldest: dt.datetime


ACCOUNT: tuple[Any, ...] = (
    Account.id,
    Account.external_id,
    Account.livemode,
    Account.business_id,
    Account.status,
    Account.error,
    Account.history_complete,
    Account.connected_at,
    Account.disconnected_at,
    Account.last_synced_at,
)


def list_accounts(conn: Connection, external_id: str | None = None) -> list[AccountState]:
    """All connections, disconnected ones too, or those of one Stripe account; by account and time."""
    statement = select(*ACCOUNT).where(Account.provider == "stripe")
    if external_id is not None:
        statement = statement.where(Account.external_id == external_id)
    rows = conn.execute(statement.order_by(Account.external_id, Account.livemode, Account.connected_at, Account.id))
    return [AccountState(*row) for row in rows]


def list_runs(conn: Connection, account_id: UUID) -> list[RunState]:
    """The account's latest runs, the youngest first."""
    columns = (
        SyncRun.kind, SyncRun.started_at, SyncRun.finished_at, SyncRun.progress, SyncRun.objects, SyncRun.error,
    )  # fmt: skip
    statement = select(*columns).where(SyncRun.integration_account_id == account_id)
    rows = conn.execute(statement.order_by(SyncRun.started_at.desc(), SyncRun.kind).limit(LATEST_RUNS))
    return [RunState(*row) for row in rows]


def find_open_run(conn: Connection, account_id: UUID, kind: str) -> Run | None:
    """The account's run of this kind that is under way, locked; None when there is none."""
    statement = select(*sync_runs.COLUMNS).where(
        SyncRun.integration_account_id == account_id, SyncRun.kind == kind, SyncRun.finished_at.is_(None)
    )
    row = conn.execute(statement.with_for_update()).first()
    return None if row is None else Run(*row)


def count_events(conn: Connection, account: str | None = None, *, status: str | None = None) -> list[EventCount]:
    """Inbox rows per account, mode and state; None means all of them."""
    statement = select(Event.account, Event.livemode, Event.status, func.count(), func.min(Event.received_at))
    if account is not None:
        statement = statement.where(Event.account == account)
    if status is not None:
        statement = statement.where(Event.status == status)
    keys = (Event.account, Event.livemode, Event.status)
    return [EventCount(*row) for row in conn.execute(statement.group_by(*keys).order_by(*keys))]


def list_pending(conn: Connection, account: str) -> list[int]:
    """The account's events that are still to be applied, by id."""
    statement = select(Event.id).where(Event.account == account, Event.status == "pending").order_by(Event.id)
    return list(conn.scalars(statement))


def revive_events(conn: Connection, ids: Sequence[int]) -> int:
    """Make the dead among these events pending, with all their attempts; how many. One that is done stays done."""
    values: dict[str, Any] = {"status": "pending", "attempts": 0, "error": None, "processed_at": None}
    return _change_dead(conn, ids, values)


def ignore_events(conn: Connection, ids: Sequence[int]) -> int:
    """Give the dead among these events up, to be forgotten like any other that is ignored; how many."""
    return _change_dead(conn, ids, {"status": "ignored"})


def _change_dead(conn: Connection, ids: Sequence[int], values: dict[str, Any]) -> int:
    # In id order, as those lock them who apply events.
    dead = (
        select(Event.id).where(Event.id == func.any(IDS), Event.status == "dead").order_by(Event.id).with_for_update()
    )
    locked = list(conn.scalars(dead, {"ids": sorted(set(ids))}))
    conn.execute(update(Event).where(Event.id == func.any(IDS)).values(**values), {"ids": locked})
    return len(locked)


def list_businesses(conn: Connection, business_id: UUID | None = None) -> list[UUID]:
    """The businesses with a connected account, or the one of this id if it has one; by id."""
    statement = select(Account.business_id).distinct().where(Account.status != "disconnected")
    if business_id is not None:
        statement = statement.where(Account.business_id == business_id)
    return list(conn.scalars(statement.order_by(Account.business_id)))


def list_account_ids(conn: Connection, business_ids: Collection[UUID]) -> list[UUID]:
    """The connected accounts of these businesses, by id."""
    statement = select(Account.id).where(Account.business_id.in_(business_ids), Account.status != "disconnected")
    return list(conn.scalars(statement.order_by(Account.id)))


def find_user_id(conn: Connection, email: str) -> UUID | None:
    """Whose address this is, in whatever case; None when nobody's."""
    statement = select(models.User.id).where(func.lower(models.User.email) == func.lower(email))
    return conn.execute(statement).scalar_one_or_none()


def end_sessions(conn: Connection, user_id: UUID | None, now: dt.datetime) -> int:
    """End the sessions of a user, or everybody's when None; how many were still good.

    The rows go too: from where somebody signed in is no longer familiar, because it may have been a thief.
    """
    mine = () if user_id is None else (models.Session.user_id == user_id,)
    good = conn.execute(select(func.count()).where(models.Session.expires_at > now, *mine)).scalar_one()
    conn.execute(delete(models.Session).where(*mine))
    return good


def count_tokens(conn: Connection, user_id: UUID | None, now: dt.datetime) -> int:
    """Personal access tokens of a user, or of everybody when None, that are still good."""
    mine = () if user_id is None else (models.PersonalAccessToken.user_id == user_id,)
    statement = select(func.count()).where(models.PersonalAccessToken.expires_at > now, *mine)
    return conn.execute(statement).scalar_one()
