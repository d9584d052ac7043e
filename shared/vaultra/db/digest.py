"""SQL for digests: who is due, their mails, and what those tell."""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, select, text, true

from vaultra.db.models import Mail, ReadinessScore, Recommendation, User
from vaultra.db.readiness import COLUMNS as SCORE_COLUMNS
from vaultra.db.statements import statement
from vaultra.domain.digest import Access, BusinessNews, EventKind, Events, Reader, Step, weightiest, worst_first
from vaultra.domain.notifications import Digest
from vaultra.domain.readiness import StoredScore
from vaultra.domain.recommendations import Priority, Status

KIND = "digest"


def list_time_zones(conn: Connection) -> list[str]:
    """The time zones of everybody who wants a digest."""
    return list(conn.scalars(TIME_ZONES))


TIME_ZONES = select(User.time_zone).where(User.digest.in_([Digest.DAILY.value, Digest.WEEKLY.value])).distinct()


def list_due(conn: Connection, days: Mapping[str, dt.date], after: UUID | None, limit: int) -> list[UUID]:
    """One page, by id, of the users who want a digest of their day, have something to read of, and have none yet.

    Args:
        days: Where it is the time for digests: the day by time zone.
        after: The last user of the page before; None for the first page.
    """
    values = {**_unzipped(days), "after": after, "limit": limit}
    conn.execute(PLAN_ANEW)
    return [row.id for row in conn.execute(LIST_DUE, values)]


def insert_due(conn: Connection, user_ids: Sequence[UUID], days: Mapping[str, dt.date], now: dt.datetime) -> list[UUID]:
    """Ask for the digests of those of these users who are due; gives the mails' ids.

    A user's digest of a day has one key, so of several that ask for it at once one does. Its id follows from that,
    so that it has the same Message-ID even when a restored database asks for it once more.
    """
    values = {**_unzipped(days), "user_ids": list(user_ids), "now": now}
    conn.execute(PLAN_ANEW)
    return [row.id for row in conn.execute(INSERT_DUE, values)]


# In a minute the outbox grows by as many mails as there are people; a plan from before would read it for each of them.
PLAN_ANEW = text("set local plan_cache_mode = force_custom_plan")
# Who is due, and the key of the one digest they have on a day.
_DUE = """
    from unnest(cast(:zones as text[]), cast(:days as date[])) as here(time_zone, day)
    join users on users.time_zone = here.time_zone
    cross join lateral (values ('digest:' || users.id || ':' || to_char(here.day, 'YYYY-MM-DD'))) as one(key)
    where (users.digest = 'daily' or users.digest = 'weekly' and extract(isodow from here.day) = 1)
      and exists (
          select from user_business_memberships as memberships
          join readiness_scores on readiness_scores.business_id = memberships.business_id
          where memberships.user_id = users.id)
      and not exists (select from mails where mails.dedupe_key = one.key)
"""
LIST_DUE = text(
    f"""
    select users.id {_DUE}
      and (cast(:after as uuid) is null or users.id > cast(:after as uuid))
    order by users.id
    limit :limit
    """
)
INSERT_DUE = text(
    f"""
    insert into mails (id, kind, recipient, user_id, facts, dedupe_key, created_at)
    select cast(md5(one.key) as uuid), 'digest', users.email, users.id, jsonb_build_object('day', here.day), one.key,
        :now {_DUE}
      and users.id = any(cast(:user_ids as uuid[]))
    order by users.id
    on conflict do nothing
    returning id
    """
)


def find_reader(conn: Connection, user_id: UUID) -> Reader | None:
    """Whom a digest is for; None when they are gone."""
    row = conn.execute(READER, {"user_id": user_id}).one_or_none()
    return None if row is None else Reader(row.email, Digest(row.digest), row.time_zone, row.last_sent_at)


_LAST_SENT = (
    select(func.max(Mail.sent_at)).where(Mail.user_id == bindparam("user_id"), Mail.kind == KIND).scalar_subquery()
)
READER = select(User.email, User.digest, User.time_zone, _LAST_SENT.label("last_sent_at")).where(
    User.id == bindparam("user_id")
)


def list_news(
    conn: Connection, user_id: UUID, *, since: dt.datetime, until: dt.datetime, stale_before: dt.datetime
) -> list[BusinessNews]:
    """What there is to tell a person of each business they are a member of now, the worst score first.

    Args:
        since, until: The period, half-open. The scores are the last ones stored before either.
        stale_before: Figures computed before that are late, where the account can be read.
    """
    rows = conn.execute(statement("digest_businesses"), {"user_id": user_id}).all()
    ids = [row.id for row in rows]
    now, then = _list_scores(conn, ids, until), _list_scores(conn, ids, since)
    events, steps = _list_events(conn, ids, since, until), _list_steps(conn, ids)
    news = [
        BusinessNews(
            id=row.id,
            name=row.name,
            now=now.get(row.id),
            then=then.get(row.id),
            access=Access.NEVER if row.status is None else Access(row.status),
            trouble=row.error,
            computed_at=row.computed_at,
            stale=row.status == Access.CONNECTED and row.computed_at is not None and row.computed_at < stale_before,
            events=tuple(events[row.id]),
            steps=weightiest(steps[row.id]),
            new_steps=sum(step.created_at >= since for step in steps[row.id]),
        )
        for row in rows
    ]
    return worst_first(news)


def _list_scores(conn: Connection, business_ids: list[UUID], until: dt.datetime) -> dict[UUID, StoredScore]:
    """The last score of each business that was stored before then."""
    rows = conn.execute(SCORES, {"business_ids": business_ids, "until": until})
    return {row.business_id: StoredScore(**row._mapping) for row in rows}


_wanted = func.unnest(text("cast(:business_ids as uuid[])")).table_valued("id", name="wanted").render_derived()
_last = (
    select(*SCORE_COLUMNS)
    .where(ReadinessScore.business_id == _wanted.c.id, ReadinessScore.created_at < bindparam("until"))
    .order_by(ReadinessScore.created_at.desc())
    .limit(1)
    .lateral("last")
)
SCORES = select(_last).select_from(_wanted.join(_last, true()))


def _list_events(
    conn: Connection, business_ids: list[UUID], since: dt.datetime, until: dt.datetime
) -> Mapping[UUID, list[Events]]:
    found: defaultdict[UUID, list[Events]] = defaultdict(list)
    values = {"business_ids": business_ids, "since": since, "until": until}
    for row in conn.execute(statement("digest_events"), values):
        kind = EventKind(row.kind)
        found[row.business_id].append(Events(kind, row.how_many, row.amount_minor, row.currency))
    return found


def _list_steps(conn: Connection, business_ids: list[UUID]) -> Mapping[UUID, list[Step]]:
    found: defaultdict[UUID, list[Step]] = defaultdict(list)
    for row in conn.execute(STEPS, {"business_ids": business_ids}):
        found[row.business_id].append(Step(row.title, Priority(row.priority), row.estimated_impact, row.created_at))
    return found


STEPS = select(
    Recommendation.business_id,
    Recommendation.title,
    Recommendation.priority,
    Recommendation.estimated_impact,
    Recommendation.created_at,
).where(
    Recommendation.business_id == text("any(cast(:business_ids as uuid[]))"),
    Recommendation.status.in_([Status.PENDING.value, Status.ACCEPTED.value]),
)


def _unzipped(days: Mapping[str, dt.date]) -> dict[str, Any]:
    return {"zones": list(days), "days": list(days.values())}
