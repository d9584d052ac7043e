"""Passes over an account's objects at Stripe: where each is, how each ended, and whose next one is due."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from vaultra.db.models import IntegrationAccount, SyncRun

# Why a run ended without success, where it was nobody's failure; any other `error` is one.
SUPERSEDED, DISCONNECTED, REFUSED = "superseded", "disconnected", "refused"
# Runs that read the account's objects themselves, and so tell whether that works.
READING = ("initial", "history", "incremental")


@dataclass(frozen=True)
class Run:
    """A run at one of its steps. `plan` is a list of {resource, params}; `cursor` the last object read.

    `error` is why it ended without success or why its step failed last, None when all is well; `attempts` are
    the failures of this step in a row, and `failing_since` the first of them. `new` says that it has just begun.
    """

    id: UUID
    account_id: UUID
    kind: str
    plan: list[dict[str, Any]]
    position: int
    cursor: str | None
    step: int
    objects: int
    progress: float
    started_at: dt.datetime
    finished_at: dt.datetime | None
    error: str | None
    attempts: int
    failing_since: dt.datetime | None
    new: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class DueAccount:
    """What the schedule has to know of a connected account; times before its connection do not count.

    `read_at` and `reconciled_at` are when the last good runs began that left nothing unread, None before the
    first; `begun_at` is when the last incremental run began, `refused_at` when Stripe last let none in.
    """

    id: UUID
    working: bool
    history_complete: bool
    read_at: dt.datetime | None
    reconciled_at: dt.datetime | None
    begun_at: dt.datetime | None
    refused_at: dt.datetime | None


COLUMNS = (
    SyncRun.id,
    SyncRun.integration_account_id,
    SyncRun.kind,
    SyncRun.plan,
    SyncRun.position,
    SyncRun.cursor,
    SyncRun.step,
    SyncRun.objects,
    SyncRun.progress,
    SyncRun.started_at,
    SyncRun.finished_at,
    SyncRun.error,
    SyncRun.attempts,
    SyncRun.failing_since,
)


def open_run(
    conn: Connection,
    account_id: UUID,
    kind: str,
    plan: list[dict[str, Any]],
    now: dt.datetime,
    *,
    after: Run | None = None,
) -> Run:
    """Begin a run, or give the one of its kind that is under way.

    Args:
        after: Begin where this one gave up, with its plan and its beginning; None means at the plan's beginning.
    """
    values: dict[str, Any] = {"plan": plan, "started_at": now}
    if after is not None:
        values = {
            name: getattr(after, name) for name in ("plan", "started_at", "position", "cursor", "objects", "progress")
        }
    statement = insert(SyncRun).values(integration_account_id=account_id, kind=kind, updated_at=now, **values)
    begun = conn.execute(statement.on_conflict_do_nothing().returning(*COLUMNS)).first()
    if begun is not None:
        return replace(Run(*begun), new=True)
    found = select(*COLUMNS).where(
        SyncRun.integration_account_id == account_id, SyncRun.kind == kind, SyncRun.finished_at.is_(None)
    )
    return Run(*conn.execute(found).one())


def find(conn: Connection, run_id: UUID, *, lock: bool = False) -> Run | None:
    """The run, or None; locked when the transaction is going to advance it."""
    statement = select(*COLUMNS).where(SyncRun.id == run_id)
    row = conn.execute(statement.with_for_update() if lock else statement).first()
    return None if row is None else Run(*row)


def find_newest(conn: Connection, account_id: UUID, kind: str) -> Run | None:
    """The account's run of this kind that began last since it was connected; None before the first."""
    statement = (
        select(*COLUMNS)
        .join(IntegrationAccount, IntegrationAccount.id == SyncRun.integration_account_id)
        .where(
            SyncRun.integration_account_id == account_id,
            SyncRun.kind == kind,
            SyncRun.started_at >= IntegrationAccount.connected_at,
        )
        .order_by(SyncRun.started_at.desc(), SyncRun.finished_at.desc().nulls_first())
        .limit(1)
    )
    row = conn.execute(statement).first()
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
    """Commit a step's end together with the rows it wrote. Progress never goes back, though a window may."""
    conn.execute(
        update(SyncRun)
        .where(SyncRun.id == run.id)
        .values(
            position=position,
            cursor=cursor,
            progress=func.greatest(SyncRun.progress, progress),
            step=run.step + 1,
            objects=SyncRun.objects + read,
            attempts=0,
            failing_since=None,
            error=None,
            updated_at=now,
            finished_at=now if finished else None,
        )
    )


def note_failure(conn: Connection, run_id: UUID, reason: str, now: dt.datetime) -> None:
    """Count a failure of the run's present step, which is going to be tried again."""
    conn.execute(
        update(SyncRun)
        .where(SyncRun.id == run_id)
        .values(
            attempts=SyncRun.attempts + 1,
            failing_since=func.coalesce(SyncRun.failing_since, now),
            error=reason[:500],
            updated_at=now,
        )
    )


def stop(conn: Connection, run_id: UUID, reason: str, now: dt.datetime) -> None:
    """End a run that can't go on."""
    values = {"error": reason[:500], "updated_at": now, "finished_at": now}
    conn.execute(update(SyncRun).where(SyncRun.id == run_id).values(**values))


def abandon(conn: Connection, account_id: UUID, now: dt.datetime) -> None:
    """End whatever is under way for an account: what comes after a new connection is read from the beginning."""
    open_runs = (SyncRun.integration_account_id == account_id) & SyncRun.finished_at.is_(None)
    conn.execute(update(SyncRun).where(open_runs).values(error=SUPERSEDED, updated_at=now, finished_at=now))


def last_finished(
    conn: Connection, account_id: UUID, kinds: Sequence[str] = ("initial", "incremental")
) -> dt.datetime | None:
    """When the youngest run of these kinds that ended well began; None before the first."""
    statement = (
        select(SyncRun.started_at)
        .where(SyncRun.integration_account_id == account_id, SyncRun.kind.in_(kinds), _ended_well())
        .order_by(SyncRun.started_at.desc())
        .limit(1)
    )
    return conn.execute(statement).scalar()


def count_failed_in_a_row(conn: Connection, account_id: UUID) -> int:
    """How many runs over the account's objects have failed since the last one that ended well."""
    of_account = (SyncRun.integration_account_id == account_id) & SyncRun.kind.in_(READING)
    succeeded_at = select(func.max(SyncRun.finished_at)).where(of_account, _ended_well()).scalar_subquery()
    statement = (
        select(func.count())
        .select_from(SyncRun)
        .where(
            of_account,
            SyncRun.finished_at > func.coalesce(succeeded_at, text("'-infinity'::timestamptz")),
            SyncRun.error.not_in((SUPERSEDED, DISCONNECTED)),
        )
    )
    return conn.execute(statement).scalar_one()


def take_stalled(conn: Connection, now: dt.datetime, before: dt.datetime, limit: int) -> list[tuple[UUID, int]]:
    """(run, step) of runs whose step nobody has done, tried or announced since before a moment, to be announced.

    They count as announced now, so that an outage does not heap announcements up.
    """
    stalled = (
        select(SyncRun.id)
        .join(IntegrationAccount, IntegrationAccount.id == SyncRun.integration_account_id)
        .where(SyncRun.finished_at.is_(None), SyncRun.updated_at < before, IntegrationAccount.status != "disconnected")
        .order_by(SyncRun.updated_at)
        .limit(limit)
        .with_for_update(of=SyncRun, skip_locked=True)
    )
    taken = update(SyncRun).where(SyncRun.id.in_(stalled)).values(updated_at=now).returning(SyncRun.id, SyncRun.step)
    return [(row[0], row[1]) for row in conn.execute(taken)]


def list_due(conn: Connection, after: UUID | None, limit: int) -> list[DueAccount]:
    """One page of the connected accounts, by id, with what decides which run each needs."""
    return [DueAccount(*row) for row in conn.execute(DUE, {"after": after or UUID(int=0), "limit": limit})]


DUE = text(
    """
    with page as (
        select * from integration_accounts where status <> 'disconnected' and id > :after order by id limit :limit
    )
    select page.id, page.status = 'connected', page.history_complete,
        max(run.started_at) filter (where good and kind in ('initial', 'incremental')),
        max(run.started_at) filter (where good and kind in ('initial', 'reconcile')),
        max(run.started_at) filter (where kind = 'incremental'),
        max(run.finished_at) filter (where run.error = 'refused')
    from page
    left join sync_runs run on run.integration_account_id = page.id and run.started_at >= page.connected_at,
        lateral (select run.finished_at is not null and run.error is null) as judged(good)
    group by page.id, page.status, page.history_complete
    order by page.id
    """
)


def purge(conn: Connection, before: dt.datetime) -> int:
    """Forget runs that ended before a moment and were followed by a good one of their kind; how many."""
    return conn.execute(PURGE, {"before": before}).rowcount


PURGE = text(
    """
    delete from sync_runs old using (
        select integration_account_id, kind, max(started_at) as started_at from sync_runs
        where finished_at is not null and error is null group by integration_account_id, kind
    ) as good
    where old.finished_at < :before and old.started_at < good.started_at
      and old.integration_account_id = good.integration_account_id and old.kind = good.kind
    """
)


def lock_job(conn: Connection, job: str) -> None:
    """Let nobody else do a page of this job until the transaction ends."""
    conn.execute(text("select pg_advisory_xact_lock(hashtext('job'), hashtext(:job))"), {"job": job})


def _ended_well() -> ColumnElement[bool]:
    return SyncRun.finished_at.is_not(None) & SyncRun.error.is_(None)
