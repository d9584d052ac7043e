"""SQL for the rate limits, which all instances share."""

import datetime as dt

from sqlalchemy import Connection, delete, func, select
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
