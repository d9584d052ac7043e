"""What a tick of the scheduler sets in motion: pages of due work, and whatever lost its announcement.

Cloud Scheduler may deliver a tick twice and names no minute on a topic. So no job keeps a record of its ticks:
each looks at what its last one left behind, one tick of a job at a time, and a second one finds nothing to do.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from vaultra.db import expiry, inbox, objects, rollups, sync_runs
from vaultra.db.sync_runs import Run
from vaultra.telemetry import log
from vaultra.usecases import digest, ingestion, mailing, sync

PAGE = 500
SWEPT_AT_ONCE = 5000
# Longer than any announcement takes, and shorter than anybody waits.
OVERDUE = dt.timedelta(seconds=60)
# A step may take as long as the function may run.
STALLED = dt.timedelta(seconds=360)
# Shorter than any schedule, and longer than a tick is late.
SYNCED_JUST_NOW = dt.timedelta(minutes=10)
RECONCILED_JUST_NOW = dt.timedelta(hours=12)
# An account that does not let us in is asked again once a day: only its owner can change that.
REFUSED_FOR = dt.timedelta(days=1)
RUNS_KEPT = dt.timedelta(days=30)
METRICS_TOPIC = "metrics-due"
READINESS_TOPIC = "readiness-computed"
TICK_TOPIC = "tick"

Announcement = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Tick:
    """A job to do, and after which account, or user, the page begins (None for the first)."""

    job: str
    after: UUID | None = None


def run(conn: Connection, tick: Tick, now: dt.datetime) -> list[Announcement]:
    """Do one page of a job; gives what to announce, the next page included.

    Raises:
        KeyError: For a job nobody knows.
    """
    job = JOBS[tick.job]
    sync_runs.lock_job(conn, tick.job)
    return job(conn, tick, now)


def _sweep(conn: Connection, _tick: Tick, now: dt.datetime) -> list[Announcement]:
    """Announce again what has waited too long: events, steps of runs, requests for metrics, mails."""
    before = now - OVERDUE
    inbox.unpark_connected(conn)
    events = inbox.list_overdue(conn, before, SWEPT_AT_ONCE)
    steps = sync_runs.take_stalled(conn, now, now - STALLED, PAGE)
    businesses = rollups.list_overdue_metrics(conn, before, PAGE)
    mails = mailing.sweep(conn, now)
    if events or steps or businesses or mails:
        found = {"events": len(events), "sync_steps": len(steps), "metrics": len(businesses), "mails": len(mails)}
        log.warning("sweep.found", **found)
    announcements: list[Announcement] = [(ingestion.TOPIC, {"ids": ids}) for ids in ingestion.messages_of(events)]
    announcements += [(sync.TOPIC, {"run_id": str(run_id), "step": step}) for run_id, step in steps]
    if businesses:
        announcements.append((METRICS_TOPIC, {"business_ids": [str(business) for business in businesses]}))
    announcements += [(mailing.TOPIC, {"mail_id": str(mail_id)}) for mail_id in mails]
    return announcements


def _stripe_sync(conn: Connection, tick: Tick, now: dt.datetime) -> list[Announcement]:
    """Begin an incremental run for every account that has been read once; go on with the first reading of others."""
    page = sync_runs.list_due(conn, tick.after, PAGE)
    begun = []
    for account in page:
        if account.refused_at is not None and not account.working and now - account.refused_at < REFUSED_FOR:
            continue
        if account.read_at is None:
            begun.append(sync.go_on(conn, integration_account_id=account.id, kind="initial", now=now))
        elif account.begun_at is None or now - account.begun_at >= SYNCED_JUST_NOW:
            begun.append(sync.start(conn, integration_account_id=account.id, kind="incremental", now=now))
    return _first_steps(begun) + _next_page(tick, [account.id for account in page])


def _reconcile(conn: Connection, tick: Tick, now: dt.datetime) -> list[Announcement]:
    """Look through Stripe's events for what no webhook brought, and take a history up that came to a stop."""
    page = sync_runs.list_due(conn, tick.after, PAGE)
    begun = []
    for account in page:
        if account.read_at is None or (account.refused_at is not None and not account.working):
            continue
        if not account.history_complete:
            begun.append(sync.go_on(conn, integration_account_id=account.id, kind="history", now=now))
        if account.reconciled_at is None or now - account.reconciled_at >= RECONCILED_JUST_NOW:
            begun.append(sync.start(conn, integration_account_id=account.id, kind="reconcile", now=now))
    return _first_steps(begun) + _next_page(tick, [account.id for account in page])


def _first_steps(runs: list[Run]) -> list[Announcement]:
    """Those of the runs that have just begun; the others have their messages, or the sweeper announces them."""
    return [(sync.TOPIC, {"run_id": str(run.id), "step": run.step}) for run in runs if run.new]


def _compute_metrics(conn: Connection, tick: Tick, _now: dt.datetime) -> list[Announcement]:
    """Ask for the metrics of every connected business: windows slide even when nothing happens."""
    return _every_business(conn, tick, METRICS_TOPIC)


def _every_business(conn: Connection, tick: Tick, topic: str) -> list[Announcement]:
    """A page of all connected businesses in one message, and the next page."""
    page = objects.list_connected(conn, tick.after, PAGE)
    businesses = sorted({str(business_id) for _, business_id in page})
    announcements: list[Announcement] = [(topic, {"business_ids": businesses})] if businesses else []
    return announcements + _next_page(tick, [account_id for account_id, _ in page])


def _send_notification_digest(conn: Connection, tick: Tick, now: dt.datetime) -> list[Announcement]:
    """Ask for the digests of everybody in whose time zone it is morning and who has none of today yet."""
    page = digest.list_due(conn, now, tick.after, PAGE)
    announcements: list[Announcement] = [(digest.TOPIC, {"user_ids": [str(user) for user in page]})] if page else []
    return announcements + _next_page(tick, page)


def _generate_recommendations(conn: Connection, tick: Tick, _now: dt.datetime) -> list[Announcement]:
    """Ask for the recommendations of every connected business: days pass even when no number changes."""
    return _every_business(conn, tick, READINESS_TOPIC)


def _purge(conn: Connection, _tick: Tick, now: dt.datetime) -> list[Announcement]:
    """Forget what need not be kept."""
    log.info("inbox.purged", **inbox.purge(conn, now))
    log.info("mails.purged", rows=mailing.purge(conn, now))
    log.info("sync_runs.purged", rows=sync_runs.purge(conn, now - RUNS_KEPT))
    log.info("expired.purged", **expiry.purge(conn, now))
    return []


def _next_page(tick: Tick, page: list[UUID]) -> list[Announcement]:
    if len(page) < PAGE:
        return []
    return [(TICK_TOPIC, {"job": tick.job, "after": str(page[-1])})]


JOBS: dict[str, Callable[[Connection, Tick, dt.datetime], list[Announcement]]] = {
    "sweep": _sweep,
    "stripe_sync": _stripe_sync,
    "reconcile": _reconcile,
    "compute_metrics": _compute_metrics,
    "generate_recommendations": _generate_recommendations,
    "send_notification_digest": _send_notification_digest,
    "purge": _purge,
}
