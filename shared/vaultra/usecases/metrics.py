"""Metrics: computing them for the businesses that are due, and reading the latest."""

import datetime as dt
from collections.abc import Sequence
from itertools import islice
from uuid import UUID

from sqlalchemy import Connection

from vaultra.db import metrics as db
from vaultra.domain.metrics import compute_metrics
from vaultra.domain.stored_metrics import Snapshot
from vaultra.errors import NoData
from vaultra.tracing import link
from vaultra.usecases import readiness
from vaultra.usecases.readiness import AT_ONCE, DEFINITIONS

# Far below the seconds within which a change has to show, and far above what a computation takes.
LEAST_BETWEEN = dt.timedelta(seconds=1)
# The hourly computation has been missed once when a snapshot is older than this.
STALE_AFTER = dt.timedelta(hours=2)


def pause_before(conn: Connection, business_ids: Sequence[UUID], now: dt.datetime) -> dt.timedelta:
    """How long to wait before computing, so that a burst of changes of one business causes few computations.

    The first change after a quiet second is computed at once. A page of many businesses never waits.
    """
    if len(business_ids) != 1:
        return dt.timedelta(0)
    snapshot = db.find_snapshot(conn, business_ids[0])
    if snapshot is None:
        return dt.timedelta(0)
    return min(max(snapshot.computed_at + LEAST_BETWEEN - now, dt.timedelta(0)), LEAST_BETWEEN)


def compute(
    conn: Connection, business_ids: Sequence[UUID], now: dt.datetime, *, unless_unchanged: bool = False
) -> list[UUID]:
    """Compute and keep the metrics and the scores of these businesses as of now.

    Args:
        unless_unchanged: Leave out those on which nothing happened since the same day's last computation. Not for
            who does not know whether what that one announced was ever heard.

    Returns:
        The businesses that have new metrics; those without a connected account have none, and keep what they had.
    """
    businesses = db.lock_businesses(conn, business_ids)
    # Before the facts are read, so that a change which commits in between asks again.
    changed = db.take_requests(conn, businesses)
    link(traceparent for traceparents in changed.values() for traceparent in traceparents)
    if unless_unchanged:
        quiet = [business_id for business_id in businesses if business_id not in changed]
        confirmed = set(db.confirm_snapshots(conn, quiet, DEFINITIONS, now) if quiet else ())
        businesses = [business_id for business_id in businesses if business_id not in confirmed]
    gathered = db.gather(conn, businesses, now, changed)
    done: list[UUID] = []
    while part := list(islice(gathered.facts, AT_ONCE)):
        computed = {one.business_id: compute_metrics(one.facts, now) for one in part}
        bases = {one.business_id: f"{DEFINITIONS}:{one.basis}" for one in part}
        db.upsert_snapshots(conn, computed, now, bases)
        readiness.keep(conn, computed, now)
        done += computed
    db.upsert_kept_facts(conn, gathered.read)
    return done


def latest(conn: Connection, business_id: UUID) -> Snapshot:
    """The business's latest metrics; raises `NoData` before the first computation."""
    snapshot = db.find_snapshot(conn, business_id)
    if snapshot is None:
        raise NoData("There are no metrics yet. Connect Stripe, and they appear within minutes.")
    return snapshot


def is_stale(snapshot: Snapshot, now: dt.datetime) -> bool:
    """Whether the hourly computation has failed to come by."""
    return now - snapshot.computed_at > STALE_AFTER
