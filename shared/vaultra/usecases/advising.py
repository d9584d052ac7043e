"""Keeping recommendations true: what the rules say of the latest metrics, stored once."""

import datetime as dt
from collections.abc import Sequence
from functools import partial
from uuid import UUID

from sqlalchemy import Connection

from vaultra.db import advice, metrics
from vaultra.domain.advice import Earlier, Situation, evidence_of
from vaultra.domain.advice_catalogue import advise
from vaultra.domain.readiness import TREND_DAYS, score
from vaultra.domain.stored_metrics import Snapshot
from vaultra.domain.upkeep import QUIET, SAME_AGAIN, Kept, Upkeep, upkeep


def generate(conn: Connection, business_ids: Sequence[UUID], now: dt.datetime) -> None:
    """Bring the recommendations of these businesses to what their latest metrics say; harmless to repeat.

    While a business's history is still arriving, nothing changes: what is missing would read as a short record.
    """
    businesses = metrics.lock_businesses(conn, business_ids)
    snapshots = metrics.list_snapshots(conn, businesses).values()
    complete = [snapshot for snapshot in snapshots if snapshot.metrics.history_complete]
    ids = sorted(snapshot.business_id for snapshot in complete)
    earlier = advice.list_earlier(conn, ids, now - dt.timedelta(days=TREND_DAYS))
    kept = advice.lock_kept(conn, ids, dismissed_after=now - QUIET, resolved_after=now - SAME_AGAIN)
    changes = {
        snapshot.business_id: _upkeep(snapshot, earlier.get(snapshot.business_id), kept[snapshot.business_id], now)
        for snapshot in complete
    }
    advice.insert_new(conn, {business_id: change.new for business_id, change in changes.items()}, now)
    advice.update_kept(conn, {business_id: change.changed for business_id, change in changes.items()}, now)


def _upkeep(snapshot: Snapshot, earlier: Earlier | None, kept: Sequence[Kept], now: dt.datetime) -> Upkeep:
    situation = Situation(snapshot.metrics, score(snapshot.metrics), earlier)
    return upkeep(advise(situation), kept, partial(evidence_of, situation), now)
