"""SQL that keeps recommendations true: set-based, a page of businesses in one statement each."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection, Row, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from vaultra.domain.advice import Advice, Earlier
from vaultra.domain.readiness import TREND_TOLERANCE_DAYS
from vaultra.domain.recommendations import Priority, Status
from vaultra.domain.upkeep import Evidence, Kept

BUSINESSES = bindparam("businesses", type_=ARRAY(PG_UUID))
ONE_DAY = dt.timedelta(days=1)


def list_earlier(conn: Connection, business_ids: Sequence[UUID], at: dt.datetime) -> dict[UUID, Earlier]:
    """The last score each business had at a time, if it was made within the week before; absent without one."""
    values = {"businesses": list(business_ids), "at": at, "since": at - TREND_TOLERANCE_DAYS * ONE_DAY}
    return {
        row.business_id: Earlier(row.scored_on, row.score, row.top_customer_share)
        for row in conn.execute(EARLIER, values)
    }


EARLIER = text(
    """
    select business.id as business_id, earlier.scored_on, earlier.score, concentration.value as top_customer_share
    from unnest(:businesses) as business(id)
    cross join lateral (
        select scored_on, score, components
        from readiness_scores
        where readiness_scores.business_id = business.id and created_at <= :at and created_at > :since
        order by created_at desc
        limit 1
    ) as earlier
    left join lateral (
        select cast(rule ->> 'value' as float8) as value
        from jsonb_array_elements(earlier.components -> 'rules') as rule
        where rule ->> 'key' = 'concentration'
        limit 1
    ) as concentration on true
    """
).bindparams(BUSINESSES)


def lock_kept(
    conn: Connection, business_ids: Sequence[UUID], *, dismissed_after: dt.datetime, resolved_after: dt.datetime
) -> Mapping[UUID, list[Kept]]:
    """The recommendations that matter to their rules, by business; nobody decides about them meanwhile."""
    values = {
        "businesses": list(business_ids),
        "dismissed_after": dismissed_after,
        "resolved_after": resolved_after,
    }
    found: defaultdict[UUID, list[Kept]] = defaultdict(list)
    for row in conn.execute(KEPT, values):
        found[row.business_id].append(_kept(row))
    return found


KEPT = text(
    """
    select id, business_id, rule_key, title, description, priority, category, status, estimated_impact, metric_refs,
        article, evidence, proof, decided_at, updated_at
    from recommendations
    where business_id = any(:businesses)
      and (status in ('pending', 'accepted')
           or (status = 'dismissed' and coalesce(decided_at, updated_at) > :dismissed_after)
           or (status = 'resolved' and updated_at > :resolved_after))
    order by id
    for no key update
    """
).bindparams(BUSINESSES)


def insert_new(conn: Connection, new: Mapping[UUID, Iterable[tuple[Advice, Evidence]]], now: dt.datetime) -> None:
    """Make recommendations, by business; none of a rule that has a live one."""
    rows = [
        {"business_id": business_id, **_columns(advice), "evidence": evidence}
        for business_id in sorted(new)
        for advice, evidence in new[business_id]
    ]
    if rows:
        conn.execute(INSERT, {"rows": orjson.dumps(rows).decode(), "now": now})


INSERT = text(
    """
    insert into recommendations (business_id, rule_key, title, description, priority, category, estimated_impact,
        metric_refs, article, evidence, created_at, updated_at)
    select business_id, rule_key, title, description, priority, category, estimated_impact, metric_refs, article,
        evidence, :now, :now
    from jsonb_to_recordset(cast(:rows as jsonb)) as new(business_id uuid, rule_key text, title text,
        description text, priority text, category text, estimated_impact int, metric_refs jsonb, article text,
        evidence jsonb)
    on conflict (business_id, rule_key) where status in ('pending', 'accepted') do nothing
    """
)


def update_kept(conn: Connection, changed: Mapping[UUID, Iterable[Kept]], now: dt.datetime) -> None:
    """Write what has become of recommendations that are locked, by business; what their owners decided stays."""
    rows = [
        {
            "id": item.id,
            "business_id": business_id,
            "status": item.status.value,
            "proof": item.proof,
            **_columns(item.advice),
        }
        for business_id, items in changed.items()
        for item in items
    ]
    if rows:
        conn.execute(UPDATE, {"rows": orjson.dumps(rows).decode(), "now": now})


UPDATE = text(
    """
    update recommendations as kept set status = new.status, proof = new.proof, title = new.title,
        description = new.description, priority = new.priority, category = new.category,
        estimated_impact = new.estimated_impact, metric_refs = new.metric_refs, article = new.article,
        updated_at = :now
    from jsonb_to_recordset(cast(:rows as jsonb)) as new(id uuid, business_id uuid, status text, proof jsonb,
        title text, description text, priority text, category text, estimated_impact int, metric_refs jsonb,
        article text)
    where kept.id = new.id and kept.business_id = new.business_id
    """
)


def _columns(advice: Advice) -> dict[str, Any]:
    return {**vars(advice), "priority": advice.priority.value}


def _kept(row: Row[Any]) -> Kept:
    advice = Advice(
        rule_key=row.rule_key,
        title=row.title,
        description=row.description,
        priority=Priority(row.priority),
        category=row.category,
        estimated_impact=row.estimated_impact,
        metric_refs=tuple(row.metric_refs),
        article=row.article,
    )
    return Kept(row.id, Status(row.status), advice, row.evidence, row.decided_at, row.updated_at, row.proof)
