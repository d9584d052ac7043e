"""Passes over an account's objects at Stripe: where each is, and which have come to a stop."""

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert

from vaultra.db.models import IntegrationAccount, SyncRun


@dataclass(frozen=True)
class Run:
    """A run at one of its steps. `plan` is a list of {resource, params}; `cursor` the last object read."""

    id: UUID
    account_id: UUID
    kind: str
    plan: list[dict[str, Any]]
    position: int
    cursor: str | None
    step: int
    objects: int
    started_at: dt.datetime
    finished_at: dt.datetime | None


COLUMNS = (
    SyncRun.id,
    SyncRun.integration_account_id,
    SyncRun.kind,
    SyncRun.plan,
    SyncRun.position,
    SyncRun.cursor,
    SyncRun.step,
    SyncRun.objects,
    SyncRun.started_at,
    SyncRun.finished_at,
)


def open_run(conn: Connection, account_id: UUID, kind: str, plan: list[dict[str, Any]], now: dt.datetime) -> Run:
    """Begin a run, or give the one of its kind that is under way."""
    statement = insert(SyncRun).values(
        integration_account_id=account_id, kind=kind, plan=plan, started_at=now, updated_at=now
    )
    conn.execute(statement.on_conflict_do_nothing())
    found = select(*COLUMNS).where(
        SyncRun.integration_account_id == account_id, SyncRun.kind == kind, SyncRun.finished_at.is_(None)
    )
    return Run(*conn.execute(found).one())


def find(conn: Connection, run_id: UUID, *, lock: bool = False) -> Run | None:
    """The run, or None; locked when the transaction is going to advance it."""
    statement = select(*COLUMNS).where(SyncRun.id == run_id)
    row = conn.execute(statement.with_for_update() if lock else statement).first()
    return None if row is None else Run(*row)


def advance(
    conn: Connection,
    run: Run,
    *,
    position: int,
    cursor: str | None,
    progress: float,
    read: int,
    now: dt.datetime,
    finished: bool,
) -> None:
    """Commit a step's end together with the rows it wrote."""
    conn.execute(
        update(SyncRun)
        .where(SyncRun.id == run.id)
        .values(
            position=position,
            cursor=cursor,
            progress=progress,
            step=run.step + 1,
            objects=SyncRun.objects + read,
            attempts=0,
            error=None,
            updated_at=now,
            finished_at=now if finished else None,
        )
    )


def stop(conn: Connection, run_id: UUID, reason: str, now: dt.datetime) -> None:
    """End a run that can't go on."""
    conn.execute(update(SyncRun).where(SyncRun.id == run_id).values(error=reason, updated_at=now, finished_at=now))


def abandon(conn: Connection, account_id: UUID, now: dt.datetime) -> None:
    """End whatever is under way for an account: what comes after a new connection is read from the beginning."""
    open_runs = (SyncRun.integration_account_id == account_id) & SyncRun.finished_at.is_(None)
    conn.execute(update(SyncRun).where(open_runs).values(error="superseded", updated_at=now, finished_at=now))


def last_finished(conn: Connection, account_id: UUID) -> dt.datetime | None:
    """When the youngest run that ended well began; None before the first."""
    statement = (
        select(SyncRun.started_at)
        .where(
            SyncRun.integration_account_id == account_id,
            SyncRun.finished_at.is_not(None),
            SyncRun.error.is_(None),
            SyncRun.kind != "history",
        )
        .order_by(SyncRun.started_at.desc())
        .limit(1)
    )
    return conn.execute(statement).scalar()


def list_stalled(conn: Connection, before: dt.datetime, limit: int) -> list[tuple[UUID, int]]:
    """(run, step) of runs without progress since before a moment: their next step may never have been announced."""
    statement = (
        select(SyncRun.id, SyncRun.step)
        .join(IntegrationAccount, IntegrationAccount.id == SyncRun.integration_account_id)
        .where(SyncRun.finished_at.is_(None), SyncRun.updated_at < before, IntegrationAccount.status != "disconnected")
        .order_by(SyncRun.updated_at)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in conn.execute(statement)]
