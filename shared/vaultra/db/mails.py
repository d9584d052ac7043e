"""SQL for mails: asked for, sent, given up."""

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, and_, delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from vaultra.db.models import Mail
from vaultra.domain.mails import WaitingMail

WAITING = and_(Mail.sent_at.is_(None), Mail.dropped.is_(None))


def insert_mail(
    conn: Connection,
    *,
    kind: str,
    recipient: str,
    user_id: UUID | None,
    business_id: UUID | None,
    invitation_id: UUID | None,
    facts: Mapping[str, Any],
    dedupe_key: str | None,
    now: dt.datetime,
) -> UUID | None:
    """A mail that waits; its id, or None when there is one with this `dedupe_key`."""
    values = {
        "kind": kind,
        "recipient": recipient,
        "user_id": user_id,
        "business_id": business_id,
        "invitation_id": invitation_id,
        "facts": dict(facts),
        "dedupe_key": dedupe_key,
        "created_at": now,
    }
    statement = upsert(Mail).values(values).on_conflict_do_nothing(index_elements=[Mail.dedupe_key])
    return conn.execute(statement.returning(Mail.id)).scalar_one_or_none()


def lock_waiting(conn: Connection, mail_id: UUID) -> WaitingMail | None:
    """A mail to send, which nobody else sends before the transaction ends.

    Returns:
        None when it was sent, dropped or deleted, and while somebody else is sending it.
    """
    row = conn.execute(
        select(Mail.id, Mail.kind, Mail.recipient, Mail.user_id, Mail.business_id, Mail.invitation_id, Mail.facts)
        .where(Mail.id == mail_id, WAITING)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    return None if row is None else WaitingMail(**row._mapping)


def mark_sent(conn: Connection, mail_id: UUID, now: dt.datetime) -> None:
    """Remember that the mail went out."""
    conn.execute(update(Mail).where(Mail.id == mail_id).values(sent_at=now))


def mark_dropped(conn: Connection, mail_id: UUID, reason: str) -> None:
    """Remember why the mail will not be sent; the reason names nobody."""
    conn.execute(update(Mail).where(Mail.id == mail_id).values(dropped=reason))


def list_waiting(conn: Connection, *, since: dt.datetime, before: dt.datetime, limit: int) -> list[UUID]:
    """Mails asked for in `[since, before)` that still wait, oldest first."""
    statement = (
        select(Mail.id)
        .where(WAITING, Mail.created_at >= since, Mail.created_at < before)
        .order_by(Mail.created_at, Mail.id)
        .limit(limit)
    )
    return list(conn.scalars(statement))


def drop_waiting(conn: Connection, *, before: dt.datetime, reason: str) -> int:
    """Give up the mails asked for before that and still waiting, except those being sent; how many."""
    old = select(Mail.id).where(WAITING, Mail.created_at < before).with_for_update(skip_locked=True)
    return conn.execute(update(Mail).where(Mail.id.in_(old.scalar_subquery())).values(dropped=reason)).rowcount


def delete_settled(conn: Connection, before: dt.datetime) -> int:
    """Forget mails asked for before that, unless they still wait; how many."""
    return conn.execute(delete(Mail).where(~WAITING, Mail.created_at < before)).rowcount
