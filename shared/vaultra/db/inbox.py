"""The event inbox (`stripe_events`): what arrived, what became of it."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT, TEXT

from vaultra.db.models import StripeEvent

# Seven failures, as every subscription of the broker allows.
MOST_ATTEMPTS = 7
# One JSON parameter: the driver escapes the elements of an array one by one.
AMONG_IDS = text("any(array(select jsonb_array_elements_text(cast(:ids as jsonb))::bigint))")


@dataclass(frozen=True)
class ReceivedEvent:
    """An event as it came: verified, and without personal data. `account` is empty for the platform's own.

    `traceparent` is the span of the request that brought it, for the spans of whoever applies it; None untraced.
    """

    event_id: str
    account: str
    livemode: bool
    type: str
    api_version: str | None
    occurred_at: dt.datetime
    payload: dict[str, Any]
    traceparent: str | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class PendingEvent(ReceivedEvent):
    """An event to apply; `id` is its inbox row, `attempts` the failures so far."""

    id: int
    attempts: int


def keep(conn: Connection, events: Sequence[ReceivedEvent], now: dt.datetime) -> list[int]:
    """Insert the new ones; give the inbox ids of all that are still to be applied, known ones included.

    So a redelivery heals a crash between commit and announcement, and one that is done costs nothing.
    """
    found = conn.execute(KEEP, {"rows": orjson.dumps(events).decode(), "now": now})
    return [row.id for row in found]


# What arrived becomes `pending`: the inbox ids of all of it that is still to be applied. Inserted in the order of the
# unique index, so that two who bring the same events wait for each other in one direction only.
ARRIVING = """
    incoming as (
        select distinct on (livemode, account, event_id) *
        from jsonb_to_recordset(cast(:rows as jsonb)) as r(
            event_id text, account text, livemode boolean, type text, api_version text,
            occurred_at timestamptz, payload jsonb, traceparent text)
        order by livemode, account, event_id
    ), inserted as (
        insert into stripe_events (event_id, account, livemode, type, api_version, occurred_at, payload, received_at,
            traceparent)
        select event_id, account, livemode, type, api_version, occurred_at, payload, :now, traceparent from incoming
        on conflict (livemode, account, event_id) do nothing
        returning id
    ), pending as (
        select id from inserted
        union all
        select known.id from incoming
        cross join lateral (
            select id, status from stripe_events stored
            where stored.livemode = incoming.livemode and stored.account = incoming.account
              and stored.event_id = incoming.event_id
            limit 1 -- so that it stays a look-up in the unique index: else all that is pending may be gone through
        ) known
        where known.status = 'pending'
          and (select count(*) from inserted) < (select count(*) from incoming) -- mostly none is known: no look-ups
    )
"""
KEEP = text(f"with {ARRIVING} select id from pending order by id")  # noqa: S608 - put together of constants


def count_known(conn: Connection, events: Sequence[ReceivedEvent]) -> int:
    """How many of these different events of one account are in the inbox already, whatever became of them."""
    known = select(func.count()).where(
        StripeEvent.livemode == events[0].livemode,
        StripeEvent.account == events[0].account,
        StripeEvent.event_id == func.any(bindparam("event_ids", type_=ARRAY(TEXT))),
    )
    return conn.execute(known, {"event_ids": [event.event_id for event in events]}).scalar_one()


def list_waiting(conn: Connection, limit: int) -> list[int]:
    """Events that have not been tried yet and that nobody is applying, the oldest first; locked for now."""
    return [row.id for row in conn.execute(WAITING, {"limit": limit})]


WAITING = (
    select(StripeEvent.id)
    .where(StripeEvent.status == "pending", StripeEvent.error.is_(None))
    .order_by(StripeEvent.received_at)
    .limit(bindparam("limit", type_=BIGINT))
    .with_for_update(skip_locked=True)
)


def has_open(conn: Connection, ids: Iterable[int]) -> bool:
    """Whether any of the events is still to be applied, as far as is committed."""
    return conn.execute(HAS_OPEN, {"ids": _json(ids)}).first() is not None


OPEN = (StripeEvent.id == AMONG_IDS, StripeEvent.status.in_(("pending", "dead")))
HAS_OPEN = select(StripeEvent.id).where(*OPEN).limit(1)


def claim(conn: Connection, ids: Iterable[int], *, wait: bool = True) -> list[PendingEvent]:
    """Lock those of the events that are still to be applied, by id.

    A dead event is applied again only when an operator replays its dead letter, so it may be claimed too.

    Args:
        wait: Wait for whoever is applying one of them, and take it if they leave it. Whoever acknowledges the
            events' message has to: passing over what somebody else may yet give up would leave it to the sweeper.
    """
    rows = conn.execute(CLAIM if wait else CLAIM_FREE, {"ids": _json(ids)})
    return [
        PendingEvent(
            event_id=row.event_id,
            account=row.account,
            livemode=row.livemode,
            type=row.type,
            api_version=row.api_version,
            occurred_at=row.occurred_at,
            payload=row.payload or {},
            traceparent=row.traceparent,
            id=row.id,
            attempts=row.attempts,
        )
        for row in rows
    ]


CLAIM = select(*StripeEvent.__table__.c).where(*OPEN).order_by(StripeEvent.id).with_for_update()
CLAIM_FREE = CLAIM.with_for_update(skip_locked=True)


def _json(ids: Iterable[int]) -> str:
    return orjson.dumps(list(ids)).decode()


def settle(conn: Connection, ids: Sequence[int], status: str, now: dt.datetime) -> None:
    """Mark events done, parked or ignored."""
    if ids:
        conn.execute(SETTLE, {"ids": _json(ids), "new_status": status, "now": now})


SETTLE = (
    update(StripeEvent)
    .where(StripeEvent.id == AMONG_IDS)
    .values(status=bindparam("new_status"), processed_at=bindparam("now"), error=None)
)


def record_failure(conn: Connection, event: PendingEvent, error: str, *, final: bool, now: dt.datetime) -> bool:
    """Count a failure; the last one allowed, or a final one, makes the event dead. Says whether it is dead."""
    dead = final or event.attempts + 1 >= MOST_ATTEMPTS
    statement = (
        update(StripeEvent)
        .where(StripeEvent.id == event.id)
        .values(
            attempts=StripeEvent.attempts + 1,
            error=error[:500],
            status="dead" if dead else "pending",
            processed_at=now if dead else None,
        )
    )
    conn.execute(statement)
    return dead


def postpone(conn: Connection, ids: Iterable[int], reason: str) -> None:
    """Say why events could not be applied yet, without counting it as a failure; they are no longer "waiting"."""
    statement = update(StripeEvent).where(StripeEvent.id == AMONG_IDS, StripeEvent.status == "pending")
    conn.execute(statement.values(error=reason[:500]), {"ids": _json(sorted(ids))})


def unpark(conn: Connection, account: str, livemode: bool) -> list[int]:
    """Make the events that waited for this account pending again; give their ids."""
    statement = (
        update(StripeEvent)
        .where(StripeEvent.account == account, StripeEvent.livemode == livemode, StripeEvent.status == "parked")
        .values(status="pending", processed_at=None)
        .returning(StripeEvent.id)
    )
    return sorted(row.id for row in conn.execute(statement))


def unpark_connected(conn: Connection) -> int:
    """Make parked events pending whose account is connected by now; how many.

    An event may be parked at the very moment its account is being connected, and miss the release.
    """
    return conn.execute(UNPARK_CONNECTED).rowcount


UNPARK_CONNECTED = text(
    """
    update stripe_events set status = 'pending', processed_at = null
    from integration_accounts account
    where stripe_events.status = 'parked' and account.external_id = stripe_events.account
      and account.livemode = stripe_events.livemode and account.status <> 'disconnected'
    """
)


def list_overdue(conn: Connection, before: dt.datetime, limit: int) -> list[int]:
    """Events still pending that arrived before a moment: their announcement may be lost.

    The oldest first, those that failed before last: however many keep failing, they hold up no others.
    """
    statement = (
        select(StripeEvent.id)
        .where(StripeEvent.status == "pending", StripeEvent.received_at < before)
        .order_by(StripeEvent.error.is_not(None), StripeEvent.received_at)
        .limit(limit)
    )
    return [row.id for row in conn.execute(statement)]


def purge(conn: Connection, now: dt.datetime) -> dict[str, int]:
    """Forget what need not be kept: parked events after 72 hours, payloads after 30 days, rows after 90."""
    removed = {}
    for name, statement, age in PURGES:
        removed[name] = conn.execute(text(statement), {"before": now - age}).rowcount
    return removed


PURGES = (
    (
        "parked",
        "delete from stripe_events where status = 'parked' and received_at < :before",
        dt.timedelta(hours=72),
    ),
    (
        "payloads",
        "update stripe_events set payload = null where payload is not null and status in ('done', 'ignored', 'dead') "
        "and received_at < :before",
        dt.timedelta(days=30),
    ),
    (
        "rows",
        "delete from stripe_events where status in ('done', 'ignored', 'dead') and received_at < :before",
        dt.timedelta(days=90),
    ),
)
