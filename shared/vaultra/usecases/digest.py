"""The digest: one mail to every person who wants one, each day or each week, about all of their businesses."""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from vaultra.db import digest
from vaultra.domain.digest import DigestFacts, period_start
from vaultra.domain.digest_schedule import days_due
from vaultra.domain.notifications import Digest, is_time_zone
from vaultra.telemetry import log
from vaultra.usecases.metrics import STALE_AFTER

TOPIC = "digests-due"


def list_due(conn: Connection, now: dt.datetime, after: UUID | None, limit: int) -> list[UUID]:
    """One page of those whose digest is due now and was not asked for yet, by id, after a user."""
    return digest.list_due(conn, _days(conn, now), after, limit)


def request(conn: Connection, user_ids: Sequence[UUID], now: dt.datetime) -> list[UUID]:
    """Ask for the digests of those of these users who are due; gives the mails to announce.

    However often and by how many it is done, a person has one digest on a day of theirs.
    """
    return digest.insert_due(conn, user_ids, _days(conn, now), now)


def gather(conn: Connection, user_id: UUID, day: dt.date, now: dt.datetime) -> tuple[str, DigestFacts] | None:
    """Where a person's digest goes and what it tells, as everything stands now.

    Returns:
        None when they are gone, have switched it off, have no business any more, or live another day by now: the
        next one tells of everything since the last that was sent.
    """
    reader = digest.find_reader(conn, user_id)
    if reader is None or reader.digest is Digest.OFF:
        return None
    zone = ZoneInfo(reader.time_zone)
    if now.astimezone(zone).date() > day:
        return None
    since = period_start(reader, now)
    news = digest.list_news(conn, user_id, since=since, until=now, stale_before=now - STALE_AFTER)
    if not any(business.now is not None for business in news):
        return None
    return reader.email, DigestFacts(
        weekly=reader.digest is Digest.WEEKLY,
        time_zone=reader.time_zone,
        day=day,
        since=since,
        since_day=since.astimezone(zone).date(),
        businesses=tuple(news),
    )


def _days(conn: Connection, now: dt.datetime) -> dict[str, dt.date]:
    zones = digest.list_time_zones(conn)
    unknown = [zone for zone in zones if not is_time_zone(zone)]
    if unknown:
        log.error("digest.unknown_time_zones", zones=unknown)  # they get none until they choose another
    return days_due((zone for zone in zones if zone not in unknown), now)
