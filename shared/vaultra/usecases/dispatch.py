"""What a tick of the scheduler sets in motion: pages of due work, and whatever lost its announcement."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from vaultra.db import expiry, inbox, objects, rollups, sync_runs
from vaultra.telemetry import log
from vaultra.usecases import ingestion, mailing, sync

PAGE = 500
SWEPT_AT_ONCE = 5000
# Longer than any announcement takes, and shorter than anybody waits.
OVERDUE = dt.timedelta(seconds=60)
# A step may take as long as the function may run.
STALLED = dt.timedelta(seconds=360)
METRICS_TOPIC = "metrics-due"
TICK_TOPIC = "tick"

Announcement = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Tick:
    """A job to do, and after which account the page begins (None for the first)."""

    job: str
    after: UUID | None = None


def run(conn: Connection, tick: Tick, now: dt.datetime) -> list[Announcement]:
    """Do one page of a job; gives what to announce, the next page included.

    Raises:
        KeyError: For a job nobody knows.
    """
    return JOBS[tick.job](conn, tick, now)


def _sweep(conn: Connection, _tick: Tick, now: dt.datetime) -> list[Announcement]:
    """Announce again what has waited too long: events, steps of runs, requests for metrics, mails."""
    before = now - OVERDUE
    inbox.unpark_connected(conn)
    events = inbox.list_overdue(conn, before, SWEPT_AT_ONCE)
    steps = sync_runs.list_stalled(conn, now - STALLED, PAGE)
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
    """Begin an incremental run for every account whose first run has ended."""
    page = objects.list_connected(conn, tick.after, PAGE)
    announcements: list[Announcement] = []
    for account_id, _ in page:
        if sync_runs.last_finished(conn, account_id) is None:
            continue
        begun = sync.start(conn, integration_account_id=account_id, kind="incremental", now=now)
        announcements.append((sync.TOPIC, {"run_id": str(begun.id), "step": begun.step}))
    return announcements + _next_page(tick, page)


def _compute_metrics(conn: Connection, tick: Tick, _now: dt.datetime) -> list[Announcement]:
    """Ask for the metrics of every connected business: windows slide even when nothing happens."""
    page = objects.list_connected(conn, tick.after, PAGE)
    businesses = sorted({str(business_id) for _, business_id in page})
    announcements: list[Announcement] = [(METRICS_TOPIC, {"business_ids": businesses})] if businesses else []
    return announcements + _next_page(tick, page)


def _purge(conn: Connection, _tick: Tick, now: dt.datetime) -> list[Announcement]:
    """Forget what need not be kept."""
    log.info("inbox.purged", **inbox.purge(conn, now))
    log.info("mails.purged", rows=mailing.purge(conn, now))
    log.info("expired.purged", **expiry.purge(conn, now))
    return []


def _next_page(tick: Tick, page: list[tuple[UUID, UUID]]) -> list[Announcement]:
    if len(page) < PAGE:
        return []
    return [(TICK_TOPIC, {"job": tick.job, "after": str(page[-1][0])})]


JOBS: dict[str, Callable[[Connection, Tick, dt.datetime], list[Announcement]]] = {
    "sweep": _sweep,
    "stripe_sync": _stripe_sync,
    "compute_metrics": _compute_metrics,
    "purge": _purge,
}
