"""SQL for alerts: what happened since, how businesses stand, who is to be told, and what was told."""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from vaultra.db import models
from vaultra.domain.alerts import Standing, Told
from vaultra.domain.network_watch import Pressure

BUSINESSES = bindparam("businesses", type_=ARRAY(PG_UUID))


@dataclass(frozen=True)
class Reader:
    """A person who wants alerts about a business: its owners and admins do, unless they switched them off."""

    user_id: UUID
    email: str


@dataclass(frozen=True)
class News:
    """Something that one reader has not been told of; `key` names the mail that will tell it."""

    business_id: UUID
    reader: Reader
    key: str
    facts: Mapping[str, Any]


def list_new_disputes(conn: Connection, business_ids: Sequence[UUID], *, since: dt.datetime) -> list[News]:
    """Disputes and inquiries opened since then, and after the account was connected, that still can be answered.

    Once for every reader who was a member by then and has no mail about it.
    """
    return _news(conn, DISPUTES, {"businesses": list(business_ids), "since": since})


def list_failed_payouts(
    conn: Connection, business_ids: Sequence[UUID], *, since: dt.datetime, made_since: dt.datetime
) -> list[News]:
    """Payouts that failed since then, made after the account was connected and not before `made_since`.

    Once for every reader who was a member by then and has no mail about it.
    """
    values = {"businesses": list(business_ids), "since": since, "made_since": made_since}
    return _news(conn, PAYOUTS, values)


def _news(conn: Connection, statement: Any, values: Mapping[str, Any]) -> list[News]:
    return [
        News(row.business_id, Reader(row.user_id, row.email), row.key, row.facts)
        for row in conn.execute(statement, values)
    ]


_READERS = """
    join user_business_memberships membership on membership.business_id = account.business_id
        and membership.role in ('owner', 'admin') and membership.created_at <= {at}
    join users reader on reader.id = membership.user_id and reader.alerts
    cross join lateral (select concat_ws(':', '{kind}', account.id, {table}.id, reader.id) as key) mail
    where account.business_id = any(:businesses) and account.status <> 'disconnected' and not {table}.deleted
      and {table}.created_at >= coalesce(account.granted_at, account.connected_at)
      and not exists (select from mails where mails.dedupe_key = mail.key)
"""
DISPUTES = text(
    f"""
    select account.business_id, reader.id as user_id, reader.email, mail.key, jsonb_build_object(
        'amount_minor', disputes.amount_minor, 'currency', disputes.currency, 'reason', disputes.reason,
        'status', disputes.status, 'created_at', disputes.created_at, 'evidence_due_at', disputes.evidence_due_at
    ) as facts
    from integration_accounts account
    join disputes on disputes.integration_account_id = account.id and disputes.created_at >= :since
    {_READERS.format(kind="dispute", table="disputes", at="disputes.created_at")}
      and disputes.status in ('needs_response', 'under_review', 'warning_needs_response', 'warning_under_review')
    order by account.business_id, disputes.created_at, disputes.id, reader.id
    """  # noqa: S608 - only our own words are put together
).bindparams(BUSINESSES)
PAYOUTS = text(
    f"""
    select account.business_id, reader.id as user_id, reader.email, mail.key, jsonb_build_object(
        'amount_minor', payouts.amount_minor, 'currency', payouts.currency, 'arrival_on', payouts.arrival_on,
        'failure_code', payouts.failure_code
    ) as facts
    from integration_accounts account
    join payouts on payouts.integration_account_id = account.id and payouts.status = 'failed'
        and payouts.created_at >= :made_since and payouts.version_at >= :since
    {_READERS.format(kind="payout", table="payouts", at="payouts.version_at")}
    order by account.business_id, payouts.created_at, payouts.id, reader.id
    """  # noqa: S608 - only our own words are put together
).bindparams(BUSINESSES)


def list_standings(conn: Connection, business_ids: Sequence[UUID]) -> dict[UUID, Standing]:
    """How these businesses stand; absent without a score, and while their history is still arriving."""
    return {
        row.business_id: Standing(
            tier=row.tier,
            score=row.score,
            pressure=Pressure(row.charges or 0, row.disputes or 0, row.warnings or 0),
            told_tier=_told(row.told_tier, row.told_tier_at),
            told_network=_told(row.told_network, row.told_network_at),
        )
        for row in conn.execute(STANDINGS, {"businesses": list(business_ids)})
    }


def _told(what: str | None, at: dt.datetime | None) -> Told | None:
    return None if what is None else Told(what, at)


STANDINGS = text(
    """
    select business.id as business_id, score.tier, score.score, snapshot.transaction_count as charges,
        snapshot.chargeback_count as disputes, snapshot.warnings, tier.told as told_tier, tier.told_at as told_tier_at,
        network.told as told_network, network.told_at as told_network_at
    from unnest(:businesses) as business(id)
    cross join lateral (
        select tier, score, provisional from readiness_scores
        where readiness_scores.business_id = business.id
        order by created_at desc
        limit 1
    ) as score
    cross join lateral (
        select transaction_count, chargeback_count, cast(metrics_json ->> 'fraud_warnings' as bigint) as warnings
        from financial_metric_snapshots
        where financial_metric_snapshots.business_id = business.id
        order by period_end desc
        limit 1
    ) as snapshot
    left join alert_states tier on tier.business_id = business.id and tier.kind = 'tier'
    left join alert_states network on network.business_id = business.id and network.kind = 'network'
    where not score.provisional
    order by business.id
    """
).bindparams(BUSINESSES)


def upsert_told(conn: Connection, told: Mapping[tuple[UUID, str], Told]) -> None:
    """Remember what was told, by business and kind (`tier`, `network`). Needs the businesses' locks."""
    rows = [
        {"business_id": business_id, "kind": kind, "told": what.what, "told_at": what.at}
        for (business_id, kind), what in sorted(told.items())
    ]
    if rows:
        conn.execute(UPSERT_TOLD, {"rows": orjson.dumps(rows).decode()})


UPSERT_TOLD = text(
    """
    insert into alert_states (business_id, kind, told, told_at)
    select * from jsonb_to_recordset(cast(:rows as jsonb))
        as new(business_id uuid, kind text, told text, told_at timestamptz)
    on conflict (business_id, kind) do update set told = excluded.told, told_at = excluded.told_at
    """
)


def list_readers(conn: Connection, business_ids: Sequence[UUID]) -> Mapping[UUID, list[Reader]]:
    """Who wants alerts about each of these businesses."""
    readers: defaultdict[UUID, list[Reader]] = defaultdict(list)
    for row in conn.execute(READERS, {"businesses": list(business_ids)}):
        readers[row.business_id].append(Reader(row.user_id, row.email))
    return readers


READERS = text(
    """
    select membership.business_id, reader.id as user_id, reader.email
    from user_business_memberships membership
    join users reader on reader.id = membership.user_id and reader.alerts
    where membership.business_id = any(:businesses) and membership.role in ('owner', 'admin')
    order by membership.business_id, reader.id
    """
).bindparams(BUSINESSES)


def lock_readers(conn: Connection, business_ids: Sequence[UUID]) -> None:
    """Keep those who may be told of these businesses from being deleted before the transaction ends."""
    conn.execute(LOCK_READERS, {"businesses": list(business_ids)})


LOCK_READERS = text(
    """
    select from users
    where id in (select user_id from user_business_memberships where business_id = any(:businesses))
    order by id
    for key share
    """
).bindparams(BUSINESSES)


def find_addressee(conn: Connection, user_id: UUID, business_id: UUID) -> tuple[str, str] | None:
    """The reader's email and the business's name; None when they are no reader of it any more."""
    user, business, membership = models.User, models.Business, models.UserBusinessMembership
    row = conn.execute(
        select(user.email, business.name)
        .join(membership, membership.user_id == user.id)
        .join(business, business.id == membership.business_id)
        .where(user.id == user_id, business.id == business_id, user.alerts, membership.role.in_(("owner", "admin")))
    ).one_or_none()
    return None if row is None else (row.email, row.name)
