"""SQL for the rate limits, which all instances share."""

import datetime as dt

from sqlalchemy import Connection, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from vaultra.db.models import RateLimit
from vaultra.domain.limits import Use


def take(conn: Connection, use: Use, now: dt.datetime) -> bool:
    """Count one use; False, counting nothing, when the allowance is used up. Locks its row until the commit."""
    start = func.greatest(RateLimit.full_at, now)
    statement = (
        upsert(RateLimit)
        .values(key=use.key, full_at=now + use.spacing)
        .on_conflict_do_update(
            index_elements=[RateLimit.key],
            set_={"full_at": start + use.spacing},
            where=start + use.spacing <= now + use.per,
        )
        .returning(RateLimit.key)
    )
    return conn.execute(statement).one_or_none() is not None


def find_full_at(conn: Connection, use: Use) -> dt.datetime | None:
    """When the whole allowance is there again; None when none of it was used."""
    return conn.execute(select(RateLimit.full_at).where(RateLimit.key == use.key)).scalar_one_or_none()


def delete_use(conn: Connection, use: Use) -> None:
    """Give the whole allowance back."""
    conn.execute(delete(RateLimit).where(RateLimit.key == use.key))


def reserve(conn: Connection, use: Use, longest_seconds: float) -> float:
    """Take the next turn of a limit that gives one at a time; how many seconds it is away, by the database's clock.

    More than `longest_seconds` means that none was taken, because the next one is so far away.
    """
    parameters = {"key": use.key, "spacing": use.spacing.total_seconds(), "longest": longest_seconds}
    taken = conn.execute(RESERVE, parameters).scalar()
    return float(conn.execute(AWAY, {"key": use.key}).scalar_one() if taken is None else taken)


def hold(conn: Connection, use: Use, seconds: float) -> None:
    """Give no turn for so long."""
    conn.execute(HOLD, {"key": use.key, "seconds": seconds})


RESERVE = text(
    """
    insert into rate_limits as turns (key, full_at)
    values (:key, clock_timestamp() + make_interval(secs => :spacing))
    on conflict (key) do update
        set full_at = greatest(turns.full_at, clock_timestamp()) + make_interval(secs => :spacing)
        where turns.full_at <= clock_timestamp() + make_interval(secs => :longest)
    returning greatest(0, extract(epoch from full_at - clock_timestamp()) - :spacing)
    """
)
AWAY = text("select extract(epoch from full_at - clock_timestamp()) from rate_limits where key = :key")
HOLD = text(
    """
    insert into rate_limits as turns (key, full_at)
    values (:key, clock_timestamp() + make_interval(secs => :seconds))
    on conflict (key) do update set full_at = greatest(turns.full_at, excluded.full_at)
    """
)
