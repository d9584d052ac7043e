"""SQL for the daily allowance of models' tokens: one row per business and day, changed by one statement."""

import datetime as dt
from uuid import UUID

from sqlalchemy import Connection, text

# The row's lock makes callers take turns, so that together they never have more than the limit.
_TAKE = text(
    """
    insert into agent_usage as usage (business_id, day, tokens)
    select cast(:business_id as uuid), cast(:day as date), cast(:tokens as bigint)
    where cast(:tokens as bigint) <= cast(:limit as bigint)
    on conflict (business_id, day) do update
        set tokens = usage.tokens + excluded.tokens
        where usage.tokens + excluded.tokens <= :limit
    returning tokens
    """
)
_GIVE_BACK = text(
    "update agent_usage set tokens = greatest(0, tokens - :tokens) where business_id = :business_id and day = :day"
)
_FIND = text("select tokens from agent_usage where business_id = :business_id and day = :day")


def take(conn: Connection, business_id: UUID, day: dt.date, tokens: int, limit: int) -> bool:
    """Set tokens aside; False, taking nothing, when the day would then have more than `limit`."""
    given = {"business_id": business_id, "day": day, "tokens": tokens, "limit": limit}
    return conn.execute(_TAKE, given).one_or_none() is not None


def give_back(conn: Connection, business_id: UUID, day: dt.date, tokens: int) -> None:
    """Return what was set aside and not used."""
    conn.execute(_GIVE_BACK, {"business_id": business_id, "day": day, "tokens": tokens})


def find_tokens(conn: Connection, business_id: UUID, day: dt.date) -> int | None:
    """What the business has used or set aside on the day; None when nothing."""
    tokens: int | None = conn.execute(_FIND, {"business_id": business_id, "day": day}).scalar_one_or_none()
    return tokens
